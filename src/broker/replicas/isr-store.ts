import type { TopicPartition } from '../../base/topic-partition.ts'
import type { LeaderAndIsr } from '../metadata/znodes/partition-state.ts'

export type IsrChange = { isr: readonly number[]; leaderEpoch: number; controllerEpoch: number; zkVersion: number }
/** `conflict`: somebody else has written; `stored` is what stands there now, undefined where the partition is gone. */
export type IsrChangeResult = { zkVersion: number } | { conflict: true; stored: (LeaderAndIsr & { zkVersion: number }) | undefined }

/** Where the in-sync replicas of partitions that this broker leads are written down. */
export interface IsrStore {
  /**
   * Writes the leader (this broker) and the in-sync replicas where the stored state still has `zkVersion`, or already says the same. It waits while the store cannot be
   * reached, and finds out what became of a write whose answer was lost, so that the outcome is always known. Rejects only when this broker's session has ended.
   */
  change(partition: TopicPartition, change: IsrChange): Promise<IsrChangeResult>
  /** Whether a change can be written now; while it is not, no replica is declared out of sync. */
  readonly isReachable: boolean
}
