import { afterAll, describe, expect, test } from 'vitest'
import { WorkerPool } from '../../../src/base/worker-pool.ts'
import type { AppendRules, RecordValidationError } from '../../../src/protocol/records/append-rules.ts'
import { assembleBatch, buildBatch } from '../../../src/protocol/records/build-batch.ts'
import { compress } from '../../../src/protocol/records/compression.ts'
import { buildMarker, controlRecordOf } from '../../../src/protocol/records/control-record.ts'
import { downConvert } from '../../../src/protocol/records/down-convert.ts'
import { buildLegacyBatch, buildLegacyMessage } from '../../../src/protocol/records/legacy.ts'
import { prepareAppendIn, recordsIn } from '../../../src/protocol/records/offload.ts'
import * as b from '../../../src/protocol/records/record-batch.ts'
import { holdsRecords, records } from '../../../src/protocol/records/record.ts'
import { assignOffsets } from '../../../src/protocol/records/validate.ts'
import {
  addInt64,
  sizeOfVarint,
  sizeOfVarlong,
  subtractInt64,
  VarintReader,
  writeVarint,
  writeVarlong,
} from '../../../src/protocol/records/varint.ts'
import { describeRecords } from './oracle.ts'

const LONGS = [
  0,
  1,
  -1,
  63,
  -64,
  64,
  8191,
  -8193,
  2 ** 31,
  -(2 ** 31),
  2 ** 48,
  2 ** 51,
  -(2 ** 51),
  2 ** 53 - 1,
  2n ** 53n,
  -(2n ** 63n),
  2n ** 63n - 1n,
]

test('varints take the bytes that were counted and come back, over the whole range', () => {
  const bytes = Buffer.alloc(16)
  for (const value of LONGS) {
    expect(writeVarlong(bytes, value, 0)).toBe(sizeOfVarlong(value))
    expect(new VarintReader(bytes).varlong()).toBe(value)
  }
  for (const value of [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2 ** 31 - 1, -(2 ** 31)]) {
    expect(writeVarint(bytes, value, 0)).toBe(sizeOfVarint(value))
    expect(new VarintReader(bytes).varint()).toBe(value)
  }
  expect(() => new VarintReader(Buffer.alloc(20, 0xff)).varint()).toThrow('more than 5 bytes')
  expect(() => new VarintReader(Buffer.alloc(20, 0xff)).varlong()).toThrow('more than 10 bytes')
  expect(() => new VarintReader(Buffer.from([0x80])).varint()).toThrow('ends too early')
})

test('64-bit sums are exact and wrap', () => {
  expect(addInt64(2n ** 63n - 1n, 1)).toBe(-(2n ** 63n))
  expect(addInt64(2 ** 53 - 1, 1)).toBe(2n ** 53n)
  expect(subtractInt64(-(2n ** 63n), 1)).toBe(2n ** 63n - 1n)
  expect(subtractInt64(2n ** 53n, 1)).toBe(2 ** 53 - 1)
})

test('times over the whole range come back exactly', () => {
  const batch = buildBatch(LONGS.map((timestamp) => ({ timestamp })))
  expect([...records(batch)].map(({ timestamp }) => timestamp)).toEqual(LONGS)
})

test('offsets may have gaps, must grow, and sequences follow them', () => {
  const batch = buildBatch([{ offset: 100 }, { offset: 105 }], {
    baseOffset: 100,
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 2 ** 31 - 3,
  })
  expect([...records(batch)].map(({ offset, sequence }) => [offset, sequence])).toEqual([
    [100, 2 ** 31 - 3],
    [105, 2],
  ])
  expect(b.lastOffsetOf(batch)).toBe(105)
  expect(() => buildBatch([{ offset: 5 }, { offset: 5 }])).toThrow('offset 5 does not follow 5')
  expect(() => buildBatch([])).toThrow('at least one record')
})

