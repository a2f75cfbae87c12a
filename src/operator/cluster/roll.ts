import type { Pod, StatefulSet } from '../../kube/resources.ts'
import { GROUP_LABEL, TEMPLATE_HASH } from '../names.ts'
import { hashOfPod, idOf, isReady, isZooKeeper } from './pods.ts'

export type RollState = { statefulSets: readonly StatefulSet[]; pods: readonly Pod[]; controllerId: number | undefined }

/** Pods whose template is not the one that their StatefulSet has now. */
export const outdatedPods = ({ statefulSets, pods }: Pick<RollState, 'statefulSets' | 'pods'>): Pod[] => {
  const hashes = new Map(
    statefulSets.map((set) => [set.spec.selector.matchLabels[GROUP_LABEL], set.spec.template.metadata?.annotations?.[TEMPLATE_HASH]]),
  )
  return pods.filter((pod) => !pod.metadata.deletionTimestamp && hashOfPod(pod) !== hashes.get(pod.metadata.labels?.[GROUP_LABEL]))
}

/**
 * The pod to replace next. One that is not ready goes first: it may be the very setting that is mended. A ready one goes only while every pod is there and
 * ready, ZooKeeper before brokers, higher ids first, the controller last.
 */
export const nextToReplace = (state: RollState): Pod | undefined => {
  const outdated = outdatedPods(state)
  const broken = outdated.find((pod) => !isReady(pod))
  if (broken) return broken
  const wanted = state.statefulSets.reduce((sum, set) => sum + set.spec.replicas, 0)
  if (state.pods.length < wanted || !state.pods.every(isReady)) return undefined
  const rank = (pod: Pod): number => {
    if (isZooKeeper(pod)) return -1
    return idOf(pod) === state.controllerId ? 1 : 0
  }
  return outdated.sort((a, b) => rank(a) - rank(b) || idOf(b) - idOf(a))[0]
}
