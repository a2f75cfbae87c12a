import type { Pod, StatefulSet } from '../../../kube/resources.ts'
import { GROUP_LABEL, RESTART_ON, TEMPLATE_HASH } from '../../names.ts'
import { hashOfPod, idOf, isReady, isZooKeeper } from '../pods/broker-pods.ts'

export type RollState = {
  statefulSets: readonly StatefulSet[]
  pods: readonly Pod[]
  controllerId: number | undefined
  /** The number of the pod whose server leads the ensemble of ZooKeeper. */
  zooKeeperLeader?: number | undefined
  /** Names of pods that are to be restarted for another reason than their template. */
  restarts?: ReadonlyMap<string, string>
}

/** Pods whose settings are not those that their StatefulSet has now, and those that are to be restarted for another reason. */
export const outdatedPods = ({ statefulSets, pods, restarts }: Pick<RollState, 'statefulSets' | 'pods' | 'restarts'>): Pod[] => {
  const hashes = new Map<string | undefined, string | undefined>(
    statefulSets.map((set) => [set.spec.selector.matchLabels[GROUP_LABEL], set.spec.template.metadata?.annotations?.[TEMPLATE_HASH]]),
  )
  // One without a StatefulSet would not come back.
  const isOutdated = (pod: Pod): boolean => {
    const group = pod.metadata.labels?.[GROUP_LABEL]
    return hashes.has(group) && hashOfPod(pod) !== hashes.get(group)
  }
  return pods.filter((pod) => !pod.metadata.deletionTimestamp && (isOutdated(pod) || restarts?.has(pod.metadata.name)))
}

/** What changed since the pod was made, by its names in the annotation; empty where it does not say. */
export const changedParts = (pod: Pod, statefulSets: readonly StatefulSet[]): string[] => {
  const set = statefulSets.find(({ spec }) => spec.selector.matchLabels[GROUP_LABEL] === pod.metadata.labels?.[GROUP_LABEL])
  const before = partsOf(pod.metadata.annotations)
  const now = partsOf(set?.spec.template.metadata?.annotations)
  if (!before || !now) return []
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((name) => before[name] !== now[name]).sort()
}

const partsOf = (annotations: Record<string, string> | undefined): Record<string, string> | undefined => {
  try {
    return JSON.parse(annotations?.[RESTART_ON] ?? '') as Record<string, string>
  } catch {
    return undefined
  }
}

/**
 * The pod to replace next. One that is not ready goes first: it may be the very setting that is mended. A ready one goes only while every pod is there and
 * ready, ZooKeeper before brokers, higher ids first, its leader after its others, the controller last.
 */
export const nextToReplace = (state: RollState): Pod | undefined => {
  const outdated = outdatedPods(state)
  const broken = outdated.find((pod) => !isReady(pod))
  if (broken) return broken
  const wanted = state.statefulSets.reduce((sum, set) => sum + set.spec.replicas, 0)
  if (state.pods.length < wanted || !state.pods.every(isReady)) return undefined
  const rank = (pod: Pod): number => {
    if (isZooKeeper(pod)) return idOf(pod) === state.zooKeeperLeader ? -1 : -2
    return idOf(pod) === state.controllerId ? 1 : 0
  }
  return outdated.sort((a, b) => rank(a) - rank(b) || idOf(b) - idOf(a))[0]
}
