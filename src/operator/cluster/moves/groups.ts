import type { Cluster } from '../../../api/index.ts'
import * as resources from '../../../kube/resources.ts'
import { keyOf, type KubeObject } from '../../../kube/types.ts'
import { GROUP_LABEL, groupName } from '../../names.ts'
import { idOf } from '../pods/broker-pods.ts'
import type { Group } from '../config/properties.ts'
import { reconciling, type Verdict } from '../../reasons.ts'
import type { Pass, Step } from '../steps.ts'

type Set = resources.StatefulSet

/** Brokers that a StatefulSet runs and the spec does not have as they are. */
export type RemovedGroup = { name: string; firstId: number; replicas: number }

const isOfBrokers = ({ metadata }: Set): boolean => metadata.labels?.['app.kubernetes.io/name'] === 'kafka'
const groupOf = ({ spec }: Set): string => spec.selector.matchLabels[GROUP_LABEL] ?? ''
const podsOf = (set: Set, pods: readonly resources.Pod[]): resources.Pod[] =>
  pods.filter(({ metadata }) => metadata.labels?.[GROUP_LABEL] === groupOf(set))
const firstIdOf = ({ spec }: Set): number => spec.ordinals?.start ?? 0

/** Whether the set is what the group's brokers run in: another one of that name with other ids is of a group that was removed before. */
const isSetOf = (set: Set, { name, firstId = 0 }: Group): boolean => groupOf(set) === name && firstIdOf(set) === firstId

const isRemoved = (cluster: Cluster, set: Set): boolean => isOfBrokers(set) && !cluster.spec.brokers.some((group) => isSetOf(set, group))

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

const idsText = ({ firstId, replicas }: RemovedGroup): string =>
  replicas === 1 ? `broker ${firstId}` : `brokers ${firstId} to ${firstId + replicas - 1}`

/** A group that cannot run while a removed one still has the ids of its brokers, or its name. */
const blockerOf = (removed: readonly RemovedGroup[], { name, firstId = 0, replicas }: Group): RemovedGroup | undefined =>
  removed.find((old) => old.name === name || (firstId < old.firstId + old.replicas && old.firstId < firstId + replicas))

/** Leaves out what is of groups that wait, and keeps the pods of removed groups as they are: they are not rolled any more. */
export const keepRemoved = (pass: Pass): Verdict | undefined => {
  const { cluster, seen, inputs } = pass
  const removed = inputs.removed ?? []
  const waiting = cluster.spec.brokers.flatMap((group) => {
    const blocker = blockerOf(removed, group)
    return blocker ? [{ group, blocker }] : []
  })
  const names = new Set(waiting.map(({ group }) => groupName(cluster, group.name)))
  const isOfWaiting = ({ kind, metadata }: KubeObject): boolean =>
    (kind === 'StatefulSet' || kind === 'ConfigMap') && names.has(metadata.name)
  pass.objects = pass.objects.filter((object) => !isOfWaiting(object))
  const sets = pass.statefulSets.filter((set) => !isOfWaiting(set))
  pass.statefulSets = [...sets, ...seen.statefulSets.filter((set) => isRemoved(cluster, set))]
  const [first] = waiting
  if (!first) return undefined
  const { group, blocker } = first
  const same = blocker.name === group.name ? 'a group of the same name was removed and' : `the removed group ${blocker.name}`
  return reconciling('Draining', `the group ${group.name} begins when ${idsText(blocker)} are gone: ${same} still has them`)
}

/** Lets the brokers of removed groups go; nothing is on them any more. */
export const stopRemoved = async ({ environment, cluster, seen }: Pass): Promise<void> => {
  for (const set of seen.statefulSets.filter((one) => isRemoved(cluster, one) && one.spec.replicas > 0)) {
    const { resourceVersion } = set.metadata
    await environment.kube.patch(resources.statefulSets, keyOf(set), 'merge', { metadata: { resourceVersion }, spec: { replicas: 0 } })
  }
}

/**
 * The StatefulSets of removed groups, when their pods are gone. Where volumes go with their StatefulSet (deletionPolicy Delete) it stays, without pods: the volumes go with the
 * Cluster, not before.
 */
export const removeGroups: Step = {
  name: 'remove groups',
  run: async ({ environment, cluster, seen }) => {
    for (const set of seen.emptied) {
      const { uid, name, deletionTimestamp } = set.metadata
      const hasPods = podsOf(set, seen.pods).length > 0
      const { whenDeleted } = (set.spec['persistentVolumeClaimRetentionPolicy'] ?? {}) as { whenDeleted?: string }
      if (hasPods || deletionTimestamp || whenDeleted !== 'Retain') continue
      if (!(await environment.kube.delete(resources.statefulSets, keyOf(set), { preconditions: { uid } }))) continue
      const note = `StatefulSet ${name}: the group was removed, and its brokers are gone; their volumes stay`
      await environment.events.record(cluster, { type: 'Normal', reason: 'Deleted', action: 'ScaleDown', note })
    }
    return undefined
  },
}
