import * as resources from '../../../kube/resources.ts'
import { keyOf, type KubeObject } from '../../../kube/types.ts'
import { groupName } from '../../names.ts'
import type { Group } from '../pods/flavors.ts'
import { reconciling, type Verdict } from '../../reasons.ts'
import type { RemovedGroup } from '../inputs.ts'
import type { Pass, Step } from '../steps.ts'
import { isRemoved, podsOf } from './removed-groups.ts'

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
