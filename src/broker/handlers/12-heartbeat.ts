import type { heartbeat } from '../../protocol/api/12-heartbeat.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Handler, Refusal } from '../handler.ts'
import { groupOfMember } from './group-messages.ts'

export const refuseHeartbeat: Refusal<typeof heartbeat> = (_request, { code }) => ({ errorCode: code })

/** While the group is loaded there is nothing to be told; the session begins anew afterwards. */
export const handleHeartbeat: Handler<typeof heartbeat> = (request, context) => {
  context.authorize('READ', 'GROUP', request.groupId)
  try {
    groupOfMember(context, request.groupId).membership.heartbeat(request)
  } catch (thrown) {
    if (!(thrown instanceof KafkaError) || thrown.error !== 'COORDINATOR_LOAD_IN_PROGRESS') throw thrown
  }
  return {}
}
