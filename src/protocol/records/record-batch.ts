/**
 * Record batches as they are on the wire and on disk, big endian. Magic 2 has a header of 61 bytes, then the records, compressed as one block:
 *
 *   at  bytes  field                 meaning
 *    0      8  baseOffset            offset of the first record; the leader overwrites it
 *    8      4  length                bytes after this field
 *   12      4  partitionLeaderEpoch  the leader overwrites it; not under the CRC
 *   16      1  magic                 2
 *   17      4  crc                   CRC-32C of byte 21 to the end
 *   21      2  attributes            bits 0-2 codec, 3 log-append time, 4 transactional, 5 control
 *   23      4  lastOffsetDelta       last offset - baseOffset
 *   27      8  firstTimestamp        ms since 1970; the records hold differences to it
 *   35      8  maxTimestamp          ms since 1970
 *   43      8  producerId            -1: none
 *   51      2  producerEpoch         -1: none
 *   53      4  baseSequence          -1: none
 *   57      4  count                 of records
 *
 * Magic 0 and 1 share the first 17 bytes but for a CRC-32 where the epoch is (of byte 16 to the end); legacy.ts describes the rest. There the offset
 * is that of the last record, one "batch" is one message or one compressed wrapper, and what the format lacks reads as -1 or false.
 *
 * The accessors read straight from a Buffer that holds a batch at `at`; they expect that `completeBatchSizeAt` or `batches` has seen it.
 * Offsets are numbers: one beyond 2^53 - 1 is refused as CORRUPT_MESSAGE. Timestamps and producer ids are exact (Int64): clients choose them.
 * Source: org.apache.kafka.common.record, DefaultRecordBatch and LegacyRecord of 2.6.3.
 */
import { crc32 } from 'node:zlib'
import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import { crc32c } from './crc32c.ts'

/** Offset and length, which the length does not count. */
export const LOG_OVERHEAD_BYTES = 12
/** The bytes up to and with magic: what must be there before a batch can be judged. */
export const HEADER_UP_TO_MAGIC_BYTES = 17
export const BATCH_HEADER_BYTES = 61
/** A whole message of magic 0 and 1 without key and value. */
export const LEGACY_MIN_BYTES = { 0: 26, 1: 34 } as const

export type Magic = 0 | 1 | 2
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
/** Its index in CODECS is the number in the attributes. */
export type Codec = (typeof CODECS)[number]
export type TimestampType = 'CreateTime' | 'LogAppendTime'

export const NO_TIMESTAMP = -1
export const NO_PRODUCER_ID = -1
export const NO_PRODUCER_EPOCH = -1
export const NO_SEQUENCE = -1
export const NO_LEADER_EPOCH = -1

export const ATTRIBUTE = { codecMask: 7, logAppendTime: 8, transactional: 16, control: 32 } as const

const TWO_32 = 0x1_0000_0000
export const readInt64 = (bytes: Buffer, at: number): Int64 => {
  const value = bytes.readInt32BE(at) * TWO_32 + bytes.readUInt32BE(at + 4)
  return Number.isSafeInteger(value) ? value : bytes.readBigInt64BE(at)
}
export const writeInt64 = (bytes: Buffer, value: Int64, at: number): void => {
  if (typeof value === 'bigint') bytes.writeBigInt64BE(value, at)
  else {
    bytes.writeInt32BE(Math.floor(value / TWO_32), at)
    bytes.writeUInt32BE(value >>> 0, at + 4)
  }
}

const exactOffset = (bytes: Buffer, at: number): number => {
  const offset = readInt64(bytes, at)
  if (typeof offset === 'number') return offset
  throw new KafkaError('CORRUPT_MESSAGE', `the offset ${offset} of a record batch is beyond 2^53 - 1`)
}

/** Offset and length included. */
export const batchSizeOf = (batch: Buffer, at = 0): number => LOG_OVERHEAD_BYTES + batch.readInt32BE(at + 8)
export const magicOf = (batch: Buffer, at = 0): Magic => batch[at + 16] as Magic
/** The field as it stands, exact; magic 0 and 1: the offset of the (last) message. */
export const storedOffsetOf = (batch: Buffer, at = 0): Int64 => readInt64(batch, at)
/** Magic 2: of the first record. Magic 0 and 1: of the message; a compressed wrapper has only the offset of its last message. */
export const baseOffsetOf = (batch: Buffer, at = 0): number => exactOffset(batch, at)
export const lastOffsetDeltaOf = (batch: Buffer, at = 0): number => (isLegacy(batch, at) ? 0 : batch.readInt32BE(at + 23))
export const lastOffsetOf = (batch: Buffer, at = 0): number => exactOffset(batch, at) + lastOffsetDeltaOf(batch, at)
export const partitionLeaderEpochOf = (batch: Buffer, at = 0): number =>
  isLegacy(batch, at) ? NO_LEADER_EPOCH : batch.readInt32BE(at + 12)
