import { type LeaderAndIsr, NO_LEADER } from '../metadata/znodes/partition-state.ts'

type Circumstances = { replicas: readonly number[]; isAlive: (brokerId: number) => boolean; controllerEpoch: number }

/**
 * Who leads a partition, from who lives: the first assigned replica that is alive and in sync. Without one there is no leader and the in-sync set stays, since
 * only its members have every acknowledged record. undefined: nothing to change, or (for a new partition) nobody to lead it yet.
 */
export const nextState = (
  current: LeaderAndIsr | undefined,
  { replicas, isAlive, controllerEpoch }: Circumstances,
): LeaderAndIsr | undefined => {
  const live = replicas.filter(isAlive)
  if (!current) return live.length > 0 ? { leader: live[0]!, leaderEpoch: 0, isr: live, controllerEpoch } : undefined
  if (current.leader !== NO_LEADER && isAlive(current.leader)) return undefined
  const candidates = live.filter((id) => current.isr.includes(id))
  const leader = candidates[0] ?? NO_LEADER
  if (leader === NO_LEADER && current.leader === NO_LEADER) return undefined
  return {
    leader,
    leaderEpoch: current.leaderEpoch + 1,
    isr: leader === NO_LEADER ? current.isr : candidates,
    controllerEpoch,
  }
}
