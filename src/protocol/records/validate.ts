/**
 * What a leader does with records before they are in its log: checks them, brings them to the topic's format and codec, and numbers them.
 * Two steps, so that the first may run in a thread: `prepareAppend` needs no offset, `assignOffsets` is cheap (but for compressed magic 0).
 * Records that need no change stay the memory they came in, and are patched there. Source: LogValidator of 2.6.3.
 */
import { constants } from 'node:buffer'
import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import type { AppendRules } from './append-rules.ts'
import { checkBytes, checkHeader, checkSize, checkSteps } from './check-batch.ts'
import { checkLegacyRecords, checkRecords, checkUnstamped, needsEveryRecord } from './check-records.ts'
import { buildLegacyBatch, legacyRecords } from './legacy.ts'
import { rebuildBatch, rebuildLegacy } from './rebuild.ts'
import {
  batches,
  codecOf,
  completeBatchSizeAt,
  countOf,
  isCompressed,
  isControlBatch,
  isLegacy,
  lastOffsetDeltaOf,
  magicOf,
  maxTimestampOf,
  NO_TIMESTAMP,
  setLastOffset,
  setMaxTimestamp,
  setPartitionLeaderEpoch,
  type Codec,
} from './record-batch.ts'

/** Checked records, numbered from 0. */
export type PreparedAppend = {
  /** One batch of magic 2, or messages of magic 0 or 1. */
  records: Buffer
  /** How many offsets they take. */
  count: number
  maxTimestamp: Int64
  /** Counted from the first record; of the batch that holds it (shallow) where records are in batches. */
  indexOfMaxTimestamp: number
  /** The size may differ from what came in. */
  isRebuilt: boolean
  codec: Codec
}

export type ValidatedAppend = {
  records: Buffer
  firstOffset: number
  lastOffset: number
  messageCount: number
  maxTimestamp: Int64
  offsetOfMaxTimestamp: number
  isRebuilt: boolean
}

/** The codec that the records come in: of the last batch that has one. */
const sourceCodecOf = (all: readonly Buffer[]): Codec =>
  all.reduce<Codec>((codec, batch) => (isCompressed(batch) ? codecOf(batch) : codec), 'none')

/** The codec that the topic's compression.type gives them. */
const targetCodecOf = (source: Codec, { compressionType }: AppendRules): Codec =>
  compressionType === 'producer' ? source : compressionType === 'uncompressed' ? 'none' : compressionType

/** Whether every record must be read, decompressed, maybe converted: worth a thread when there are many bytes. */
export const needsDeepValidation = (records: Buffer, rules: AppendRules): boolean =>
  isLegacy(records) || rules.magic !== 2 || needsEveryRecord(rules) || targetCodecOf(codecOf(records), rules) !== codecOf(records)

/**
 * Checks and converts. `records` has at least one complete batch (`completeBytesOf`); bytes after the last complete one are cut off.
 * KafkaError: CORRUPT_MESSAGE, INVALID_RECORD, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE, UNSUPPORTED_COMPRESSION_TYPE, UNSUPPORTED_FOR_MESSAGE_FORMAT;
 * RecordValidationError where single records are refused.
 */
export const prepareAppend = (records: Buffer, rules: AppendRules): PreparedAppend => {
  const batch = onlyBatchOf(records)
  const prepared = batch ? prepareOne(batch, rules) : prepareAll([...batches(records)], rules)
  if (prepared.isRebuilt) for (const rebuilt of batches(prepared.records)) checkSize(rebuilt, rules)
  // Magic 0 has no field for it, the time index has.
  return rules.timestampType === 'LogAppendTime' ? { ...prepared, maxTimestamp: rules.nowMs } : prepared
}

/** The one batch of magic 2 that nearly every request has. */
const onlyBatchOf = (records: Buffer): Buffer | undefined => {
  const sizeBytes = completeBatchSizeAt(records, 0)
  if (sizeBytes === 0 || isLegacy(records) || completeBatchSizeAt(records, sizeBytes) > 0) return undefined
  return sizeBytes === records.length ? records : records.subarray(0, sizeBytes)
}

const prepareOne = (batch: Buffer, rules: AppendRules): PreparedAppend => {
  checkBytes(batch, rules)
  checkHeader(batch, 2, rules)
  const source = codecOf(batch)
  return prepareBatch(batch, isControlBatch(batch) && source === 'none' ? 'none' : targetCodecOf(source, rules), rules)
}

/** Messages of magic 0 and 1, or what is refused. */
const prepareAll = (all: readonly Buffer[], rules: AppendRules): PreparedAppend => {
  const first = all[0]
  if (first === undefined) throw new KafkaError('INVALID_RECORD', 'Record batch has no batches at all')
  for (const batch of all) checkBytes(batch, rules)
  const source = sourceCodecOf(all)
  if (all.length > 1 && (!isLegacy(first) || source !== 'none')) {
    throw new KafkaError('INVALID_RECORD', 'Compressed outer record has more than one batch')
  }
  for (const batch of all) checkHeader(batch, magicOf(first), rules)
  return prepareLegacy(all, source, targetCodecOf(source, rules), rules)
}

