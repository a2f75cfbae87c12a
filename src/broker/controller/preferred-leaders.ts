import { NO_LEADER } from '../metadata/znodes/partition-state.ts'
import type { ControllerContext, KnownPartition } from './context.ts'
import { electPreferred } from './elections.ts'
import { isMoving } from './reassignment.ts'

/** PREFERRED: the first replica, when it is in sync. UNCLEAN: for a partition without a leader, any replica that is alive, and with it the records that it lacks are lost. */
export type ElectionType = 'PREFERRED' | 'UNCLEAN'

export const needsElection = (type: ElectionType, known: KnownPartition, context: ControllerContext): boolean => {
  const leader = known.leadership?.leader ?? NO_LEADER
  return type === 'PREFERRED' ? leader !== known.assignment.replicas[0] : leader === NO_LEADER || !context.brokers.has(leader)
}

/**
 * The partitions whose leadership can go back to the first replica, of those brokers that lead too few of the partitions that are theirs to lead: more than
 * `percentage` of them are led by others. None while any partition moves. Source: KafkaController.checkAndTriggerAutoLeaderRebalance.
 */
export const imbalanced = (context: ControllerContext, percentage: number): KnownPartition[] => {
  const all = [...context.all()]
  if (all.some(({ assignment }) => isMoving(assignment))) return []
  const byPreferred = Map.groupBy(
    all.filter((known) => !context.isToBeDeleted(known)),
    ({ assignment }) => assignment.replicas[0],
  )
  return [...byPreferred].flatMap(([preferred, partitions]) => {
    const elsewhere = partitions.filter(({ leadership }) => leadership && leadership.leader !== preferred)
    if (elsewhere.length / partitions.length <= percentage / 100) return []
    return elsewhere.filter((known) => electPreferred(context.electorate(known)))
  })
}
