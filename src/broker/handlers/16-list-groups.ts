import type { listGroups } from '../../protocol/api/16-list-groups.ts'
import { errorCode } from '../../protocol/errors.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Handler, Refusal } from '../handler.ts'

export const refuseListGroups: Refusal<typeof listGroups> = (_request, { code }) => ({ errorCode: code })

/** The groups of this broker; while some are being loaded, the others, with an error that says so. */
export const handleListGroups: Handler<typeof listGroups> = ({ statesFilter }, context) => {
  const { groups } = context.broker
  const seesAll = context.isAuthorized('DESCRIBE', 'CLUSTER', CLUSTER_NAME)
  const listed = groups
    .list()
    .filter(({ state }) => statesFilter.length === 0 || statesFilter.includes(state))
    .filter(({ groupId }) => seesAll || context.isAuthorized('DESCRIBE', 'GROUP', groupId))
  return {
    errorCode: groups.isLoading ? errorCode('COORDINATOR_LOAD_IN_PROGRESS') : 0,
    groups: listed.map(({ groupId, protocolType, state }) => ({ groupId, protocolType, groupState: state })),
  }
}
