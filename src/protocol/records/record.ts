/**
 * Records of magic 2, inside the (decompressed) block after the header:
 *
 *   varint bytes of the rest, int8 attributes (0), varlong timestamp - firstTimestamp, varint offset - baseOffset,
 *   varint key size (-1: null), key, varint value size (-1: null), value, varint headers, each: varint key size, key, varint value size (-1: null), value
 *
 * Source: org.apache.kafka.common.record.DefaultRecord of 2.6.3.
 */
import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import { decompress, DEFAULT_MAX_DECOMPRESSED_BYTES } from './compression.ts'
import { legacyRecords } from './legacy.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseSequenceOf,
  batchSizeOf,
  codecOf,
  countOf,
  firstTimestampOf,
  incrementSequence,
  isLegacy,
  maxTimestampOf,
  NO_SEQUENCE,
  timestampTypeOf,
} from './record-batch.ts'
import { addInt64, VarintReader } from './varint.ts'

export type RecordHeader = { key: string; value: Buffer | null }
export type KafkaRecord = {
  offset: number
  /** ms since 1970; of the append when the batch says so; -1: none. */
  timestamp: Int64
  /** -1: none. */
  sequence: number
  key: Buffer | null
  value: Buffer | null
  headers: RecordHeader[]
}

const invalid = (reason: string, cause?: unknown): KafkaError =>
  new KafkaError('INVALID_RECORD', `Found invalid record structure: ${reason}`, { cause })

/** The bytes after the header, decompressed; without a codec a view of the batch. Errors as decompress. */
export const recordsBlockOf = (batch: Buffer, limitBytes: number = DEFAULT_MAX_DECOMPRESSED_BYTES): Buffer =>
  decompress(codecOf(batch), batch.subarray(BATCH_HEADER_BYTES, batchSizeOf(batch)), limitBytes)

/**
 * Walks the records of a block without making anything per record: after `next` the fields describe the record, positions are in `block`.
 * INVALID_RECORD when the bytes are no records, are fewer than `count` says, or more.
 */
export class RecordCursor {
  readonly block: Buffer
  readonly count: number
  /** How many were read. */
  index = 0
  /** Where the record begins and where the next one does. */
  start = 0
  end = 0
  attributes = 0
  timestampDelta: Int64 = 0
  offsetDelta = 0
  /** Where the fields begin that do not change with offset and time: key, value, headers. */
  tailAt = 0
  /** Sizes below 0: null. */
  keyAt = 0
  keyBytes = -1
  valueAt = 0
  valueBytes = -1
  headersAt = 0
  headerCount = 0

  constructor(block: Buffer, count: number) {
    this.block = block
    this.count = count
  }

  next(): boolean {
    if (this.index >= this.count) {
      if (this.end < this.block.length) throw invalid(`the batch says ${this.count} records and has more`)
      return false
    }
    try {
      this.#read()
    } catch (error) {
      if (error instanceof RangeError) throw invalid(`record ${this.index} of ${this.count}: ${error.message}`, error)
      throw error
    }
    this.index++
    return true
  }

  #read(): void {
    const outer = new VarintReader(this.block, this.end)
    const sizeBytes = outer.varint()
    if (sizeBytes < 0) throw new RangeError(`its size is ${sizeBytes}`)
    this.start = this.end
    this.end = outer.skip(sizeBytes) + sizeBytes
    const fields = new VarintReader(this.block, this.end - sizeBytes, this.end)
    this.attributes = fields.byte()
    this.timestampDelta = fields.varlong()
    this.offsetDelta = fields.varint()
    this.tailAt = fields.at
    this.keyBytes = fields.varint()
    this.keyAt = fields.skip(this.keyBytes)
    this.valueBytes = fields.varint()
    this.valueAt = fields.skip(this.valueBytes)
    this.headerCount = fields.varint()
    if (this.headerCount < 0) throw new RangeError(`it has ${this.headerCount} headers`)
    this.headersAt = fields.at
    for (let header = 0; header < this.headerCount; header++) {
      const keyBytes = fields.varint()
      if (keyBytes < 0) throw new RangeError(`the key of a header has the size ${keyBytes}`)
      fields.skip(keyBytes)
      fields.skip(fields.varint())
    }
    if (fields.at !== this.end) throw new RangeError(`${this.end - fields.at} of its bytes are no field`)
  }

  get key(): Buffer | null {
    return this.keyBytes < 0 ? null : this.block.subarray(this.keyAt, this.keyAt + this.keyBytes)
  }

  get value(): Buffer | null {
    return this.valueBytes < 0 ? null : this.block.subarray(this.valueAt, this.valueAt + this.valueBytes)
  }

  get headers(): RecordHeader[] {
    const fields = new VarintReader(this.block, this.headersAt, this.end)
    const headers: RecordHeader[] = []
    while (headers.length < this.headerCount) {
      const keyBytes = fields.varint()
      const keyAt = fields.skip(keyBytes)
      const valueBytes = fields.varint()
      const valueAt = fields.skip(valueBytes)
      const key = this.block.toString('utf8', keyAt, keyAt + keyBytes)
      headers.push({ key, value: valueBytes < 0 ? null : this.block.subarray(valueAt, valueAt + valueBytes) })
    }
    return headers
  }
}

/**
 * The records of one complete batch of any magic, control records included. Keys and values share memory with the batch, or with its decompressed block.
 * Errors as decompress and RecordCursor; the checksum is not looked at.
 */
export function* records(batch: Buffer, limitBytes: number = DEFAULT_MAX_DECOMPRESSED_BYTES): Generator<KafkaRecord, void, undefined> {
  if (isLegacy(batch)) {
    for (const { offset, timestamp, key, value } of legacyRecords(batch, limitBytes)) {
      yield { offset, timestamp, sequence: NO_SEQUENCE, key, value, headers: [] }
    }
    return
  }
  const baseOffset = baseOffsetOf(batch)
  const baseSequence = baseSequenceOf(batch)
  const firstTimestamp = firstTimestampOf(batch)
  const appendTimestamp = timestampTypeOf(batch) === 'LogAppendTime' ? maxTimestampOf(batch) : undefined
  const count = countOf(batch)!
  if (count === 0) return
  const cursor = new RecordCursor(recordsBlockOf(batch, limitBytes), count)
  while (cursor.next()) {
    yield {
      offset: baseOffset + cursor.offsetDelta,
      timestamp: appendTimestamp ?? addInt64(firstTimestamp, cursor.timestampDelta),
      sequence: baseSequence < 0 ? NO_SEQUENCE : incrementSequence(baseSequence, cursor.offsetDelta),
      key: cursor.key,
      value: cursor.value,
      headers: cursor.headers,
    }
  }
}

/** Whether the sizes of exactly `count` records fill the block, nothing else looked at: what protects every consumer from a batch it cannot step through. */
export const holdsRecords = (block: Buffer, start: number, end: number, count: number): boolean => {
  let at = start
  for (let n = 0; n < count; n++) {
    let byte = at < end ? block[at++]! : 0x100
    let raw = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28 || at >= end) return false
      byte = block[at++]!
      raw |= (byte & 0x7f) << shift
    }
    // The sign bit: a negative size, or one beyond 2^30 that no batch can hold.
    if ((raw & 1) !== 0) return false
    at += raw >>> 1
    if (at > end) return false
  }
  return at === end
}