/** The checksum that is stored, unsigned. */
export const crcOf = (batch: Buffer, at = 0): number => batch.readUInt32BE(isLegacy(batch, at) ? at + 12 : at + 17)
/** The eight bits that any magic uses. */
export const attributesOf = (batch: Buffer, at = 0): number => batch[isLegacy(batch, at) ? at + 17 : at + 22]!
export const firstTimestampOf = (batch: Buffer, at = 0): Int64 =>
  isLegacy(batch, at) ? maxTimestampOf(batch, at) : readInt64(batch, at + 27)
export const producerIdOf = (batch: Buffer, at = 0): Int64 => (isLegacy(batch, at) ? NO_PRODUCER_ID : readInt64(batch, at + 43))
export const producerEpochOf = (batch: Buffer, at = 0): number => (isLegacy(batch, at) ? NO_PRODUCER_EPOCH : batch.readInt16BE(at + 51))
export const baseSequenceOf = (batch: Buffer, at = 0): number => (isLegacy(batch, at) ? NO_SEQUENCE : batch.readInt32BE(at + 53))
/** Of records; magic 0 and 1 do not say: undefined. */
export const countOf = (batch: Buffer, at = 0): number | undefined => (isLegacy(batch, at) ? undefined : batch.readInt32BE(at + 57))

export const isLegacy = (batch: Buffer, at = 0): boolean => batch[at + 16]! < 2
export const isTransactional = (batch: Buffer, at = 0): boolean =>
  !isLegacy(batch, at) && (attributesOf(batch, at) & ATTRIBUTE.transactional) !== 0
export const isControlBatch = (batch: Buffer, at = 0): boolean =>
  !isLegacy(batch, at) && (attributesOf(batch, at) & ATTRIBUTE.control) !== 0
export const hasProducerId = (batch: Buffer, at = 0): boolean => producerIdOf(batch, at) > NO_PRODUCER_ID
export const isCompressed = (batch: Buffer, at = 0): boolean => (attributesOf(batch, at) & ATTRIBUTE.codecMask) !== 0

/** UNSUPPORTED_COMPRESSION_TYPE for a number that no codec has. */
export const codecOf = (batch: Buffer, at = 0): Codec => {
  const id = attributesOf(batch, at) & ATTRIBUTE.codecMask
  const codec = CODECS[id]
  if (codec === undefined)
    throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', `unknown compression type id ${id}: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd`)
  return codec
}

/** Magic 0 has none. */
export const timestampTypeOf = (batch: Buffer, at = 0): TimestampType | undefined => {
  if (batch[at + 16] === 0) return undefined
  return attributesOf(batch, at) & ATTRIBUTE.logAppendTime ? 'LogAppendTime' : 'CreateTime'
}

export const maxTimestampOf = (batch: Buffer, at = 0): Int64 => {
  if (batch[at + 16] === 0) return NO_TIMESTAMP
  return readInt64(batch, isLegacy(batch, at) ? at + 18 : at + 35)
}

/** Sequence numbers wrap from 2^31 - 1 to 0. */
export const lastSequenceOf = (batch: Buffer, at = 0): number => {
  const first = baseSequenceOf(batch, at)
  return first === NO_SEQUENCE ? NO_SEQUENCE : incrementSequence(first, lastOffsetDeltaOf(batch, at))
}
export const incrementSequence = (sequence: number, by: number): number => (sequence + by) % 0x8000_0000

const minimumBytes = (magic: Magic): number => (magic === 2 ? BATCH_HEADER_BYTES : LEGACY_MIN_BYTES[magic])

/**
 * The size of the batch at `at`, or 0 where only a part of it is there (`end` is where the valid bytes end).
 * CORRUPT_MESSAGE when its length or magic cannot be; the length is believed only as far as bytes are there.
 */
