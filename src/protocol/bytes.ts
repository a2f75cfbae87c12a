import type { Int64 } from './int64.ts'

/**
 * The bytes do not hold what the schema says, or a value cannot be written as what the schema says. `path` grows from the inside out while the
 * fault passes the enclosing fields. Only between this folder's files: callers get a KafkaError (schema.ts).
 */
export class CodecFault extends Error {
  readonly path: (string | number)[] = []
}

/**
 * The most array elements in one message. An element of two bytes on the wire takes sixty in memory and more, so bytes alone do not bound what a
 * message costs; the largest that a cluster sends (UpdateMetadata for 200,000 partitions) has half as many.
 */
const MAX_ELEMENTS = 4_000_000

const TWO_32 = 0x1_0000_0000
const EMPTY = Buffer.alloc(0)

/** Reads Kafka's primitives, big endian, from one message. Every read checks first that the bytes are there, and throws CodecFault if not. */
export class Reader {
  readonly bytes: Buffer
  at: number
  #elements = 0

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  get remaining(): number {
    return this.bytes.length - this.at
  }

  /** Called before `count` elements of at least `leastBytes` each are made: they must be there, and not too many in the whole message. */
  claim(count: number, leastBytes: number): void {
    if (count * leastBytes > this.remaining) throw new CodecFault(`announces ${count} elements, ${this.remaining} bytes are left`)
    this.#elements += count
    if (this.#elements > MAX_ELEMENTS) throw new CodecFault(`the message has more than ${MAX_ELEMENTS} elements; split it`)
  }

  /** The position of the next `sizeBytes` bytes, which are consumed. */
  #next(sizeBytes: number): number {
    const at = this.at
    if (sizeBytes > this.bytes.length - at) throw new CodecFault(`needs ${sizeBytes} bytes, ${this.bytes.length - at} are left`)
    this.at = at + sizeBytes
    return at
  }

  int8(): number {
    return (this.bytes[this.#next(1)]! << 24) >> 24
  }

  bool(): boolean {
    return this.bytes[this.#next(1)] !== 0
  }

  int16(): number {
    const at = this.#next(2)
    return (((this.bytes[at]! << 8) | this.bytes[at + 1]!) << 16) >> 16
  }

  int32(): number {
    const at = this.#next(4)
    const bytes = this.bytes
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }

  int64(): Int64 {
    const high = this.int32()
    const low = this.int32() >>> 0
    const value = high * TWO_32 + low
    return Number.isSafeInteger(value) ? value : this.bytes.readBigInt64BE(this.at - 8)
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.#next(8))
  }

  /** An unsigned varint of at most 5 bytes. */
  uvarint(): number {
    const first = this.bytes[this.#next(1)]!
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let scale = 128; scale <= 2 ** 28; scale *= 128) {
      const byte = this.bytes[this.#next(1)]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new CodecFault('a varint has more than 5 bytes')
  }

  /** UTF-8; what is not becomes U+FFFD, as in Java. */
  string(sizeBytes: number): string {
    const at = this.#next(sizeBytes)
    return this.bytes.toString('utf8', at, at + sizeBytes)
  }

  /** Shares memory with the message. */
  view(sizeBytes: number): Buffer {
    const at = this.#next(sizeBytes)
    return this.bytes.subarray(at, at + sizeBytes)
  }

  /** Memory of its own. */
  copy(sizeBytes: number): Buffer {
    return sizeBytes === 0 ? EMPTY : Buffer.from(this.view(sizeBytes))
  }
}

/** From here on, a reference costs less than a copy. */
const BY_REFERENCE_BYTES = 1024
const INITIAL_BYTES = 256

/**
 * Writes Kafka's primitives into one growing buffer; throws CodecFault for a value outside the type. With `byReference`, large blobs are put
 * between slices of the buffer instead of into it: `chunks()` gives all of them in order.
 */
export class Writer {
  #buffer: Buffer
  #at = 0
  /** Where the slice that is not yet in #chunks begins. */
  #sliceStart = 0
  #sizeBytes = 0
  readonly #chunks: Buffer[] = []
  readonly #byReference: boolean

  constructor(options: { byReference?: boolean; initialBytes?: number } = {}) {
    this.#byReference = options.byReference ?? false
    this.#buffer = Buffer.allocUnsafe(options.initialBytes ?? INITIAL_BYTES)
  }

  /** Of all that was written. */
  get sizeBytes(): number {
    return this.#sizeBytes + this.#at - this.#sliceStart
  }

  /** The position of `sizeBytes` new bytes in #buffer. */
  #grow(sizeBytes: number): number {
    const at = this.#at
    if (at + sizeBytes > this.#buffer.length) return this.#reallocate(sizeBytes)
    this.#at = at + sizeBytes
    return at
  }

  #reallocate(sizeBytes: number): number {
    const kept = this.#buffer.subarray(this.#sliceStart, this.#at)
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, kept.length + sizeBytes))
    larger.set(kept)
    this.#buffer = larger
    this.#sliceStart = 0
    this.#at = kept.length + sizeBytes
    return kept.length
  }

  /** The position comes first: making room may put another #buffer there. */
  #byte(value: number): void {
    const at = this.#grow(1)
    this.#buffer[at] = value
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) throw new CodecFault(`${value} is not an int8`)
    this.#byte(value)
  }

