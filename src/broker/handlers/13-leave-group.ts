import type { leaveGroup } from '../../protocol/api/13-leave-group.ts'
import { errorCode } from '../../protocol/errors.ts'
import type { Context } from '../context.ts'
import type { Leaver } from '../coordinator/messages.ts'
import type { Handler, Refusal } from '../handler.ts'
import { checkGroupId } from './group-messages.ts'

const SEVERAL_SINCE = 3

export const refuseLeaveGroup: Refusal<typeof leaveGroup> = (_request, { code }) => ({ errorCode: code })

const leave = (context: Context, groupId: string, leavers: readonly Leaver[]): number[] => {
  checkGroupId(groupId)
  const group = context.broker.groups.find(groupId)
  if (!group) return leavers.map(() => errorCode('UNKNOWN_MEMBER_ID'))
  return group.membership.leave(leavers).map(errorCode)
}

/** Before version 3 a member leaves alone, and its error is that of the reply. */
export const handleLeaveGroup: Handler<typeof leaveGroup> = ({ groupId, memberId, members }, context) => {
  context.authorize('READ', 'GROUP', groupId)
  if (context.apiVersion < SEVERAL_SINCE) return { errorCode: leave(context, groupId, [{ memberId, groupInstanceId: null }])[0]! }
  const codes = leave(context, groupId, members)
  return { members: members.map(({ memberId, groupInstanceId }, index) => ({ memberId, groupInstanceId, errorCode: codes[index]! })) }
}
