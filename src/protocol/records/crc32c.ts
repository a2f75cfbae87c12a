import { crc32c as nativeCrc32c } from '@node-rs/crc32'

/** Below this the call into native code costs more than the arithmetic (hack/bench/records.ts measures it). */
const NATIVE_FROM_BYTES = 256
/** Castagnoli's polynomial, bits reversed. */
const POLYNOMIAL = 0x82f63b78

/** Eight tables of 256 entries: table k advances a byte by k more zero bytes. */
const makeTables = (): Int32Array => {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let at = 256; at < tables.length; at++) {
    const before = tables[at - 256]!
    tables[at] = (before >>> 8) ^ tables[before & 0xff]!
  }
  return tables
}
const T = makeTables()

/** CRC-32C in JavaScript, eight bytes a step. `initial` is the checksum of the bytes before `start`. */
export const crc32cInScript = (bytes: Uint8Array, start: number, end: number, initial = 0): number => {
  let crc = ~initial
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    crc =
      T[1792 + (crc & 0xff)]! ^
      T[1536 + ((crc >>> 8) & 0xff)]! ^
      T[1280 + ((crc >>> 16) & 0xff)]! ^
      T[1024 + (crc >>> 24)]! ^
      T[768 + bytes[at + 4]!]! ^
      T[512 + bytes[at + 5]!]! ^
      T[256 + bytes[at + 6]!]! ^
      T[bytes[at + 7]!]!
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ T[(crc ^ bytes[at]!) & 0xff]!
  return ~crc >>> 0
}

/**
 * CRC-32C (Castagnoli) of bytes `start` to `end` as an unsigned 32-bit number.
 * `initial` is the checksum of what came before, so that a value can be computed in pieces.
 */
export const crc32c = (bytes: Uint8Array, start = 0, end = bytes.length, initial = 0): number =>
  end - start < NATIVE_FROM_BYTES ? crc32cInScript(bytes, start, end, initial) : nativeCrc32c(bytes.subarray(start, end), initial)
