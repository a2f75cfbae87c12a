import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import { compress } from './compression.ts'
import {
  ATTRIBUTE,
  BATCH_HEADER_BYTES,
  CODECS,
  LOG_OVERHEAD_BYTES,
  NO_LEADER_EPOCH,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_SEQUENCE,
  NO_TIMESTAMP,
  writeCrc,
  writeInt64,
  type Codec,
} from './record-batch.ts'
import { sizeOfVarint, sizeOfVarlong, subtractInt64, writeVarint, writeVarlong } from './varint.ts'

type Bytes = Uint8Array | string | null
export type NewRecord = {
  key?: Bytes
  value?: Bytes
  /** ms since 1970; absent: none (-1). */
  timestamp?: Int64
  headers?: readonly { key: string; value: Bytes }[]
  /** Only where offsets have gaps; they must grow. */
  offset?: number
}

export type BatchFields = {
  baseOffset?: number
  codec?: Codec
  /** Makes the batch LogAppendTime with this time for all records. */
  logAppendTimeMs?: Int64
  partitionLeaderEpoch?: number
  producerId?: Int64
  producerEpoch?: number
  baseSequence?: number
  isTransactional?: boolean
  isControl?: boolean
}

const toBuffer = (bytes: Bytes | undefined): Buffer | null => {
  if (bytes === null || bytes === undefined) return null
  if (typeof bytes === 'string') return Buffer.from(bytes, 'utf8')
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

const sizeOfBytes = (bytes: Buffer | null): number => (bytes === null ? 1 : sizeOfVarint(bytes.length) + bytes.length)
const writeBytes = (target: Buffer, bytes: Buffer | null, at: number): number => {
  const dataAt = writeVarint(target, bytes === null ? -1 : bytes.length, at)
  return bytes === null ? dataAt : dataAt + bytes.copy(target, dataAt)
}

type Prepared = { offsetDelta: number; timestampDelta: Int64; fields: (Buffer | null)[]; headerCount: number; bodyBytes: number }

const prepare = (record: NewRecord, offsetDelta: number, timestampDelta: Int64): Prepared => {
  const headers = (record.headers ?? []).flatMap(({ key, value }) => [Buffer.from(key, 'utf8'), toBuffer(value)])
  const fields = [toBuffer(record.key), toBuffer(record.value), ...headers]
  const headerCount = headers.length / 2
  const fieldBytes = fields.reduce((sum, field) => sum + sizeOfBytes(field), 0)
  const bodyBytes = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + sizeOfVarint(headerCount) + fieldBytes
  return { offsetDelta, timestampDelta, fields, headerCount, bodyBytes }
}

const writeRecord = (target: Buffer, record: Prepared, start: number): number => {
  let at = writeVarint(target, record.bodyBytes, start)
  target[at++] = 0
  at = writeVarlong(target, record.timestampDelta, at)
  at = writeVarint(target, record.offsetDelta, at)
  record.fields.forEach((field, index) => {
    if (index === 2) at = writeVarint(target, record.headerCount, at)
    at = writeBytes(target, field, at)
  })
  return record.fields.length > 2 ? at : writeVarint(target, 0, at)
}

const largest = (timestamps: readonly Int64[]): Int64 =>
  timestamps.reduce((max, timestamp) => (timestamp > max ? timestamp : max), NO_TIMESTAMP)

/** One batch of magic 2 with its checksum. At least one record; INVALID_REQUEST where offsets do not grow. */
export const buildBatch = (records: readonly NewRecord[], fields: BatchFields = {}): Buffer => {
  if (records.length === 0) throw new KafkaError('INVALID_REQUEST', 'a batch needs at least one record')
  const baseOffset = fields.baseOffset ?? 0
  const firstTimestamp = records[0]!.timestamp ?? NO_TIMESTAMP
  let last = -1
  const prepared = records.map((record, index) => {
    const delta = record.offset === undefined ? (records[0]!.offset === undefined ? index : last + 1) : record.offset - baseOffset
    if (delta <= last) throw new KafkaError('INVALID_REQUEST', `offset ${delta + baseOffset} does not follow ${last + baseOffset}`)
    last = delta
    return prepare(record, delta, subtractInt64(record.timestamp ?? NO_TIMESTAMP, firstTimestamp))
  })
  const block = Buffer.allocUnsafe(prepared.reduce((sum, { bodyBytes }) => sum + sizeOfVarint(bodyBytes) + bodyBytes, 0))
  let at = 0
  for (const record of prepared) at = writeRecord(block, record, at)
  const maxTimestamp = fields.logAppendTimeMs ?? largest(records.map((record) => record.timestamp ?? NO_TIMESTAMP))
  return assembleBatch(block, { ...fields, baseOffset, lastOffsetDelta: last, firstTimestamp, maxTimestamp, count: records.length })
}

export type BlockFields = BatchFields & { lastOffsetDelta: number; firstTimestamp: Int64; maxTimestamp: Int64; count: number }

/** The header before records that are already laid out, which are compressed here; `maxTimestamp` stands even if there is a logAppendTimeMs. */
export const assembleBatch = (block: Buffer, fields: BlockFields): Buffer => {
  const codec = fields.codec ?? 'none'
  const payload = compress(codec, block)
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + payload.length)
  payload.copy(batch, BATCH_HEADER_BYTES)
  writeInt64(batch, fields.baseOffset ?? 0, 0)
  batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, 8)
  batch.writeInt32BE(fields.partitionLeaderEpoch ?? NO_LEADER_EPOCH, 12)
  batch[16] = 2
  batch.writeInt16BE(attributes(codec, fields), 21)
  batch.writeInt32BE(fields.lastOffsetDelta, 23)
  writeInt64(batch, fields.firstTimestamp, 27)
  writeInt64(batch, fields.maxTimestamp, 35)
  writeInt64(batch, fields.producerId ?? NO_PRODUCER_ID, 43)
  batch.writeInt16BE(fields.producerEpoch ?? NO_PRODUCER_EPOCH, 51)
  batch.writeInt32BE(fields.baseSequence ?? NO_SEQUENCE, 53)
  batch.writeInt32BE(fields.count, 57)
  writeCrc(batch)
  return batch
}

const attributes = (codec: Codec, fields: BatchFields): number =>
  CODECS.indexOf(codec) |
  (fields.logAppendTimeMs === undefined ? 0 : ATTRIBUTE.logAppendTime) |
  (fields.isTransactional ? ATTRIBUTE.transactional : 0) |
  (fields.isControl ? ATTRIBUTE.control : 0)