describe('records that are none', () => {
  const FIELDS = { lastOffsetDelta: 0, firstTimestamp: 0, maxTimestamp: 0, count: 1 }
  const read = (hex: string, fields = {}) => [...records(assembleBatch(Buffer.from(hex, 'hex'), { ...FIELDS, ...fields }))]

  test.each([
    ['a size of less than nothing', '01', 'its size is -1'],
    ['a size beyond the batch', '7e', 'longer than what is left'],
    ['a key beyond the record', '0c000000660000', 'a field of 51 bytes is longer'],
    ['a value beyond the record', '0c000000016600', 'a field of 51 bytes is longer'],
    ['no header count', '0a0000000101', 'ends too early'],
    ['a header count below 0', '0c000000010101', 'it has -1 headers'],
    ['more headers than bytes', '0c0000000101fe', 'ends too early'],
    ['a header without a key', '100000000101020101', 'the key of a header has the size -1'],
    ['bytes that are no field', '0e00000001010000', '1 of its bytes are no field'],
    ['an endless varint', '20ffffffffffffffffffffffffffffffff', 'more than'],
  ])('%s', (_name, hex, message) => {
    expect(() => read(hex)).toThrow(message)
    expect(() => read(hex)).toThrow('Found invalid record structure: record 0 of 1')
  })

  test('more or fewer than the batch says', () => {
    const record = '0c000000010100'
    expect(read(record).length).toBe(1)
    expect(() => read(record + record)).toThrow('the batch says 1 records and has more')
    expect(() => read(record, { count: 2 })).toThrow('record 1 of 2')
    expect(read('', { count: 0 })).toEqual([])
  })

  test('are seen from their sizes alone', () => {
    const block = Buffer.from('0c0000000101000c000000010100', 'hex')
    expect([1, 2, 3].map((count) => holdsRecords(block, 0, block.length, count))).toEqual([false, true, false])
    expect(holdsRecords(Buffer.from([0x80]), 0, 1, 1)).toBe(false)
    expect(holdsRecords(Buffer.from([1]), 0, 1, 1)).toBe(false)
    expect(holdsRecords(Buffer.alloc(9, 0xff), 0, 9, 1)).toBe(false)
  })
})

describe('a compressed message of magic 0 and 1', () => {
  const message = (offset: number) => ({ offset, timestamp: 9, key: null, value: Buffer.from(`v${offset}`) })
  const inner = buildLegacyBatch([message(0), message(1)], { magic: 1, codec: 'none', timestampType: 'CreateTime' })
  const wrap = (offset: number, value: Buffer | null, magic: 0 | 1 = 1) =>
    buildLegacyMessage({ offset, timestamp: 9, key: null, value }, { magic, codec: 'gzip', timestampType: 'CreateTime' })
  const offsets = (bytes: Buffer) => [...records(bytes)].map(({ offset }) => offset)

  test('counts its offsets back from its own; 0 means from 0', () => {
    expect(offsets(wrap(11, compress('gzip', inner)))).toEqual([10, 11])
    expect(offsets(wrap(0, compress('gzip', inner)))).toEqual([0, 1])
    expect(offsets(wrap(50, compress('gzip', inner), 0))).toEqual([0, 1])
  })

  test('leaves out a message that is torn at the end', () => {
    expect(offsets(wrap(5, compress('gzip', inner.subarray(0, inner.length - 1))))).toEqual([5])
  })

  test.each([
    ['an offset before its messages', wrap(-1, compress('gzip', inner)), 'is less than the one of the last message inside'],
    ['no value', wrap(1, null), 'null value'],
    ['nothing inside', wrap(1, compress('gzip', Buffer.alloc(5))), 'no messages inside'],
    ['a compressed message inside', wrap(1, compress('gzip', wrap(1, compress('gzip', inner)))), 'must not be compressed'],
    ['a size that cannot be', wrap(1, compress('gzip', Buffer.alloc(30))), 'a message has 12 bytes'],
  ])('is refused with %s', (_name, bytes, reason) => {
    expect(() => offsets(bytes)).toThrow(reason)
  })
})

