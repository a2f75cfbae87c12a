import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import {
  baseOffsetOf,
  completeBatchSizeAt,
  isLegacy,
  lastOffsetOf,
  maxTimestampOf,
  NO_TIMESTAMP,
  partitionLeaderEpochOf,
  validateCrc,
} from '../protocol/records/record-batch.ts'
import { assignOffsets, type PreparedAppend } from '../protocol/records/validate.ts'
import type { EpochEntry, LeaderEpochs } from './leader-epochs.ts'
import type { AppendInfo } from './log-types.ts'
import type { KnownBatch } from './producer-entry.ts'

/** Batches with their final offsets, ready to be written. */
export type NumberedBatches = {
  records: Buffer
  /** Of a batch of magic 0 or 1 only the last offset is known; then this is it. */
  firstOffset: number
  lastOffset: number
  maxTimestamp: Int64
  offsetOfMaxTimestamp: number
  /** The first offset of each epoch that is met, ascending. */
  epochs: EpochEntry[]
  hasLegacy: boolean
}

export const infoOf = (batches: NumberedBatches, logAppendTime: number, logStartOffset: number): AppendInfo => {
  const { records, firstOffset, lastOffset, maxTimestamp, offsetOfMaxTimestamp } = batches
  return { firstOffset, lastOffset, maxTimestamp, offsetOfMaxTimestamp, logAppendTime, logStartOffset, sizeBytes: records.length }
}

/** The answer for a batch that a producer sent again: as the first time. */
export const duplicateInfo = (info: AppendInfo, { offset, offsetDelta, timestamp }: KnownBatch): AppendInfo => ({
  ...info,
  firstOffset: offset - offsetDelta,
  lastOffset: offset,
  logAppendTime: Number(timestamp),
  isDuplicate: true,
})

/** What a leader checked gets the offsets from `nextOffset` on, and its epoch, in place: both are outside the checksum. */
export const numbered = (prepared: PreparedAppend, nextOffset: number, leaderEpoch: number): NumberedBatches => {
  const { records, firstOffset, lastOffset, maxTimestamp, offsetOfMaxTimestamp } = assignOffsets(prepared, nextOffset, leaderEpoch)
  const hasLegacy = isLegacy(records)
  const epochs = leaderEpoch >= 0 && !hasLegacy ? [{ epoch: leaderEpoch, startOffset: firstOffset }] : []
  return { records, firstOffset, lastOffset, maxTimestamp, offsetOfMaxTimestamp, epochs, hasLegacy }
}

/**
 * What a leader sent to its follower: offsets and epochs stay. CORRUPT_MESSAGE for a wrong checksum or offsets that do not ascend,
 * OFFSET_OUT_OF_RANGE for a first offset that the log has already. A batch that is cut off at the end is left out, as in any fetch.
 */
export const inspect = (records: Buffer, nextOffset: number): NumberedBatches => {
  const result: NumberedBatches = {
    records,
    firstOffset: -1,
    lastOffset: -1,
    maxTimestamp: NO_TIMESTAMP,
    offsetOfMaxTimestamp: -1,
    epochs: [],
    hasLegacy: false,
  }
  let at = 0
  let due = nextOffset
  for (let sizeBytes = completeBatchSizeAt(records, at); sizeBytes > 0; sizeBytes = completeBatchSizeAt(records, at)) {
    validateCrc(records, at)
    const last = lastOffsetOf(records, at)
    const first = isLegacy(records, at) ? last : baseOffsetOf(records, at)
    if (first < due || last < first) throw outOfOrder(first, due, at)
    if (at === 0) result.firstOffset = first
    const timestamp = maxTimestampOf(records, at)
    if (timestamp > result.maxTimestamp) {
      result.maxTimestamp = timestamp
      result.offsetOfMaxTimestamp = last
    }
    const epoch = partitionLeaderEpochOf(records, at)
    if (isLegacy(records, at)) result.hasLegacy = true
    else if (epoch > (result.epochs.at(-1)?.epoch ?? -1)) result.epochs.push({ epoch, startOffset: first })
    result.lastOffset = last
    due = last + 1
    at += sizeBytes
  }
  result.records = at === records.length ? records : records.subarray(0, at)
  return result
}

const outOfOrder = (first: number, due: number, at: number): KafkaError =>
  at === 0
    ? new KafkaError('OFFSET_OUT_OF_RANGE', `the first offset of the append is ${first}, the log ends at ${due}`)
    : new KafkaError('CORRUPT_MESSAGE', `the batches of an append do not ascend: offset ${first} where ${due} or later is due`)

/** The epochs of an append that is in the file. */
export const noteEpochs = (known: LeaderEpochs, { epochs, hasLegacy }: NumberedBatches): void => {
  // Old formats carry no epoch: without entries a follower goes by the high watermark, as Kafka does.
  if (hasLegacy) known.clear()
  for (const { epoch, startOffset } of epochs) known.assign(epoch, startOffset)
}
