/**
 * Messages of magic 0 and 1, big endian:
 *
 *   at  bytes  field
 *    0      8  offset
 *    8      4  size of the rest
 *   12      4  CRC-32 (IEEE) of byte 16 to the end
 *   16      1  magic
 *   17      1  attributes: bits 0-2 codec, 3 log-append time (magic 1)
 *   18      8  timestamp, magic 1 only
 *        4, n  key size (-1: null), key
 *        4, n  value size (-1: null), value
 *
 * A message with a codec is a wrapper: its value holds messages. In magic 1 these count their offsets from the first, and the wrapper has the offset of the
 * last; in magic 0 they hold full offsets. Log-append time stands in the wrapper. Source: LegacyRecord and AbstractLegacyRecordBatch of 2.6.3.
 */
import { crc32 } from 'node:zlib'
import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import { compress, decompress } from './compression.ts'
import {
  ATTRIBUTE,
  batchSizeOf,
  codecOf,
  CODECS,
  isCompressed,
  LEGACY_MIN_BYTES,
  LOG_OVERHEAD_BYTES,
  magicOf,
  maxTimestampOf,
  NO_TIMESTAMP,
  storedOffsetOf,
  timestampTypeOf,
  writeInt64,
  type Codec,
  type TimestampType,
} from './record-batch.ts'

export type LegacyMagic = 0 | 1
export type LegacyRecord = {
  /** Absolute; inside a wrapper of magic 1 computed from its offset (0: counted from 0, as some librdkafka versions mean it). */
  offset: number
  /** ms since 1970; -1: none. */
  timestamp: Int64
  key: Buffer | null
  value: Buffer | null
  magic: LegacyMagic
  /** The message as it stands, offset and size included. */
  message: Buffer
}

const invalid = (reason: string): KafkaError => new KafkaError('INVALID_RECORD', reason)

const sizedAt = (message: Buffer, at: number): { bytes: Buffer | null; end: number } => {
  if (at + 4 > message.length) throw invalid('a message ends before its key and value')
  const sizeBytes = message.readInt32BE(at)
  if (sizeBytes < 0) return { bytes: null, end: at + 4 }
  if (sizeBytes > message.length - at - 4) throw invalid(`a field of ${sizeBytes} bytes is longer than its message`)
  return { bytes: message.subarray(at + 4, at + 4 + sizeBytes), end: at + 4 + sizeBytes }
}

const parse = (message: Buffer, offset: number, wrapper?: Buffer): LegacyRecord => {
  const magic = message[16]!
  if (magic > 1) throw invalid(`a message inside a compressed one has the magic ${magic}, known are 0 and 1`)
  const key = sizedAt(message, magic === 0 ? 18 : 26)
  const value = sizedAt(message, key.end)
  const stamped = magic === 1 && wrapper !== undefined && timestampTypeOf(wrapper) === 'LogAppendTime' ? wrapper : message
  return { offset, timestamp: maxTimestampOf(stamped), key: key.bytes, value: value.bytes, magic: magic as LegacyMagic, message }
}

/** The messages in a block; a torn one at its end is left out, as Apache does. */
const innerMessages = (block: Buffer): Buffer[] => {
  const messages: Buffer[] = []
  for (let at = 0; block.length - at >= LOG_OVERHEAD_BYTES;) {
    const sizeBytes = batchSizeOf(block, at)
    if (sizeBytes < LEGACY_MIN_BYTES[0])
      throw new KafkaError('CORRUPT_MESSAGE', `a message has ${sizeBytes} bytes, at least ${LEGACY_MIN_BYTES[0]} are needed`)
    if (sizeBytes > block.length - at) break
    messages.push(block.subarray(at, at + sizeBytes))
    at += sizeBytes
  }
  return messages
}

/** What is added to the offsets inside a wrapper. Beyond 2^53 it is rounded: such offsets never come from a log of ours, and are assigned anew otherwise. */
const offsetBase = (wrapper: Buffer, messages: readonly Buffer[]): number => {
  if (magicOf(wrapper) === 0) return 0
  const outer = storedOffsetOf(wrapper)
  const last = storedOffsetOf(messages.at(-1)!)
  if (outer === 0) return 0
  if (outer < last)
    throw invalid(`the offset of a compressed message, ${outer}, is less than the one of the last message inside, ${last}, and not 0`)
  return Number(BigInt(outer) - BigInt(last))
}