test('down-conversion drops headers, control batches and what comes before the asked offset', () => {
  const data = buildBatch([{ value: 'a', headers: [{ key: 'h', value: 'x' }] }, { value: 'b' }, { value: 'c' }], { baseOffset: 10 })
  const marker = buildMarker({ type: 'abort', coordinatorEpoch: 4 }, { timestamp: 1, producerId: 2, producerEpoch: 3, baseOffset: 13 })
  const { records: converted, convertedCount } = downConvert(Buffer.concat([data, marker]), 1, 11)
  expect(convertedCount).toBe(2)
  expect(describeRecords(converted)).toBe(
    '[1 none 11 CreateTime -1 -1 false false (11 -1 -1 null 62)][1 none 12 CreateTime -1 -1 false false (12 -1 -1 null 63)]',
  )
})

test('down-conversion ends before the batch that would take it over its limit, but for the first', () => {
  const batch = (baseOffset: number) => buildBatch([{ value: Buffer.alloc(5000, 'x') }], { baseOffset, codec: 'gzip' })
  const bytes = Buffer.concat([batch(0), batch(1), batch(2)])
  const converted = (limitBytes: number) => downConvert(bytes, 1, 0, limitBytes).convertedCount
  const decompressedBytes = 5009
  const compressedBytes = downConvert(batch(0), 1, 0).records.length
  expect(converted(1_000_000)).toBe(3)
  expect(converted(decompressedBytes + compressedBytes)).toBe(2)
  expect(converted(decompressedBytes + compressedBytes - 1)).toBe(1)
  expect(() => converted(4000)).toThrow('more than 4000 bytes when decompressed')
})

test('control records of a later kind are told apart from markers', () => {
  const control = (key: string) =>
    controlRecordOf(buildBatch([{ key: Buffer.from(key, 'hex'), value: Buffer.alloc(6) }], { isControl: true }))
  expect(control('00000001')).toEqual({ type: 'commit', coordinatorEpoch: 0 })
  expect(control('00000007')).toEqual({ type: 'other', id: 7 })
  expect(() => control('0000')).toThrow('a key of 4 bytes')
  expect(controlRecordOf(buildBatch([{ value: 'data' }]))).toBeUndefined()
})

describe('in a thread', () => {
  const pool = new WorkerPool({ size: 1 })
  afterAll(() => pool.close())
  const rules: AppendRules = {
    topicPartition: 't-0',
    origin: 'client',
    magic: 2,
    compressionType: 'uncompressed',
    timestampType: 'CreateTime',
    timestampDifferenceMaxMs: 2 ** 63,
    isCompacted: true,
    maxMessageBytes: 1_000_000,
    nowMs: 1,
  }

  test('records are prepared, and the input is left alone', async () => {
    const bytes = buildBatch([{ key: 'k', value: 'v', timestamp: 2n ** 60n }], { codec: 'zstd' })
    const before = Buffer.from(bytes)
    const result = assignOffsets(await prepareAppendIn(pool, bytes, rules), 44, 3)
    expect(bytes.equals(before)).toBe(true)
    expect(describeRecords(result.records)).toBe(
      '[2 none 44 -1 -1 -1 1 44 CreateTime 1152921504606846976 3 false false (44 1152921504606846976 -1 6b 76)]',
    )
  })

  test('refusals are KafkaErrors here too', async () => {
    const bytes = buildBatch([{ value: 'no key' }])
    const refused = (await prepareAppendIn(pool, bytes, rules).catch((error: unknown) => error)) as RecordValidationError
    expect([refused.constructor.name, refused.error, refused.code, refused.recordErrors.length]).toEqual([
      'RecordValidationError',
      'INVALID_RECORD',
      87,
      1,
    ])
    await expect(prepareAppendIn(pool, bytes, { ...rules, maxMessageBytes: 1 })).rejects.toMatchObject({
      error: 'MESSAGE_TOO_LARGE',
      code: 10,
    })
  })

  test('batches are read', async () => {
    const bytes = buildBatch([{ key: 'k', value: 'v', headers: [{ key: 'h', value: 'x' }] }], { codec: 'gzip' })
    expect(await recordsIn(pool, bytes, 1000)).toEqual([...records(bytes)])
    await expect(recordsIn(pool, bytes, 3)).rejects.toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  })
})
