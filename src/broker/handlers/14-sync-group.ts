import type { syncGroup } from '../../protocol/api/14-sync-group.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { Handler, Refusal } from '../handler.ts'
import { groupOfMember } from './group-messages.ts'

const PROTOCOL_SINCE = 5

export const refuseSyncGroup: Refusal<typeof syncGroup> = (_request, { code }) => ({ errorCode: code })

/** Answered when the group's leader has brought the assignment and it is stored. */
export const handleSyncGroup: Handler<typeof syncGroup> = async (request, context) => {
  const { groupId, assignments, protocolType, protocolName } = request
  const lacksProtocol = context.apiVersion >= PROTOCOL_SINCE && (protocolType === null || protocolName === null)
  if (lacksProtocol) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
  context.authorize('READ', 'GROUP', groupId)
  try {
    const { membership } = groupOfMember(context, groupId)
    const byMember = new Map(assignments.map(({ memberId, assignment }) => [memberId, assignment]))
    const { error, ...result } = await membership.sync({ ...request, assignments: byMember })
    return { ...result, errorCode: errorCode(error) }
  } catch (thrown) {
    // A member that is told to join again needs no new error for a coordinator that is loading.
    if (thrown instanceof KafkaError && thrown.error === 'COORDINATOR_LOAD_IN_PROGRESS') throw new KafkaError('REBALANCE_IN_PROGRESS')
    throw thrown
  }
}
