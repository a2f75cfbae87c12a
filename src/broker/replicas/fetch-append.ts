import { KafkaError } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import { baseOffsetOf, completeBatchSizeAt, lastOffsetOf } from '../../protocol/records/record-batch.ts'
import type { FetchAnswer } from './fetch-session.ts'
import type { FollowedPartition } from './fetch-partition.ts'

export type FetchedPartition = FetchAnswer['topics'][number]['partitions'][number]

/**
 * Appends what the leader sent, with one write, and takes over its offsets; at once where the log need not wait. Errors: those of Log.append. CORRUPT_MESSAGE and
 * INVALID_RECORD are the answer's fault, and nothing was appended.
 */
export const appendFetched = (followed: FollowedPartition, fetched: FetchedPartition): void | Promise<void> => {
  const { replica } = followed
  const { records } = fetched
  if (records.length > 0 && beginsBeforeEmptyLog(followed, records)) return followed.run(startOverAndAppend(followed, fetched, records))
  const appended = replica.appendAsFollower(records, leaderOffsets(followed, fetched))
  if (!(appended instanceof Promise)) return advance(followed, fetched)
  return followed.run(appended.then(() => advance(followed, fetched)))
}

const leaderOffsets = ({ leaderEpoch }: FollowedPartition, { highWatermark, logStartOffset }: FetchedPartition) => ({
  leaderEpoch,
  highWatermark: toNumber(highWatermark),
  logStartOffset: toNumber(logStartOffset),
})

const advance = (followed: FollowedPartition, { highWatermark }: FetchedPartition): void => {
  followed.fetching(Math.max(0, toNumber(highWatermark) - followed.replica.log.logEndOffset))
  followed.succeeded()
}

/** The leader's log starts within a batch, which comes whole: a log that has nothing yet begins with that batch, so that offsets below its start are the leader's. */
const beginsBeforeEmptyLog = ({ replica: { log } }: FollowedPartition, records: Buffer): boolean => {
  if (log.logStartOffset !== log.logEndOffset || completeBatchSizeAt(records, 0) === 0) return false
  return baseOffsetOf(records) < log.logEndOffset && lastOffsetOf(records) >= log.logEndOffset
}

const startOverAndAppend = async (followed: FollowedPartition, fetched: FetchedPartition, records: Buffer): Promise<void> => {
  const { replica, leaderEpoch } = followed
  await replica.startOverAsFollower(baseOffsetOf(records), leaderEpoch)
  followed.fetching()
  await replica.appendAsFollower(records, leaderOffsets(followed, fetched))
  advance(followed, fetched)
}

/** What the error of an own append means for the partition. */
export const isAnswerCorrupt = (error: unknown): boolean =>
  error instanceof KafkaError && (error.error === 'CORRUPT_MESSAGE' || error.error === 'INVALID_RECORD')
