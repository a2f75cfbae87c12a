import type { Int64 } from '../int64.ts'
import { decompressLimitOf, RecordValidationError, refuse, type AppendRules, type RecordError } from './append-rules.ts'
import { hasValidLegacyCrc, legacyRecords, type LegacyRecord } from './legacy.ts'
import { countOf, firstTimestampOf, isCompressed, magicOf, NO_TIMESTAMP, timestampTypeOf } from './record-batch.ts'
import { RecordCursor, recordsBlockOf } from './record.ts'
import { addInt64 } from './varint.ts'

/** More refused records than this are not told one by one. */
const MAX_RECORD_ERRORS = 1000

/** Gathers the refusals of one batch. */
class Refusals {
  readonly #errors: RecordError[] = []
  #anyTimestamp = false

  add(batchIndex: number, error: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', message: string): void {
    this.#anyTimestamp ||= error === 'INVALID_TIMESTAMP'
    if (this.#errors.length < MAX_RECORD_ERRORS) this.#errors.push({ batchIndex, message })
  }

  throwAny(): void {
    if (this.#errors.length > 0) throw new RecordValidationError(this.#anyTimestamp ? 'INVALID_TIMESTAMP' : 'INVALID_RECORD', this.#errors)
  }
}

const STAMPED = 'Producer should not set timestamp type to LogAppendTime.'

/** Only the leader stamps. Told once per batch, for its first record. */
export const checkUnstamped = (batch: Buffer): void => {
  if (timestampTypeOf(batch) !== 'LogAppendTime') return
  throw new RecordValidationError('INVALID_TIMESTAMP', [{ batchIndex: 0, message: `Invalid timestamp type in the batch. ${STAMPED}` }])
}

/** Whether the time of a record is further from now than the topic allows. */
const isOutOfRange = (timestamp: Int64, { timestampType, nowMs, timestampDifferenceMaxMs }: AppendRules): boolean =>
  timestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP && Math.abs(Number(timestamp) - nowMs) > timestampDifferenceMaxMs

type Checked = { timestamp: Int64; offset: number; hasKey: boolean }

/** The rules for one record. Source: LogValidator.validateRecord of 2.6.3. */
const checkRecord = (index: number, record: Checked, rules: AppendRules, refusals: Refusals): void => {
  if (rules.isCompacted && !record.hasKey) {
    refusals.add(index, 'INVALID_RECORD', `Compacted topic cannot accept message without key in topic partition ${rules.topicPartition}.`)
    return
  }
  if (!isOutOfRange(record.timestamp, rules)) return
  const { nowMs, timestampDifferenceMaxMs: most } = rules
  const range = `The timestamp should be within [${nowMs - most}, ${nowMs + most}]`
  refusals.add(
    index,
    'INVALID_TIMESTAMP',
    `Timestamp ${record.timestamp} of message with offset ${record.offset} is out of range. ${range}`,
  )
}

export type CheckedBlock = {
  block: Buffer
  maxTimestamp: Int64
  /** False where a client numbered the records of a compressed batch other than 0, 1, 2...: they are numbered anew. */
  isNumbered: boolean
}

/** Reads every record of a batch of magic 2. RecordValidationError with the refused ones; INVALID_RECORD when the bytes are no records. */
export const checkRecords = (batch: Buffer, rules: AppendRules): CheckedBlock => {
  const block = recordsBlockOf(batch, decompressLimitOf(rules))
  const cursor = new RecordCursor(block, countOf(batch)!)
  const refusals = new Refusals()
  const firstTimestamp = firstTimestampOf(batch)
  let maxTimestamp: Int64 = NO_TIMESTAMP
  let isNumbered = true
  while (cursor.next()) {
    const timestamp = addInt64(firstTimestamp, cursor.timestampDelta)
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (cursor.offsetDelta !== cursor.index - 1) isNumbered = false
    checkRecord(cursor.index - 1, { timestamp, offset: cursor.offsetDelta, hasKey: cursor.keyBytes >= 0 }, rules, refusals)
  }
  refusals.throwAny()
  return { block, maxTimestamp, isNumbered }
}

/** Reads the record of a message of magic 0 or 1, or all inside a compressed one. CORRUPT_MESSAGE when a checksum inside does not hold. */
export const checkLegacyRecords = (batch: Buffer, rules: AppendRules): LegacyRecord[] => {
  const refusals = new Refusals()
  const records = [...legacyRecords(batch, decompressLimitOf(rules))]
  for (const [index, record] of records.entries()) {
    if (record.magic !== magicOf(batch)) {
      refusals.add(
        index,
        'INVALID_RECORD',
        `Record magic ${record.magic} does not match outer magic ${magicOf(batch)} in topic partition ${rules.topicPartition}.`,
      )
      continue
    }
    if (isCompressed(batch) && !hasValidLegacyCrc(record.message))
      throw refuse('CORRUPT_MESSAGE', 'Record is corrupt (the checksum of a message inside a compressed one)', rules)
    checkRecord(index, { timestamp: record.timestamp, offset: record.offset, hasKey: record.key !== null }, rules, refusals)
  }
  refusals.throwAny()
  return records
}

/** Whether the header alone cannot tell that every record keeps the rules. */
export const needsEveryRecord = (rules: AppendRules): boolean =>
  rules.isCompacted || (rules.timestampType === 'CreateTime' && rules.timestampDifferenceMaxMs < Number.MAX_SAFE_INTEGER)
