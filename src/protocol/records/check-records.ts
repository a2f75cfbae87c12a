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

const STAMPED = 'Invalid timestamp type in the message. Producer should not set timestamp type to LogAppendTime.'

/** Only the leader stamps: told for every record that the header counts. */
export const checkUnstamped = (batch: Buffer): void => {
  if (timestampTypeOf(batch) !== 'LogAppendTime') return
  const refusals = new Refusals()
  const count = Math.min(countOf(batch) ?? 1, MAX_RECORD_ERRORS)
  for (let index = 0; index < count; index++) refusals.add(index, 'INVALID_TIMESTAMP', STAMPED)
  refusals.throwAny()
}

/** Whether the time of a record is further from now than the topic allows. */
const isOutOfRange = (timestamp: Int64, { timestampType, nowMs, timestampDifferenceMaxMs }: AppendRules): boolean =>
  timestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP && Math.abs(Number(timestamp) - nowMs) > timestampDifferenceMaxMs

type Checked = { timestamp: Int64; offset: number; hasKey: boolean; isStamped: boolean }

/** The rules for one record. Source: LogValidator.validateRecord of 2.6.3. */
const checkRecord = (index: number, record: Checked, rules: AppendRules, refusals: Refusals): void => {
  if (rules.isCompacted && !record.hasKey) {
    refusals.add(index, 'INVALID_RECORD', `Compacted topic cannot accept message without key in topic partition ${rules.topicPartition}.`)
    return
  }
  if (!isOutOfRange(record.timestamp, rules)) {
    if (record.isStamped) refusals.add(index, 'INVALID_TIMESTAMP', STAMPED)
    return
  }
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
  const isStamped = timestampTypeOf(batch) === 'LogAppendTime'
  let maxTimestamp: Int64 = NO_TIMESTAMP
  let isNumbered = true
  while (cursor.next()) {
    const timestamp = addInt64(firstTimestamp, cursor.timestampDelta)
    if (timestamp > maxTimestamp) maxTimestamp = timestamp
    if (cursor.offsetDelta !== cursor.index - 1) isNumbered = false
    checkRecord(cursor.index - 1, { timestamp, offset: cursor.offsetDelta, hasKey: cursor.keyBytes >= 0, isStamped }, rules, refusals)
  }
  refusals.throwAny()
  return { block, maxTimestamp, isNumbered }
}

/** Reads the record of a message of magic 0 or 1, or all inside a compressed one. CORRUPT_MESSAGE when a checksum inside does not hold. */
export const checkLegacyRecords = (batch: Buffer, rules: AppendRules): LegacyRecord[] => {
  const refusals = new Refusals()
  const records = [...legacyRecords(batch, decompressLimitOf(rules))]
  const isStamped = timestampTypeOf(batch) === 'LogAppendTime'
  for (const [index, record] of records.entries()) {
    const { magic, timestamp, offset, key, message } = record
    if (magic !== magicOf(batch)) {
      const what = `Record magic ${magic} does not match outer magic ${magicOf(batch)}`
      refusals.add(index, 'INVALID_RECORD', `${what} in topic partition ${rules.topicPartition}.`)
      continue
    }
    if (isCompressed(batch) && !hasValidLegacyCrc(message)) {
      throw refuse('CORRUPT_MESSAGE', 'Record is corrupt (the checksum of a message inside a compressed one)', rules)
    }
    checkRecord(index, { timestamp, offset, hasKey: key !== null, isStamped }, rules, refusals)
  }
  refusals.throwAny()
  return records
}

/** Whether the header alone cannot tell that every record keeps the rules. */
export const needsEveryRecord = (rules: AppendRules): boolean =>
  rules.isCompacted || (rules.timestampType === 'CreateTime' && rules.timestampDifferenceMaxMs < Number.MAX_SAFE_INTEGER)
