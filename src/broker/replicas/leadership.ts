/** What the controller says of a partition. */
export type Leadership = {
  leader: number
  leaderEpoch: number
  isr: readonly number[]
  /** All assigned replicas, those that are added or removed by a reassignment too. */
  replicas: readonly number[]
  addingReplicas: readonly number[]
  removingReplicas: readonly number[]
  controllerEpoch: number
  /** Version of the state znode; an in-sync set is written only where it still holds. */
  zkVersion: number
}
/** What a follower's fetch tells the leader. `logStartOffset` -1: unknown. `nowMs`: when the fetch was read, by the monotonic clock. */
export type FollowerFetch = { fetchOffset: number; logStartOffset: number; nowMs: number }
