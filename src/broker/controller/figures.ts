import { NO_LEADER } from '../metadata/znodes/partition-state.ts'
import type { ControllerContext, KnownPartition } from './context.ts'

/** What only the controller knows; zeros elsewhere. */
export type ControllerFigures = {
  isActive: boolean
  offlinePartitions: number
  preferredReplicaImbalance: number
  topics: number
  partitions: number
  topicsToDelete: number
  replicasToDelete: number
  topicsIneligibleToDelete: number
  replicasIneligibleToDelete: number
  /** Since the broker's start. */
  uncleanElections: number
}
export const NO_CONTROLLER_FIGURES: ControllerFigures = {
  isActive: false,
  offlinePartitions: 0,
  preferredReplicaImbalance: 0,
  topics: 0,
  partitions: 0,
  topicsToDelete: 0,
  replicasToDelete: 0,
  topicsIneligibleToDelete: 0,
  replicasIneligibleToDelete: 0,
  uncleanElections: 0,
}

/** Not led by its preferred replica; while that one is still being added it counts only when it could lead. */
const isImbalanced = ({ assignment, leadership }: KnownPartition): boolean => {
  const [preferred] = assignment.replicas
  if (leadership === undefined || preferred === undefined || leadership.leader === preferred) return false
  return !assignment.adding.includes(preferred) || leadership.isr.includes(preferred)
}

/** Source of the meanings: KafkaController.updateMetrics and ControllerContext of 2.6. */
export const figuresOf = (context: ControllerContext, ineligibleTopics: number): ControllerFigures => {
  const figures = {
    isActive: true,
    offlinePartitions: 0,
    preferredReplicaImbalance: 0,
    topics: context.topicCount,
    partitions: 0,
    topicsToDelete: context.toDelete.size,
    replicasToDelete: 0,
    topicsIneligibleToDelete: ineligibleTopics,
    replicasIneligibleToDelete: 0,
    uncleanElections: context.uncleanElections,
  }
  for (const known of context.all()) {
    figures.partitions++
    if (context.isToBeDeleted(known)) {
      for (const state of known.replicaStates.values()) {
        if (state !== 'DELETION_SUCCESSFUL') figures.replicasToDelete++
        if (state === 'DELETION_INELIGIBLE') figures.replicasIneligibleToDelete++
      }
      continue
    }
    if (known.state !== 'ONLINE' || (known.leadership?.leader ?? NO_LEADER) === NO_LEADER) figures.offlinePartitions++
    if (isImbalanced(known)) figures.preferredReplicaImbalance++
  }
  return figures
}
