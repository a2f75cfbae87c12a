import { isOver, isReady, isTerminating, type Pod, type StatefulSet, type StatefulSetStatus } from '../objects.ts'

export const REVISION_LABEL = 'controller-revision-hash'

/** What is done next for a StatefulSet. Decides only; the caller creates and deletes. */
export type StatefulSetPlan = {
  /** Ordinals to create, each from the template of that revision. */
  create: { ordinal: number; revision: string }[]
  delete: Pod[]
}
export type Revisions = { current: string; update: string }

const firstOrdinal = (set: StatefulSet): number => set.spec.ordinals?.start ?? 0
export const replicasOf = (set: StatefulSet): number => set.spec.replicas ?? 1

/** `web-3` of set `web` is 3; undefined for any other name. */
export const ordinalOf = (set: StatefulSet, pod: Pod): number | undefined => {
  const { name } = set.metadata
  const digits = pod.metadata.name.startsWith(`${name}-`) ? pod.metadata.name.slice(name.length + 1) : ''
  return /^(0|[1-9]\d*)$/.test(digits) ? Number(digits) : undefined
}

const revisionOf = (pod: Pod): string | undefined => pod.metadata.labels?.[REVISION_LABEL]
const isHealthy = (pod: Pod): boolean => isReady(pod) && !isTerminating(pod)
const isRolling = (set: StatefulSet): boolean => (set.spec.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate'

/** A pod that comes back during a rolling update keeps its old template until its turn (Kubernetes: newVersionedStatefulSetPod). */
const revisionFor = (set: StatefulSet, ordinal: number, { current, update }: Revisions): string => {
  if (!isRolling(set)) return update
  const start = firstOrdinal(set)
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition
  const isOld =
    partition === undefined || partition === 0 ? ordinal < start + (set.status?.currentReplicas ?? 0) : ordinal < start + partition
  return isOld ? current : update
}

/** Scaling up and replacing what failed, lowest first; OrderedReady waits for each to be ready before the next. */
const planReplicas = (set: StatefulSet, members: Map<number, Pod>, revisions: Revisions): { plan: StatefulSetPlan; isSettled: boolean } => {
  const isOrdered = set.spec.podManagementPolicy !== 'Parallel'
  const plan: StatefulSetPlan = { create: [], delete: [] }
  let isSettled = true
  for (let ordinal = firstOrdinal(set); ordinal < firstOrdinal(set) + replicasOf(set); ordinal++) {
    const pod = members.get(ordinal)
    if (!pod) plan.create.push({ ordinal, revision: revisionFor(set, ordinal, revisions) })
    else if (isOver(pod) && !isTerminating(pod)) plan.delete.push(pod)
    if (pod && isHealthy(pod)) continue
    isSettled = false
    if (isOrdered) return { plan, isSettled }
  }
  return { plan, isSettled }
}

/** Highest ordinal first; OrderedReady one at a time, and only while all others are well. */
const planScaleDown = (set: StatefulSet, condemned: Pod[], isSettled: boolean): Pod[] => {
  if (set.spec.podManagementPolicy === 'Parallel') return condemned.filter((pod) => !isTerminating(pod))
  if (!isSettled || condemned.some(isTerminating)) return []
  return condemned.slice(0, 1)
}

/** The highest pod of another revision, once all above it are well. */
const planUpdate = (set: StatefulSet, members: Map<number, Pod>, update: string): Pod[] => {
  if (!isRolling(set)) return []
  const start = firstOrdinal(set)
  const lowest = start + (set.spec.updateStrategy?.rollingUpdate?.partition ?? 0)
  for (let ordinal = start + replicasOf(set) - 1; ordinal >= lowest; ordinal--) {
    const pod = members.get(ordinal)
    if (!pod || isTerminating(pod)) return []
    if (revisionOf(pod) !== update) return [pod]
    if (!isHealthy(pod)) return []
  }
  return []
}

/** By ordinal: the pods inside the wanted range, and those beyond it, highest first. */
const sorted = (set: StatefulSet, pods: readonly Pod[]): { members: Map<number, Pod>; condemned: Pod[] } => {
  const members = new Map<number, Pod>()
  const condemned: [number, Pod][] = []
  const start = firstOrdinal(set)
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod)
    if (ordinal === undefined) continue
    if (ordinal >= start && ordinal < start + replicasOf(set)) members.set(ordinal, pod)
    else condemned.push([ordinal, pod])
  }
  return { members, condemned: condemned.sort(([a], [b]) => b - a).map(([, pod]) => pod) }
}

export const planStatefulSet = (set: StatefulSet, pods: readonly Pod[], revisions: Revisions): StatefulSetPlan => {
  if (isTerminating(set)) return { create: [], delete: [] }
  const { members, condemned } = sorted(set, pods)
  const { plan, isSettled } = planReplicas(set, members, revisions)
  const down = planScaleDown(set, condemned, isSettled)
  const isBusy = plan.create.length > 0 || plan.delete.length > 0 || down.length > 0 || condemned.length > 0
  const update = isBusy ? [] : planUpdate(set, members, revisions.update)
  return { create: plan.create, delete: [...plan.delete, ...down, ...update] }
}

export const statefulSetStatus = (set: StatefulSet, pods: readonly Pod[], revisions: Revisions): StatefulSetStatus => {
  const { members, condemned } = sorted(set, pods)
  const all = [...members.values(), ...condemned]
  const count = (filter: (pod: Pod) => boolean): number => all.filter(filter).length
  const ready = count(isHealthy)
  const ofRevision = (revision: string) => count((pod) => revisionOf(pod) === revision && !isTerminating(pod))
  const updated = ofRevision(revisions.update)
  const replicas = replicasOf(set)
  const isComplete = isRolling(set) && updated === replicas && ready === replicas && all.length === replicas
  return {
    observedGeneration: set.metadata.generation ?? 0,
    replicas: all.length,
    readyReplicas: ready,
    availableReplicas: ready,
    currentReplicas: isComplete ? updated : ofRevision(revisions.current),
    updatedReplicas: updated,
    currentRevision: isComplete ? revisions.update : revisions.current,
    updateRevision: revisions.update,
    collisionCount: 0,
  }
}