const prepareBatch = (batch: Buffer, target: Codec, rules: AppendRules): PreparedAppend => {
  const staysAsItIs = target === codecOf(batch) && rules.magic === 2
  if (staysAsItIs && !needsEveryRecord(rules)) {
    checkSteps(batch, rules)
    checkUnstamped(batch)
    return keepBatch(batch, maxTimestampOf(batch), target, rules)
  }
  const checked = checkRecords(batch, rules)
  if (staysAsItIs && (checked.isNumbered || target === 'none')) return keepBatch(batch, checked.maxTimestamp, target, rules)
  const rebuilt = rebuildBatch(batch, checked, target, rules)
  return rules.magic === 2 ? describe(rebuilt, target, true) : describeLegacy(rebuilt, target, countOf(batch)!, true)
}

const keepBatch = (batch: Buffer, maxTimestamp: Int64, codec: Codec, rules: AppendRules): PreparedAppend => {
  const type = rules.timestampType
  setMaxTimestamp(batch, type, type === 'LogAppendTime' ? rules.nowMs : maxTimestamp)
  return describe(batch, codec, false)
}

const describe = (batch: Buffer, codec: Codec, isRebuilt: boolean): PreparedAppend => {
  const indexOfMaxTimestamp = lastOffsetDeltaOf(batch)
  return { records: batch, count: indexOfMaxTimestamp + 1, maxTimestamp: maxTimestampOf(batch), indexOfMaxTimestamp, isRebuilt, codec }
}

const prepareLegacy = (all: readonly Buffer[], source: Codec, target: Codec, rules: AppendRules): PreparedAppend => {
  const read = all.flatMap((batch) => checkLegacyRecords(batch, rules))
  const isNumbered = source === 'none' || read.every(({ offset }, index) => offset === index)
  const canStay = source === target && magicOf(all[0]!) === rules.magic && isNumbered && !(rules.magic === 0 && source !== 'none')
  if (!canStay) {
    const rebuilt = rebuildLegacy(read, target, rules)
    if (rules.magic === 2) return describe(rebuilt, target, true)
    return describeLegacy(rebuilt, target, read.length, true)
  }
  const newest = read.reduce<Int64>((max, { timestamp }) => (timestamp > max ? timestamp : max), NO_TIMESTAMP)
  for (const batch of all) {
    const own = source === 'none' ? maxTimestampOf(batch) : newest
    setMaxTimestamp(batch, rules.timestampType, rules.timestampType === 'LogAppendTime' ? rules.nowMs : own)
  }
  return describeLegacy(all.length === 1 ? all[0]! : Buffer.concat(all), target, read.length, false)
}

const describeLegacy = (messages: Buffer, codec: Codec, count: number, isRebuilt: boolean): PreparedAppend => {
  let maxTimestamp: Int64 = NO_TIMESTAMP
  let newestIndex = 0
  let index = 0
  for (const message of batches(messages)) {
    if (maxTimestampOf(message) > maxTimestamp) {
      maxTimestamp = maxTimestampOf(message)
      newestIndex = index
    }
    index++
  }
  return { records: messages, count, maxTimestamp, indexOfMaxTimestamp: codec === 'none' ? newestIndex : count - 1, isRebuilt, codec }
}

/** Numbers prepared records from `firstOffset`, and writes the leader epoch where the format has one. */
export const assignOffsets = (prepared: PreparedAppend, firstOffset: number, leaderEpoch: number): ValidatedAppend => {
  const { count, maxTimestamp, isRebuilt } = prepared
  const lastOffset = firstOffset + count - 1
  const records = hasOffsetsInside(prepared) ? renumberMagic0(prepared, firstOffset) : prepared.records
  if (isLegacy(records) && prepared.codec === 'none') {
    let offset = firstOffset
    for (const message of batches(records)) setLastOffset(message, offset++)
  } else {
    setLastOffset(records, lastOffset)
    setPartitionLeaderEpoch(records, leaderEpoch)
  }
  const offsetOfMaxTimestamp = firstOffset + prepared.indexOfMaxTimestamp
  return { records, firstOffset, lastOffset, messageCount: count, maxTimestamp, offsetOfMaxTimestamp, isRebuilt }
}

/** A compressed message of magic 0 has full offsets inside: it must be built again. */
const hasOffsetsInside = ({ records, codec }: PreparedAppend): boolean => codec !== 'none' && magicOf(records) === 0

const renumberMagic0 = ({ records, codec }: PreparedAppend, firstOffset: number): Buffer => {
  const inside = [...legacyRecords(records, constants.MAX_LENGTH)]
  const numbered = inside.map((record, index) => ({ ...record, offset: firstOffset + index }))
  return buildLegacyBatch(numbered, { magic: 0, codec, timestampType: 'CreateTime' })
}

/** Both steps at once, on this thread. */
export const validateAppend = (records: Buffer, rules: AppendRules, firstOffset: number, leaderEpoch: number): ValidatedAppend =>
  assignOffsets(prepareAppend(records, rules), firstOffset, leaderEpoch)
