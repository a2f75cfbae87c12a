import { crc32c as nativeCrc32c } from '@node-rs/crc32'
import { expect, test } from 'vitest'
import { buildBatch } from '../../../src/protocol/records/build-batch.ts'
import { crc32c, crc32cInScript } from '../../../src/protocol/records/crc32c.ts'
import { buildLegacyBatch } from '../../../src/protocol/records/legacy.ts'
import * as b from '../../../src/protocol/records/record-batch.ts'
import { xxhash32 } from '../../../src/protocol/records/xxhash32.ts'

const batch = () => buildBatch([{ value: 'a' }, { value: 'b' }], { baseOffset: 7 })
const old = () =>
  buildLegacyBatch([{ offset: 3, timestamp: 50, key: null, value: Buffer.from('v') }], {
    magic: 1,
    codec: 'none',
    timestampType: 'CreateTime',
  })

test('checksums have the known values, in one piece or several', () => {
  const check = Buffer.from('123456789')
  expect(crc32c(check)).toBe(0xe3069283)
  expect(crc32c(check, 4, 9, crc32c(check, 0, 4))).toBe(0xe3069283)
  expect(xxhash32(Buffer.alloc(0))).toBe(0x02cc5d05)
  expect(xxhash32(Buffer.from('Nobody inspects the spammish repetition'))).toBe(0xe2293b2f)
})

test('the checksum in JavaScript is the native one, at every size around the switch and every alignment', () => {
  const bytes = Buffer.from(Array.from({ length: 700 }, (_, n) => (n * 7919) & 0xff))
  for (const start of [0, 1, 3, 8]) {
    for (const size of [0, 1, 7, 8, 9, 63, 255, 256, 257, 600]) {
      const expected = nativeCrc32c(bytes.subarray(start, start + size), 12345)
      expect(crc32cInScript(bytes, start, start + size, 12345)).toBe(expected)
      expect(crc32c(bytes, start, start + size, 12345)).toBe(expected)
    }
  }
})

test('offset and leader epoch change in place, outside of the checksum', () => {
  const bytes = Buffer.concat([batch(), batch()])
  const at = b.batchSizeOf(bytes)
  b.setBaseOffset(bytes, 2 ** 40, at)
  b.setPartitionLeaderEpoch(bytes, 12, at)
  expect([b.baseOffsetOf(bytes, at), b.lastOffsetOf(bytes, at), b.partitionLeaderEpochOf(bytes, at)]).toEqual([2 ** 40, 2 ** 40 + 1, 12])
  expect([b.baseOffsetOf(bytes), b.lastOffsetOf(bytes), b.partitionLeaderEpochOf(bytes)]).toEqual([7, 8, -1])
  b.setLastOffset(bytes, 101, at)
  expect(b.baseOffsetOf(bytes, at)).toBe(100)
  expect([b.hasValidCrc(bytes), b.hasValidCrc(bytes, at)]).toEqual([true, true])
})

test('time and its type are under the checksum, which follows', () => {
  for (const bytes of [batch(), old()]) {
    b.setMaxTimestamp(bytes, 'LogAppendTime', 2n ** 62n)
    expect([b.timestampTypeOf(bytes), b.maxTimestampOf(bytes), b.hasValidCrc(bytes)]).toEqual(['LogAppendTime', 2n ** 62n, true])
    b.setMaxTimestamp(bytes, 'CreateTime', 9)
    expect([b.timestampTypeOf(bytes), b.maxTimestampOf(bytes), b.hasValidCrc(bytes)]).toEqual(['CreateTime', 9, true])
  }
})

test('what magic 0 and 1 lack reads as absent', () => {
  const bytes = old()
  expect([
    b.producerIdOf(bytes),
    b.producerEpochOf(bytes),
    b.baseSequenceOf(bytes),
    b.partitionLeaderEpochOf(bytes),
    b.countOf(bytes),
  ]).toEqual([-1, -1, -1, -1, undefined])
  expect([b.isTransactional(bytes), b.isControlBatch(bytes), b.lastOffsetOf(bytes), b.lastSequenceOf(bytes)]).toEqual([false, false, 3, -1])
  b.setPartitionLeaderEpoch(bytes, 5)
  expect(b.hasValidCrc(bytes)).toBe(true)
})

test('a sequence wraps after 2^31 - 1', () => {
  expect(b.lastSequenceOf(buildBatch([{}, {}, {}], { producerId: 1, producerEpoch: 0, baseSequence: 2 ** 31 - 2 }))).toBe(0)
})

test('only complete batches are given, and a torn tail is left out at every cut', () => {
  const bytes = Buffer.concat([batch(), old(), batch()])
  const first = b.batchSizeOf(bytes)
  const second = first + b.batchSizeOf(bytes, first)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const whole = cut < first ? 0 : cut < second ? first : cut < bytes.length ? second : bytes.length
    expect(b.completeBytesOf(bytes.subarray(0, cut))).toBe(whole)
  }
  expect([...b.batches(bytes)].map((one) => b.magicOf(one))).toEqual([2, 1, 2])
})

test('a length or magic that cannot be is corrupt, and a length is not believed before the bytes are there', () => {
  const changed = (change: (bytes: Buffer) => void) => {
    const bytes = batch()
    change(bytes)
    return () => b.completeBytesOf(bytes)
  }
  expect(changed((bytes) => bytes.writeInt32BE(13, 8))).toThrow('has the length 13, at least 14')
  expect(changed((bytes) => bytes.writeInt32BE(-1, 8))).toThrow('has the length -1')
  expect(changed((bytes) => bytes.writeInt32BE(48, 8))).toThrow('magic 2 at byte 0 has 60 bytes, at least 61')
  expect(changed((bytes) => (bytes[16] = 3))).toThrow('magic 3')
  expect(changed((bytes) => (bytes[16] = 255))).toThrow('magic 255')
  expect(changed((bytes) => bytes.writeInt32BE(2 ** 31 - 1, 8))()).toBe(0)
})

test('a changed byte anywhere under the checksum is seen', () => {
  for (const [whole, from] of [
    [batch(), 21],
    [old(), 16],
  ] as const) {
    for (let at = from; at < whole.length; at++) {
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 1
      if (b.magicOf(bytes) === b.magicOf(whole))
        expect(() => b.validateCrc(bytes)).toThrow(/Record is corrupt \(stored crc = \d+, computed crc = \d+\)/)
    }
  }
})

test('numbers beyond 2^53 are exact where clients choose them, and refused as offsets', () => {
  const bytes = batch()
  for (const value of [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -1, 0, 2 ** 53 - 1, -(2 ** 53) + 1, -(2 ** 32), 2 ** 32]) {
    b.writeInt64(bytes, value, 35)
    expect(b.maxTimestampOf(bytes)).toBe(value)
    b.writeInt64(bytes, value, 43)
    expect(b.producerIdOf(bytes)).toBe(value)
  }
  b.writeInt64(bytes, 2n ** 60n, 0)
  expect(b.storedOffsetOf(bytes)).toBe(2n ** 60n)
  expect(() => b.baseOffsetOf(bytes)).toThrow('beyond 2^53 - 1')
})
