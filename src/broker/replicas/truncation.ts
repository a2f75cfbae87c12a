import type { Log } from '../../log/log.ts'

/** A leader's answer to OffsetForLeaderEpoch: the largest epoch that it has at or below the one asked for, and where that ends. -1: it knows none. */
export type EpochEnd = { leaderEpoch: number; endOffset: number }
/** Where to cut. Not complete: the leader has to be asked again, with the epoch that is the latest after the cut. */
export type Cut = { offset: number; isComplete: boolean }

type Epochs = Pick<Log, 'logEndOffset' | 'endOffsetForEpoch'>

/**
 * Where a follower's log leaves its leader's (KIP-101), step by step where the follower lacks the leader's epoch (KIP-279). `highWatermark` is what counts where the
 * leader knows no epochs. Source of the rules: AbstractFetcherThread.getOffsetTruncationState of 2.6.3.
 */
export const cutFor = (log: Epochs, leader: EpochEnd, highWatermark: number): Cut => {
  const cut = (offset: number, isComplete = true): Cut => ({ offset: Math.min(offset, log.logEndOffset), isComplete })
  if (leader.endOffset < 0) return cut(highWatermark)
  if (leader.leaderEpoch < 0) return cut(leader.endOffset)
  const own = log.endOffsetForEpoch(leader.leaderEpoch)
  if (!own) return cut(leader.endOffset)
  if (own.epoch !== leader.leaderEpoch) return cut(own.endOffset, false)
  return cut(Math.min(own.endOffset, leader.endOffset))
}
