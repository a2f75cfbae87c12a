import type { Partition } from '../partition.ts'

/** Keeps the replicas that this broker does not lead equal to their leaders' logs. */
export interface Followers {
  /** Fetches from the leader from now on, after cutting off what the leader does not have. A newer epoch of the same leader begins anew (KAFKA-7164). */
  follow(partition: Partition, leader: { brokerId: number; leaderEpoch: number }): void
  /** Nothing more is appended to the partition, or cut off, after this resolves. One that is not followed resolves at once. */
  unfollow(partition: Partition): Promise<void>
  /** Ends all of it. */
  stop(): Promise<void>
}