export const completeBatchSizeAt = (bytes: Buffer, at: number, end: number = bytes.length): number => {
  if (end - at < LOG_OVERHEAD_BYTES) return 0
  const sizeBytes = batchSizeOf(bytes, at)
  if (sizeBytes < LEGACY_MIN_BYTES[0]) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `a record batch at byte ${at} has the length ${sizeBytes - LOG_OVERHEAD_BYTES}, at least 14 is needed`,
    )
  }
  if (end - at < HEADER_UP_TO_MAGIC_BYTES) return 0
  const magic = bytes[at + 16]!
  if (magic > 2) throw new KafkaError('CORRUPT_MESSAGE', `a record batch at byte ${at} has the magic ${magic}, known are 0, 1 and 2`)
  if (sizeBytes < minimumBytes(magic as Magic)) {
    throw new KafkaError(
      'CORRUPT_MESSAGE',
      `a record batch of magic ${magic} at byte ${at} has ${sizeBytes} bytes, at least ${minimumBytes(magic as Magic)} are needed`,
    )
  }
  return end - at < sizeBytes ? 0 : sizeBytes
}

/** The complete batches one after the other, as views of the same memory; an incomplete one at the end is left out. Throws as completeBatchSizeAt. */
export function* batches(bytes: Buffer): Generator<Buffer, void, undefined> {
  let at = 0
  for (let sizeBytes = completeBatchSizeAt(bytes, 0); sizeBytes > 0; sizeBytes = completeBatchSizeAt(bytes, at)) {
    yield bytes.subarray(at, at + sizeBytes)
    at += sizeBytes
  }
}

/** The bytes of all complete batches. */
export const completeBytesOf = (bytes: Buffer): number => {
  let at = 0
  for (let sizeBytes = completeBatchSizeAt(bytes, 0); sizeBytes > 0; sizeBytes = completeBatchSizeAt(bytes, at)) at += sizeBytes
  return at
}

/** The checksum that the bytes of the batch have. */
const computeCrc = (batch: Buffer, at = 0): number => {
  const end = at + batchSizeOf(batch, at)
  return isLegacy(batch, at) ? crc32(batch.subarray(at + 16, end)) : crc32c(batch, at + 21, end)
}

export const hasValidCrc = (batch: Buffer, at = 0): boolean => crcOf(batch, at) === computeCrc(batch, at)

/** CORRUPT_MESSAGE when the checksum does not hold. */
export const validateCrc = (batch: Buffer, at = 0): void => {
  const computed = computeCrc(batch, at)
  if (computed === crcOf(batch, at)) return
  throw new KafkaError('CORRUPT_MESSAGE', `Record is corrupt (stored crc = ${crcOf(batch, at)}, computed crc = ${computed})`)
}

export const setBaseOffset = (batch: Buffer, offset: number, at = 0): void => writeInt64(batch, offset, at)
/** Moves the batch so that `offset` is that of its last record. */
export const setLastOffset = (batch: Buffer, offset: number, at = 0): void => writeInt64(batch, offset - lastOffsetDeltaOf(batch, at), at)
/** Magic 0 and 1 have no epoch: left alone. */
export const setPartitionLeaderEpoch = (batch: Buffer, epoch: number, at = 0): void => {
  if (!isLegacy(batch, at)) batch.writeInt32BE(epoch, at + 12)
}
export const writeCrc = (batch: Buffer, at = 0): void =>
  void batch.writeUInt32BE(computeCrc(batch, at), isLegacy(batch, at) ? at + 12 : at + 17)

/** Both are under the checksum: it is computed anew where one of them changes. Magic 0 has no timestamp: left alone. */
export const setMaxTimestamp = (batch: Buffer, type: TimestampType, timestamp: Int64, at = 0): void => {
  if (batch[at + 16] === 0 || (timestampTypeOf(batch, at) === type && maxTimestampOf(batch, at) === timestamp)) return
  const attributesAt = isLegacy(batch, at) ? at + 17 : at + 22
  const others = batch[attributesAt]! & ~ATTRIBUTE.logAppendTime
  batch[attributesAt] = type === 'LogAppendTime' ? others | ATTRIBUTE.logAppendTime : others
  writeInt64(batch, timestamp, isLegacy(batch, at) ? at + 18 : at + 35)
  writeCrc(batch, at)
}