/** The record of a message, or those inside a compressed one. INVALID_RECORD and CORRUPT_MESSAGE as Apache; checksums inside are the caller's to ask for. */
export function* legacyRecords(batch: Buffer, limitBytes: number): Generator<LegacyRecord, void, undefined> {
  if (!isCompressed(batch)) {
    yield parse(batch, Number(storedOffsetOf(batch)))
    return
  }
  const codec = codecOf(batch)
  const value = parse(batch, 0).value
  if (codec === 'zstd') throw invalid('zstd needs message format 2')
  if (value === null) throw invalid('a compressed message has a null value')
  const messages = innerMessages(decompress(codec, value, limitBytes, magicOf(batch)))
  if (messages.length === 0) throw invalid('a compressed message has no messages inside')
  const base = offsetBase(batch, messages)
  for (const message of messages) {
    if (isCompressed(message)) throw invalid('a message inside a compressed one must not be compressed')
    yield parse(message, base + Number(storedOffsetOf(message)), batch)
  }
}

export type NewLegacyRecord = { offset: number; timestamp: Int64; key: Buffer | null; value: Buffer | null }
export type LegacyFields = { magic: LegacyMagic; codec: Codec; timestampType: TimestampType; logAppendTimeMs?: Int64 }

const writeSized = (target: Buffer, bytes: Buffer | null, at: number): number => {
  target.writeInt32BE(bytes === null ? -1 : bytes.length, at)
  return at + 4 + (bytes === null ? 0 : bytes.copy(target, at + 4))
}

/** One message, its value compressed by the caller where `codec` says so. */
export const buildLegacyMessage = (record: NewLegacyRecord, { magic, codec, timestampType }: LegacyFields): Buffer => {
  const message = Buffer.allocUnsafe(LEGACY_MIN_BYTES[magic] + (record.key?.length ?? 0) + (record.value?.length ?? 0))
  writeInt64(message, record.offset, 0)
  message.writeInt32BE(message.length - LOG_OVERHEAD_BYTES, 8)
  message[16] = magic
  message[17] = CODECS.indexOf(codec) | (magic === 1 && timestampType === 'LogAppendTime' ? ATTRIBUTE.logAppendTime : 0)
  if (magic === 1) writeInt64(message, record.timestamp, 18)
  writeSized(message, record.value, writeSized(message, record.key, magic === 0 ? 18 : 26))
  message.writeUInt32BE(crc32(message.subarray(16)), 12)
  return message
}

/** Messages one after the other, or one compressed wrapper around them. Offsets are the records' own, growing; at least one record. */
export const buildLegacyBatch = (records: readonly NewLegacyRecord[], fields: LegacyFields): Buffer => {
  if (fields.codec === 'none') {
    const stamp = fields.timestampType === 'LogAppendTime' ? fields.logAppendTimeMs : undefined
    return Buffer.concat(records.map((record) => buildLegacyMessage({ ...record, timestamp: stamp ?? record.timestamp }, fields)))
  }
  const base = fields.magic === 1 ? records[0]!.offset : 0
  const inner = records.map((record) => buildLegacyMessage({ ...record, offset: record.offset - base }, { ...fields, codec: 'none' }))
  const newest = records.reduce<Int64>((max, { timestamp }) => (timestamp > max ? timestamp : max), NO_TIMESTAMP)
  const timestamp = fields.timestampType === 'LogAppendTime' ? (fields.logAppendTimeMs ?? NO_TIMESTAMP) : newest
  return buildLegacyMessage(
    { offset: records.at(-1)!.offset, timestamp, key: null, value: compress(fields.codec, Buffer.concat(inner), fields.magic) },
    fields,
  )
}

/** Whether the checksum of one message holds, wrapper or inside one. */
export const hasValidLegacyCrc = (message: Buffer): boolean => message.readUInt32BE(12) === crc32(message.subarray(16))
