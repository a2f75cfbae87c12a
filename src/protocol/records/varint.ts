import type { Int64 } from '../int64.ts'

/** Zigzag varints of records: the sign is in the lowest bit, seven bits a byte, lowest first. Source: ByteUtils of 2.6.3. */
export const sizeOfVarint = (value: number): number => {
  const raw = ((value << 1) ^ (value >> 31)) >>> 0
  return raw < 0x80 ? 1 : raw < 0x4000 ? 2 : raw < 0x20_0000 ? 3 : raw < 0x1000_0000 ? 4 : 5
}

/** Below this, twice the value is still exact as a number. */
const EXACT = 2 ** 51
const isSmall = (value: Int64): value is number => typeof value === 'number' && value > -EXACT && value < EXACT
const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1)
const bigZigzag = (value: Int64): bigint => BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))

export const sizeOfVarlong = (value: Int64): number => {
  let size = 1
  if (isSmall(value)) for (let raw = zigzag(value); raw >= 0x80; raw = Math.floor(raw / 128)) size++
  else for (let raw = bigZigzag(value); raw >= 0x80n; raw >>= 7n) size++
  return size
}

/** Gives the position after it. */
export const writeVarint = (bytes: Buffer, value: number, start: number): number => {
  let at = start
  let raw = ((value << 1) ^ (value >> 31)) >>> 0
  for (; raw >= 0x80; raw >>>= 7) bytes[at++] = (raw & 0x7f) | 0x80
  bytes[at++] = raw
  return at
}

export const writeVarlong = (bytes: Buffer, value: Int64, start: number): number => {
  let at = start
  if (isSmall(value)) {
    let raw = zigzag(value)
    for (; raw >= 0x80; raw = Math.floor(raw / 128)) bytes[at++] = (raw % 128) | 0x80
    bytes[at++] = raw
    return at
  }
  let raw = bigZigzag(value)
  for (; raw >= 0x80n; raw >>= 7n) bytes[at++] = Number(raw & 0x7fn) | 0x80
  bytes[at++] = Number(raw)
  return at
}

/** A position in bytes that varints are read from; throws RangeError at the end of the bytes or for too long a varint. */
export class VarintReader {
  readonly bytes: Buffer
  readonly end: number
  at: number

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  byte(): number {
    if (this.at >= this.end) throw new RangeError('it ends too early')
    return this.bytes[this.at++]!
  }

  /** A 32-bit value; bits above them are dropped, as in Java. */
  varint(): number {
    let byte = this.byte()
    let raw = byte & 0x7f
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 28) throw new RangeError('a varint has more than 5 bytes')
      byte = this.byte()
      raw |= (byte & 0x7f) << shift
    }
    return (raw >>> 1) ^ -(raw & 1)
  }

  varlong(): Int64 {
    const start = this.at
    let byte = this.byte()
    let raw = byte & 0x7f
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      if (scale > 2 ** 42) return this.#longVarlong(start)
      byte = this.byte()
      raw += (byte & 0x7f) * scale
    }
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
  }

  #longVarlong(start: number): Int64 {
    this.at = start
    let raw = 0n
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new RangeError('a varlong has more than 10 bytes')
      const byte = this.byte()
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    raw = BigInt.asUintN(64, raw)
    return normalize(BigInt.asIntN(64, (raw >> 1n) ^ -(raw & 1n)))
  }

  /** Passes `sizeBytes` bytes; a negative size (null) passes none. Gives where they began. */
  skip(sizeBytes: number): number {
    const start = this.at
    if (sizeBytes > this.end - start) throw new RangeError(`a field of ${sizeBytes} bytes is longer than what is left`)
    if (sizeBytes > 0) this.at += sizeBytes
    return start
  }
}

const normalize = (value: bigint): Int64 =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value

/** 64-bit sums and differences wrap, as in Java. */
export const addInt64 = (a: Int64, b: Int64): Int64 => {
  const sum = typeof a === 'number' && typeof b === 'number' ? a + b : undefined
  return sum !== undefined && Number.isSafeInteger(sum) ? sum : normalize(BigInt.asIntN(64, BigInt(a) + BigInt(b)))
}
export const subtractInt64 = (a: Int64, b: Int64): Int64 => {
  const difference = typeof a === 'number' && typeof b === 'number' ? a - b : undefined
  return difference !== undefined && Number.isSafeInteger(difference) ? difference : normalize(BigInt.asIntN(64, BigInt(a) - BigInt(b)))
}
