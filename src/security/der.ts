// The part of ASN.1 DER (X.690) that X.509 certificates and PKCS #12 files need.

const SEQUENCE = 0x30
const SET = 0x31

const lengthBytes = (length: number): number[] => {
  if (length < 0x80) return [length]
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
  return [0x80 | bytes.length, ...bytes]
}

export const tagged = (tag: number, ...contents: Uint8Array[]): Buffer => {
  const body = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(body.length)]), body])
}
export const sequence = (...items: Uint8Array[]): Buffer => tagged(SEQUENCE, ...items)
export const set = (...items: Uint8Array[]): Buffer => tagged(SET, ...items)
/** An explicit context tag [n] around its contents. */
export const explicit = (number: number, ...contents: Uint8Array[]): Buffer => tagged(0xa0 | number, ...contents)
/** An implicit primitive context tag [n]. */
export const implicit = (number: number, content: Uint8Array): Buffer => tagged(0x80 | number, content)

/** A non-negative INTEGER of big-endian magnitude bytes. */
export const integer = (magnitude: Uint8Array): Buffer => {
  let first = 0
  while (first < magnitude.length - 1 && magnitude[first] === 0) first++
  const bytes = magnitude.subarray(first)
  return tagged(0x02, Buffer.concat([bytes[0]! & 0x80 ? Buffer.from([0]) : Buffer.alloc(0), bytes]))
}
export const boolean = (value: boolean): Buffer => tagged(0x01, Buffer.from([value ? 0xff : 0]))
export const utf8String = (text: string): Buffer => tagged(0x0c, Buffer.from(text, 'utf8'))
export const octetString = (...contents: Uint8Array[]): Buffer => tagged(0x04, ...contents)
export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => tagged(0x03, Buffer.from([unusedBits]), bytes)

/** An OBJECT IDENTIFIER such as '1.2.840.10045.4.3.2'. */
export const objectIdentifier = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const groups = [arc & 0x7f]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) groups.unshift(0x80 | (left & 0x7f))
    bytes.push(...groups)
  }
  return tagged(0x06, Buffer.from(bytes))
}

/** UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
export const time = (ms: number): Buffer => {
  const digits = new Date(ms)
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return digits < '2050' ? tagged(0x17, Buffer.from(digits.slice(2), 'latin1')) : tagged(0x18, Buffer.from(digits, 'latin1'))
}

/** The elements inside the constructed element that `der` begins with, each with its tag and length. */
export const elementsOf = (der: Uint8Array): Uint8Array[] => {
  const elements: Uint8Array[] = []
  const { start, end } = contentOf(der)
  for (let at = start; at < end;) {
    const next = at + contentOf(der.subarray(at)).end
    elements.push(der.subarray(at, next))
    at = next
  }
  return elements
}

/** Where the content of the element that `der` begins with lies. Throws RangeError for what is no DER. */
export const contentOf = (der: Uint8Array): { start: number; end: number } => {
  const first = der[1] ?? 0
  const count = first < 0x80 ? 0 : first & 0x7f
  const start = 2 + count
  let length = first
  if (count > 0) length = der.subarray(2, start).reduce((sum, byte) => sum * 256 + byte, 0)
  if (start + length > der.length) throw new RangeError('an ASN.1 element is longer than the bytes that hold it')
  return { start, end: start + length }
}
