import { NO_LEADER, type LeaderAndIsr } from '../metadata/znodes/partition-state.ts'
import type { TopicAssignment } from '../metadata/znodes/topic.ts'
import type { Assignment } from './context.ts'

const without = (ids: readonly number[], others: readonly number[]): number[] => ids.filter((id) => !others.includes(id))
const includesAll = (ids: readonly number[], wanted: readonly number[]): boolean => wanted.every((id) => ids.includes(id))

export const isMoving = ({ adding, removing }: Assignment): boolean => adding.length + removing.length > 0
/** What a move that is given up goes back to. */
export const originOf = ({ replicas, adding }: Assignment): number[] => without(replicas, adding)
export const targetOf = ({ replicas, removing }: Assignment): number[] => without(replicas, removing)
export const settledOn = (replicas: readonly number[]): Assignment => ({ replicas, adding: [], removing: [] })

/**
 * The assignment while the partition moves to `target`: the target in its order, then those that have to leave. A move under way is replaced: what only that one
 * added is no longer part of it. Source: ReplicaAssignment.reassignTo.
 */
export const reassign = (current: Assignment, target: readonly number[]): Assignment => {
  const origin = originOf(current)
  const leaving = without(origin, target)
  return { replicas: [...target, ...leaving], adding: without(target, origin), removing: leaving }
}

export const isSameAssignment = (a: Assignment, b: Assignment): boolean =>
  (['replicas', 'adding', 'removing'] as const).every((key) => String(a[key]) === String(b[key]))

const withEntry = (of: ReadonlyMap<number, readonly number[]>, partition: number, ids: readonly number[]) => {
  const changed = new Map(of)
  if (ids.length > 0) changed.set(partition, ids)
  else changed.delete(partition)
  return changed
}

/** The topic with another assignment of one partition. */
export const withAssignment = (topic: TopicAssignment, partition: number, assignment: Assignment): TopicAssignment => ({
  replicas: withEntry(topic.replicas, partition, assignment.replicas),
  adding: withEntry(topic.adding, partition, assignment.adding),
  removing: withEntry(topic.removing, partition, assignment.removing),
})

/** Brokers that lead or are in sync although they have no replica any more, left so by a controller that died while a move was replaced. */
export const strangersIn = ({ replicas }: Assignment, { leader, isr }: LeaderAndIsr): number[] =>
  [...new Set([leader, ...isr])].filter((id) => id !== NO_LEADER && !replicas.includes(id))

/**
 * How far this controller has come with the assignment that stands in ZooKeeper. It only spares doing a thing twice: a new controller begins at 'nothing', and
 * goes on from what ZooKeeper has.
 */
export type Progress = 'nothing' | 'announced' | 'concluded'

export type Step =
  /** For another broker to come or to catch up. */
  | 'wait'
  /** All replicas hear of each other under a new leader epoch: the leader lets the new ones in, and they begin to follow. */
  | 'announce'
  /** One of the target leads, the others leave the in-sync set and delete their replicas. */
  | 'conclude'
  /** ZooKeeper names the target alone. */
  | 'finish'

export type Circumstances = {
  /** undefined: the partition never had a leader. */
  state: LeaderAndIsr | undefined
  progress: Progress
  isOnline: (brokerId: number) => boolean
}

/**
 * What is to be done next for a partition that moves, or whose move was given up: then nothing joins or leaves, but its replicas have to hear of it.
 * Source: KafkaController.onPartitionReassignment; but here nothing is stopped before an in-sync replica of the target can lead.
 */
export const nextStep = (assignment: Assignment, { state, progress, isOnline }: Circumstances): Step => {
  if (progress === 'concluded') return 'finish'
  if (!state || state.leader === NO_LEADER) return 'wait'
  const target = targetOf(assignment)
  if (isMoving(assignment) && !includesAll(state.isr, target)) return progress === 'nothing' ? 'announce' : 'wait'
  return target.some((id) => state.isr.includes(id) && isOnline(id)) ? 'conclude' : 'wait'
}