  bool(value: boolean): void {
    if (typeof value !== 'boolean') throw new CodecFault(`${String(value)} is not a boolean`)
    this.#byte(value ? 1 : 0)
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) throw new CodecFault(`${value} is not an int16`)
    const at = this.#grow(2)
    this.#buffer[at] = value >> 8
    this.#buffer[at + 1] = value
  }

  int32(value: number): void {
    if ((value | 0) !== value) throw new CodecFault(`${value} is not an int32`)
    this.#word(this.#grow(4), value)
  }

  #word(at: number, value: number): void {
    const buffer = this.#buffer
    buffer[at] = value >> 24
    buffer[at + 1] = value >> 16
    buffer[at + 2] = value >> 8
    buffer[at + 3] = value
  }

  int64(value: Int64): void {
    if (typeof value === 'bigint') {
      if (BigInt.asIntN(64, value) !== value) throw new CodecFault(`${value} is not an int64`)
      const at = this.#grow(8)
      this.#buffer.writeBigInt64BE(value, at)
      return
    }
    if (!Number.isSafeInteger(value)) throw new CodecFault(`${value} is not an exact int64`)
    const at = this.#grow(8)
    this.#word(at, Math.floor(value / TWO_32))
    this.#word(at + 4, value | 0)
  }

  float64(value: number): void {
    if (typeof value !== 'number') throw new CodecFault(`${String(value)} is not a float64`)
    const at = this.#grow(8)
    this.#buffer.writeDoubleBE(value, at)
  }

  uvarint(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.#byte((rest % 128) | 0x80)
      rest = Math.floor(rest / 128)
    }
    this.#byte(rest)
  }

  /** UTF-8 without a length; the caller has written `Buffer.byteLength(value)`. */
  string(value: string, sizeBytes: number): void {
    const at = this.#grow(sizeBytes)
    this.#buffer.write(value, at, sizeBytes, 'utf8')
  }

  /** Copied. */
  raw(value: Uint8Array): void {
    const at = this.#grow(value.length)
    this.#buffer.set(value, at)
  }

  /** By reference when large and the writer is `byReference`: the caller must not change it until the chunks are sent. */
  blob(value: Buffer): void {
    if (!this.#byReference || value.length < BY_REFERENCE_BYTES) return this.raw(value)
    this.#endSlice()
    this.#chunks.push(value)
    this.#sizeBytes += value.length
  }

  #endSlice(): void {
    if (this.#at === this.#sliceStart) return
    this.#chunks.push(this.#buffer.subarray(this.#sliceStart, this.#at))
    this.#sizeBytes += this.#at - this.#sliceStart
    this.#sliceStart = this.#at
  }

  /** All that was written, in order. The writer is done. */
  chunks(): Buffer[] {
    this.#endSlice()
    return this.#chunks
  }

  /** All that was written, in one piece. The writer is done. */
  bytes(): Buffer {
    const chunks = this.chunks()
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  }
}
