import { KafkaError } from '../errors.ts'
import type { AppendRules } from './append-rules.ts'
import { assembleBatch, buildBatch } from './build-batch.ts'
import type { CheckedBlock } from './check-records.ts'
import { buildLegacyBatch, type LegacyMagic, type LegacyRecord, type NewLegacyRecord } from './legacy.ts'
import { baseSequenceOf, countOf, firstTimestampOf, isTransactional, producerEpochOf, producerIdOf, type Codec } from './record-batch.ts'
import { RecordCursor } from './record.ts'
import { addInt64, sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from './varint.ts'

const stampOf = (rules: AppendRules): number | undefined => (rules.timestampType === 'LogAppendTime' ? rules.nowMs : undefined)

/** A batch of magic 2 that was read, in another codec, numbered 0, 1, 2..., or in an older format. */
export const rebuildBatch = (batch: Buffer, checked: CheckedBlock, codec: Codec, rules: AppendRules): Buffer => {
  if (rules.magic !== 2) return toLegacy(batch, checked.block, codec, rules)
  const block = checked.isNumbered ? checked.block : renumber(checked.block, countOf(batch)!)
  const count = countOf(batch)!
  const stamp = stampOf(rules)
  return assembleBatch(block, {
    codec,
    ...(stamp === undefined ? {} : { logAppendTimeMs: stamp }),
    lastOffsetDelta: count - 1,
    firstTimestamp: firstTimestampOf(batch),
    maxTimestamp: stamp ?? checked.maxTimestamp,
    count,
    producerId: producerIdOf(batch),
    producerEpoch: producerEpochOf(batch),
    baseSequence: baseSequenceOf(batch),
    isTransactional: isTransactional(batch),
  })
}

/** The same records with the offsets 0, 1, 2...; what follows the offset in a record is copied as it is. */
const renumber = (block: Buffer, count: number): Buffer => {
  // A number is at most 5 bytes, and so is a size: each record grows by 8 at most.
  const target = Buffer.allocUnsafe(block.length + 8 * count)
  const cursor = new RecordCursor(block, count)
  let at = 0
  while (cursor.next()) {
    const delta = cursor.index - 1
    const tailBytes = cursor.end - cursor.tailAt
    at = writeVarint(target, 1 + sizeOfVarlong(cursor.timestampDelta) + sizeOfVarint(delta) + tailBytes, at)
    target[at++] = cursor.attributes
    at = writeVarlong(target, cursor.timestampDelta, at)
    at = writeVarint(target, delta, at)
    at += block.copy(target, at, cursor.tailAt, cursor.end)
  }
  return target.subarray(0, at)
}

const toLegacy = (batch: Buffer, block: Buffer, codec: Codec, rules: AppendRules): Buffer => {
  const cursor = new RecordCursor(block, countOf(batch)!)
  const records: NewLegacyRecord[] = []
  while (cursor.next()) {
    if (cursor.headerCount > 0)
      throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT', `Magic v${rules.magic} does not support record headers`)
    const timestamp = addInt64(firstTimestampOf(batch), cursor.timestampDelta)
    records.push({ offset: cursor.index - 1, timestamp, key: cursor.key, value: cursor.value })
  }
  return legacyOf(records, codec, rules)
}

const legacyOf = (records: readonly NewLegacyRecord[], codec: Codec, rules: AppendRules): Buffer => {
  const stamp = stampOf(rules)
  const fields = { magic: rules.magic as LegacyMagic, codec, timestampType: rules.timestampType }
  return buildLegacyBatch(records, stamp === undefined ? fields : { ...fields, logAppendTimeMs: stamp })
}

/** Messages of magic 0 or 1 that were read, numbered 0, 1, 2..., in the topic's format and codec. */
export const rebuildLegacy = (read: readonly LegacyRecord[], codec: Codec, rules: AppendRules): Buffer => {
  if (rules.magic !== 2) {
    return legacyOf(
      read.map((record, offset) => ({ ...record, offset })),
      codec,
      rules,
    )
  }
  const stamp = stampOf(rules)
  const records = read.map(({ key, value, timestamp }) => ({ key, value, timestamp }))
  return buildBatch(records, stamp === undefined ? { codec } : { codec, logAppendTimeMs: stamp })
}
