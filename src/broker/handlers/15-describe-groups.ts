import type { describeGroups } from '../../protocol/api/15-describe-groups.ts'
import { codeOf } from '../../protocol/errors.ts'
import type { ReplyOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import type { Handler, Refusal } from '../handler.ts'

type Api = typeof describeGroups
type Described = NonNullable<ReplyOf<Api>['groups']>[number]

export const refuseDescribeGroups: Refusal<Api> = ({ groups }, { code }) => ({
  groups: groups.map((groupId) => ({ groupId, errorCode: code })),
})

const describe = (groupId: string, context: Context, withOperations: boolean): Described => {
  context.authorize('DESCRIBE', 'GROUP', groupId)
  const group = context.broker.groups.find(groupId)
  const { state, protocolType, protocol, members } = group?.membership.describe() ?? {
    state: 'Dead',
    protocolType: '',
    protocol: '',
    members: [],
  }
  const operations = withOperations ? { authorizedOperations: context.authorizedOperations('GROUP', groupId) } : {}
  return { errorCode: 0, groupId, groupState: state, protocolType, protocolData: protocol, members, ...operations }
}

/** A group that nobody knows is Dead, not an error. */
export const handleDescribeGroups: Handler<Api> = ({ groups, includeAuthorizedOperations }, context) => ({
  groups: groups.map((groupId) => {
    try {
      return describe(groupId, context, includeAuthorizedOperations)
    } catch (thrown) {
      return { groupId, errorCode: codeOf(thrown) }
    }
  }),
})
