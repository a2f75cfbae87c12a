import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import type { Log } from '../log/log.ts'
import type { LogRegion } from '../log/region.ts'
import type { RecordsSource } from './fetch/records-source.ts'

export type FetchRequest = {
  offset: number
  maxBytes: number
  /** A first batch above maxBytes comes whole. */
  minOneBatch: boolean
  /** Old clients take a part of it and learn so that their limit is too small. */
  mayCutFirstBatch: boolean
  /** A follower reads to the end of the log, a consumer to the high watermark, with READ_COMMITTED to the last stable offset. */
  upTo: 'logEnd' | 'highWatermark' | 'lastStableOffset'
}
export type Fetched = {
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  /** Transactions whose records a reader to the last stable offset has to leave out; null for others. */
  aborted: readonly { producerId: Int64; firstOffset: number }[] | null
  /** Not in memory yet; undefined where there is nothing to read. */
  records: RecordsSource | undefined
}
export type FoundOffset = { timestamp: Int64; offset: number; leaderEpoch: number }

export const EARLIEST_TIMESTAMP = -2
export const LATEST_TIMESTAMP = -1

/** What a partition's log gives to a fetch. OFFSET_OUT_OF_RANGE. */
export const fetchFrom = (log: Log, lastStableOffset: number, request: FetchRequest): Fetched | Promise<Fetched> => {
  const { highWatermark, logStartOffset, logEndOffset } = log
  const { maxBytes, minOneBatch, offset } = request
  const upTo = { logEnd: logEndOffset, highWatermark, lastStableOffset }[request.upTo]
  if (offset < logStartOffset || offset > logEndOffset) {
    throw new KafkaError(
      'OFFSET_OUT_OF_RANGE',
      `offset ${offset} is not within ${logStartOffset} and ${logEndOffset} of ${log.topic}-${log.partition}`,
    )
  }
  const isCommitted = request.upTo === 'lastStableOffset'
  const seen = { highWatermark, lastStableOffset, logStartOffset, aborted: isCommitted ? [] : null }
  if (offset >= upTo || (maxBytes <= 0 && !minOneBatch)) return { ...seen, records: undefined }
  const region = log.region(offset, { maxBytes, upTo, minOneBatch })
  const take = (found: LogRegion | undefined): Fetched => {
    const records = found?.firstEntryIncomplete && !request.mayCutFirstBatch ? undefined : found
    return { ...seen, records, aborted: records && isCommitted ? log.abortedTransactions(offset, records.endOffset) : seen.aborted }
  }
  return region instanceof Promise ? region.then(take) : take(region)
}

/** Where ListOffsets looks: below `endOffset`. `isUncertain`: a new leader does not know yet whether more is to be seen. */
export type Visible = { endOffset: number; leaderEpoch: number; isUncertain: boolean }

/** undefined: no record below the end is that young. OFFSET_NOT_AVAILABLE where more may come into sight. Source: Partition.fetchOffsetForTimestamp. */
export const findOffset = async (log: Log, timestamp: Int64, visible: Visible): Promise<FoundOffset | undefined> => {
  const { endOffset, leaderEpoch, isUncertain } = visible
  if (timestamp === EARLIEST_TIMESTAMP) {
    const offset = log.logStartOffset
    return { timestamp: -1, offset, leaderEpoch: log.epochs.epochOf(offset) ?? -1 }
  }
  if (timestamp === LATEST_TIMESTAMP && !isUncertain) return { timestamp: -1, offset: endOffset, leaderEpoch }
  const found = timestamp === LATEST_TIMESTAMP ? undefined : await log.offsetForTimestamp(timestamp)
  if (found && found.offset < endOffset) return { timestamp: found.timestamp, offset: found.offset, leaderEpoch: found.leaderEpoch ?? -1 }
  if (isUncertain) throw new KafkaError('OFFSET_NOT_AVAILABLE')
  return undefined
}
