import type { Cluster } from '../../../api/index.ts'
import type * as resources from '../../../kube/resources.ts'
import { GROUP_LABEL, isOfBrokers } from '../../names.ts'
import type { RemovedGroup } from '../inputs.ts'
import { idOf } from '../pods/broker-pods.ts'
import type { Group } from '../pods/flavors.ts'

type Set = resources.StatefulSet

const groupOf = ({ spec }: Set): string => spec.selector.matchLabels[GROUP_LABEL] ?? ''
export const podsOf = (set: Set, pods: readonly resources.Pod[]): resources.Pod[] =>
  pods.filter(({ metadata }) => metadata.labels?.[GROUP_LABEL] === groupOf(set))
const firstIdOf = ({ spec }: Set): number => spec.ordinals?.start ?? 0

/** Whether the set is what the group's brokers run in: another one of that name with other ids is of a group that was removed before. */
const isSetOf = (set: Set, { name, firstId = 0 }: Group): boolean => groupOf(set) === name && firstIdOf(set) === firstId

/** A set of brokers that the spec does not have as they are. */
export const isRemoved = (cluster: Cluster, set: Set): boolean =>
  isOfBrokers(set) && !cluster.spec.brokers.some((group) => isSetOf(set, group))

type Seen = { statefulSets: readonly Set[]; emptied?: readonly Set[]; pods: readonly resources.Pod[] }

/** Groups that the spec no longer has and that still have brokers. `isStopping`: nothing is on them any more, their pods are on their way out. */
export const removedGroups = (cluster: Cluster, { statefulSets, emptied = [], pods }: Seen): (RemovedGroup & { isStopping: boolean })[] => {
  const running = statefulSets
    .filter((set) => isRemoved(cluster, set) && set.spec.replicas > 0)
    .map((set) => ({ name: groupOf(set), firstId: firstIdOf(set), replicas: set.spec.replicas, isStopping: false }))
  const stopping = emptied.flatMap((set) => {
    const ids = podsOf(set, pods).map(idOf)
    if (ids.length === 0) return []
    const firstId = Math.min(...ids)
    return [{ name: groupOf(set), firstId, replicas: Math.max(...ids) + 1 - firstId, isStopping: true }]
  })
  return [...running, ...stopping]
}

/** Sets of removed groups that run nothing any more, apart from the others. */
export const partedSets = (cluster: Cluster, sets: readonly Set[]): { live: Set[]; emptied: Set[] } => {
  const isEmptied = (set: Set): boolean => isRemoved(cluster, set) && set.spec.replicas === 0
  return { live: sets.filter((set) => !isEmptied(set)), emptied: sets.filter(isEmptied) }
}
