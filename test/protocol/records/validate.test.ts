import { describe, expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { magicOfFormatVersion, RecordValidationError, type AppendRules } from '../../../src/protocol/records/append-rules.ts'
import { buildBatch } from '../../../src/protocol/records/build-batch.ts'
import { checkProduceVersion } from '../../../src/protocol/records/check-batch.ts'
import { buildMarker } from '../../../src/protocol/records/control-record.ts'
import { compress } from '../../../src/protocol/records/compression.ts'
import { buildLegacyBatch, buildLegacyMessage, type LegacyMagic } from '../../../src/protocol/records/legacy.ts'
import * as b from '../../../src/protocol/records/record-batch.ts'
import { records } from '../../../src/protocol/records/record.ts'
import { needsDeepValidation, validateAppend } from '../../../src/protocol/records/validate.ts'
import { Random } from '../../support/random.ts'

const NOW = 1_600_000_000_000
const RULES: AppendRules = {
  topicPartition: 'orders-3',
  origin: 'client',
  magic: 2,
  compressionType: 'producer',
  timestampType: 'CreateTime',
  timestampDifferenceMaxMs: 2 ** 63,
  isCompacted: false,
  maxMessageBytes: 1_048_588,
  nowMs: NOW,
}
const three = [
  { key: 'a', value: '1', timestamp: NOW },
  { key: 'b', value: '2', timestamp: NOW + 5 },
  { key: 'c', value: '3', timestamp: NOW + 2 },
]
const append = (bytes: Buffer, rules: Partial<AppendRules> = {}) => validateAppend(bytes, { ...RULES, ...rules }, 1000, 7)
const refusal = (bytes: Buffer, rules: Partial<AppendRules> = {}): KafkaError => {
  try {
    append(bytes, rules)
  } catch (error) {
    if (error instanceof KafkaError) return error
    throw error
  }
  throw new Error('it was not refused')
}
/** With a checksum that holds. */
const changed = (bytes: Buffer, change: (bytes: Buffer) => void): Buffer => {
  change(bytes)
  b.writeCrc(bytes)
  return bytes
}
const legacy = (magic: LegacyMagic, codec: b.Codec = 'none', offsets = [0, 1]) =>
  buildLegacyBatch(
    offsets.map((offset) => ({ offset, timestamp: NOW + offset, key: Buffer.from(`k${offset}`), value: Buffer.from('v') })),
    { magic, codec, timestampType: 'CreateTime' },
  )

describe('a batch that needs no change', () => {
  test('stays the same memory, with offset and leader epoch in place', () => {
    const bytes = buildBatch(three)
    const result = append(bytes)
    expect(result.records.buffer).toBe(bytes.buffer)
    expect(result).toMatchObject({
      firstOffset: 1000,
      lastOffset: 1002,
      messageCount: 3,
      maxTimestamp: NOW + 5,
      offsetOfMaxTimestamp: 1002,
      isRebuilt: false,
    })
    expect([b.baseOffsetOf(bytes), b.partitionLeaderEpochOf(bytes), b.hasValidCrc(bytes)]).toEqual([1000, 7, true])
  })

  test('is not decompressed', () => {
    const bytes = changed(buildBatch(three, { codec: 'zstd' }), (batch) => batch.fill(0xee, 61))
    expect(needsDeepValidation(bytes, RULES)).toBe(false)
    expect(append(bytes).lastOffset).toBe(1002)
  })

  test('loses an incomplete batch behind it', () => {
    const bytes = Buffer.concat([buildBatch(three), buildBatch(three).subarray(0, 70)])
    expect(append(bytes).records.length).toBe(b.batchSizeOf(bytes))
  })
})

describe('a client is refused', () => {
  const batch = () => buildBatch(three)
  const cases: [string, Buffer, b.Magic | undefined, string, RegExp][] = [
    ['no batch at all', Buffer.alloc(0), 2, 'INVALID_RECORD', /no batches at all/],
    ['two batches of magic 2', Buffer.concat([batch(), batch()]), 2, 'INVALID_RECORD', /more than one batch/],
    ['two compressed messages', Buffer.concat([legacy(1, 'gzip'), legacy(1, 'gzip')]), 2, 'INVALID_RECORD', /more than one batch/],
    [
      'mixed magics',
      Buffer.concat([legacy(1), legacy(0)]),
      2,
      'INVALID_RECORD',
      /Batch magic 0 is not the same as the first batch's magic byte 1/,
    ],
    ['an offset of its own', buildBatch(three, { baseOffset: 5 }), 2, 'INVALID_RECORD', /should be 0, but it is 5$/],
    [
      'an offset beyond 2^53',
      changed(batch(), (x) => b.writeInt64(x, 2n ** 62n, 0)),
      2,
      'INVALID_RECORD',
      /but it is 4611686018427387904$/,
    ],
    ['a wrong checksum', Buffer.from(batch().fill(9, 62, 63)), 2, 'CORRUPT_MESSAGE', /stored crc = \d+/],
    ['a negative offset range', changed(batch(), (x) => x.writeInt32BE(-1, 23)), 2, 'INVALID_RECORD', /invalid offset range/],
    ['a count of 0', changed(batch(), (x) => x.writeInt32BE(0, 57)), 2, 'INVALID_RECORD', /Invalid reported count for record batch: 0/],
    [
      'a count that its offsets do not have',
      changed(batch(), (x) => x.writeInt32BE(2, 57)),
      2,
      'INVALID_RECORD',
      /Inconsistent batch offset range \[0, 2\] and count of records 2/,
    ],
    [
      'a count that its bytes do not have',
      changed(batch(), (x) => (x.writeInt32BE(3, 23), x.writeInt32BE(4, 57))),
      2,
      'INVALID_RECORD',
      /not 4 records/,
    ],
    [
      'bytes after its records',
      changed(Buffer.concat([batch(), Buffer.alloc(3)]), (x) => x.writeInt32BE(x.length - 12, 8)),
      2,
      'INVALID_RECORD',
      /not 3 records/,
    ],
    [
      'control records',
      buildMarker({ type: 'abort', coordinatorEpoch: 1 }, { timestamp: 1, producerId: 2, producerEpoch: 3 }),
      2,
      'INVALID_RECORD',
      /not allowed to write control records/,
    ],
    [
      'a producer id without a sequence',
      buildBatch(three, { producerId: 9, producerEpoch: 0 }),
      2,
      'INVALID_RECORD',
      /Invalid sequence number -1 in record batch with producerId 9/,
    ],
    [
      'transactions in format 1',
      buildBatch(three, { producerId: 9, producerEpoch: 0, baseSequence: 0, isTransactional: true }),
      1,
      'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      /Transactional/,
    ],
    [
      'idempotence in format 0',
      buildBatch(three, { producerId: 9, producerEpoch: 0, baseSequence: 0 }),
      0,
      'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      /Idempotent/,
    ],
    [
      'headers in format 1',
      buildBatch([{ value: 'x', headers: [{ key: 'h', value: 'v' }] }]),
      1,
      'UNSUPPORTED_FOR_MESSAGE_FORMAT',
      /does not support record headers/,
    ],
    ['a time that only the leader may give', buildBatch(three, { logAppendTimeMs: 5 }), 2, 'INVALID_TIMESTAMP', /due to invalid timestamp/],
    ['a codec that is none', changed(batch(), (x) => (x[22] = 5)), 2, 'UNSUPPORTED_COMPRESSION_TYPE', /unknown compression type id 5/],
  ]
  test.each(cases)('%s', (_name, bytes, magic, error, message) => {
    const refused = refusal(bytes, { magic: magic ?? 2 })
    expect(refused.error).toBe(error)
    expect(refused.message).toMatch(message)
  })

  test('a batch larger than the topic takes', () => {
    const bytes = buildBatch(three)
    expect(append(bytes, { maxMessageBytes: bytes.length }).lastOffset).toBe(1002)
    const refused = refusal(buildBatch(three), { maxMessageBytes: bytes.length - 1 })
    expect([refused.error, refused.message]).toEqual([
      'MESSAGE_TOO_LARGE',
      `The record batch size in the append to orders-3 is ${bytes.length} bytes which exceeds the maximum configured value of ${bytes.length - 1}.`,
    ])
  })

  test('a batch that becomes larger than the topic takes when it is decompressed', () => {
    const bytes = buildBatch([{ value: Buffer.alloc(10_000) }], { codec: 'gzip' })
    expect(refusal(bytes, { compressionType: 'uncompressed', maxMessageBytes: 5000 }).error).toBe('MESSAGE_TOO_LARGE')
  })

  test('records without a key in a compacted topic, each told', () => {
    for (const codec of b.CODECS) {
      const refused = refusal(buildBatch([{ value: 'x' }, { key: 'k', value: 'x' }, { value: 'x' }], { codec }), { isCompacted: true })
      expect(refused).toBeInstanceOf(RecordValidationError)
      expect([refused.error, refused.message]).toEqual(['INVALID_RECORD', 'One or more records have been rejected'])
      const message = 'Compacted topic cannot accept message without key in topic partition orders-3.'
      expect((refused as RecordValidationError).recordErrors).toEqual([0, 2].map((batchIndex) => ({ batchIndex, message })))
    }
  })

  test('records too far from now, each told; those without a time are let be', () => {
    const bytes = () =>
      buildBatch([{ timestamp: NOW - 1001 }, { timestamp: NOW - 1000 }, { timestamp: NOW + 1001 }, {}, { timestamp: 2n ** 63n - 1n }])
    const refused = refusal(bytes(), { timestampDifferenceMaxMs: 1000 }) as RecordValidationError
    expect([refused.error, refused.recordErrors.map(({ batchIndex }) => batchIndex)]).toEqual(['INVALID_TIMESTAMP', [0, 2, 4]])
    expect(refused.recordErrors[0]!.message).toBe(
      `Timestamp ${NOW - 1001} of message with offset 0 is out of range. The timestamp should be within [${NOW - 1000}, ${NOW + 1000}]`,
    )
    expect(append(bytes(), { timestampDifferenceMaxMs: 1000, timestampType: 'LogAppendTime' }).maxTimestamp).toBe(NOW)
    expect(append(bytes()).maxTimestamp).toBe(2n ** 63n - 1n)
  })

  test('records that are torn inside, where every record is read', () => {
    const bytes = changed(buildBatch(three), (x) => (x[61 + 4] = 0x7f))
    expect(refusal(bytes, { isCompacted: true }).error).toBe('INVALID_RECORD')
  })

  test('a compressed message with a wrong checksum or another magic inside', () => {
    const around = (inner: Buffer) =>
      buildLegacyMessage(
        { offset: 1, timestamp: NOW, key: null, value: compress('gzip', inner) },
        { magic: 1, codec: 'gzip', timestampType: 'CreateTime' },
      )
    expect(append(around(legacy(1)), { magic: 1 }).lastOffset).toBe(1001)
    const broken = legacy(1)
    broken[broken.length - 1]! ^= 1
    expect(refusal(around(broken), { magic: 1 }).error).toBe('CORRUPT_MESSAGE')
    const refused = refusal(around(legacy(0)), { magic: 1 }) as RecordValidationError
    expect([refused.error, refused.recordErrors[1]!.message]).toEqual([
      'INVALID_RECORD',
      'Record magic 0 does not match outer magic 1 in topic partition orders-3.',
    ])
  })
})

describe('a batch is changed', () => {
  test('to the time of the append', () => {
    const bytes = buildBatch(three)
    const result = append(bytes, { timestampType: 'LogAppendTime' })
    expect([b.timestampTypeOf(result.records), b.maxTimestampOf(result.records), b.hasValidCrc(result.records)]).toEqual([
      'LogAppendTime',
      NOW,
      true,
    ])
    expect([...records(result.records)].map(({ timestamp }) => timestamp)).toEqual([NOW, NOW, NOW])
    expect(result).toMatchObject({ maxTimestamp: NOW, offsetOfMaxTimestamp: 1002, isRebuilt: false })
  })

  test('to the codec of the topic, with everything else kept', () => {
    const fields = { producerId: 5, producerEpoch: 2, baseSequence: 10, isTransactional: true }
    for (const from of b.CODECS) {
      for (const to of ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
        const result = append(buildBatch(three, { ...fields, codec: from }), { compressionType: to })
        const bytes = result.records
        expect(b.codecOf(bytes)).toBe(to === 'uncompressed' ? 'none' : to)
        expect([b.producerIdOf(bytes), b.producerEpochOf(bytes), b.baseSequenceOf(bytes), b.isTransactional(bytes)]).toEqual([
          5,
          2,
          10,
          true,
        ])
        expect([...records(bytes)].map((r) => [r.offset, r.timestamp, String(r.key), String(r.value), r.sequence])).toEqual(
          three.map((r, n) => [1000 + n, r.timestamp, r.key, r.value, 10 + n]),
        )
        expect(result.isRebuilt).toBe(b.codecOf(bytes) !== from)
      }
    }
  })

  test('when a client misnumbered the records inside a compressed one that is read', () => {
    const gaps = three.map((record, n) => ({ ...record, offset: n * 10 }))
    const bytes = changed(buildBatch(gaps, { codec: 'gzip' }), (x) => x.writeInt32BE(2, 23))
    const result = append(bytes, { isCompacted: true })
    expect([...records(result.records)].map(({ offset }) => offset)).toEqual([1000, 1001, 1002])
  })

  test('from messages of magic 0 and 1 to one batch', () => {
    for (const magic of [0, 1] as const) {
      for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
        const result = append(legacy(magic, codec))
        expect([b.magicOf(result.records), b.codecOf(result.records), result.isRebuilt]).toEqual([2, codec, true])
        expect([...records(result.records)].map((r) => [r.offset, r.timestamp, String(r.key)])).toEqual(
          [0, 1].map((n) => [1000 + n, magic === 0 ? -1 : NOW + n, `k${n}`]),
        )
      }
    }
  })

  test('to messages of magic 0 and 1, compressed ones with their offsets where the format wants them', () => {
    for (const magic of [0, 1] as const) {
      for (const codec of ['none', 'gzip', 'snappy', 'lz4'] as const) {
        const result = append(buildBatch(three, { codec }), { magic })
        const batches = [...b.batches(result.records)]
        expect(batches.length).toBe(codec === 'none' ? 3 : 1)
        for (const batch of batches) b.validateCrc(batch)
        const read = batches.flatMap((batch) => [...records(batch)])
        expect(read.map((r) => [r.offset, String(r.key)])).toEqual(three.map((r, n) => [1000 + n, r.key]))
        expect(b.lastOffsetOf(batches.at(-1)!)).toBe(result.lastOffset)
      }
    }
  })
})

test('control batches of a coordinator stay uncompressed', () => {
  const marker = buildMarker({ type: 'commit', coordinatorEpoch: 1 }, { timestamp: NOW, producerId: 2, producerEpoch: 3 })
  const result = append(marker, { origin: 'coordinator', compressionType: 'gzip' })
  expect([b.codecOf(result.records), result.firstOffset, result.lastOffset]).toEqual(['none', 1000, 1000])
})

test('a Produce request carries what its version may', () => {
  const two = Buffer.concat([buildBatch(three), buildBatch(three)])
  expect(() => checkProduceVersion(legacy(1), 2)).not.toThrow()
  expect(() => checkProduceVersion(two, 2)).not.toThrow()
  expect(() => checkProduceVersion(Buffer.alloc(0), 3)).toThrow('must have at least one record batch')
  expect(() => checkProduceVersion(legacy(1), 3)).toThrow('only allowed to contain record batches with magic version 2')
  expect(() => checkProduceVersion(two, 8)).toThrow('exactly one record batch')
  const zstd = buildBatch(three, { codec: 'zstd' })
  expect(() => checkProduceVersion(zstd, 6)).toThrow('not allowed to use ZStandard compression')
  expect(() => checkProduceVersion(zstd, 7)).not.toThrow()
})

test('the message format follows message.format.version', () => {
  expect(['0.8.2', '0.9.0.1', '0.10.0', '0.10.2-IV0', '0.11.0', '1.0-IV0', '2.6-IV0'].map(magicOfFormatVersion)).toEqual([
    0, 0, 1, 1, 2, 2, 2,
  ])
})

test('whatever bytes a client sends, the answer is a KafkaError or records that can be read', () => {
  const random = new Random(42)
  const seeds = [
    ...b.CODECS.map((codec) => buildBatch([...three, { value: Buffer.alloc(200, 'x'), headers: [{ key: 'h', value: null }] }], { codec })),
    ...(['none', 'gzip', 'snappy', 'lz4'] as const).flatMap((codec) => [legacy(0, codec), legacy(1, codec)]),
  ]
  let accepted = 0
  for (let n = 0; n < 6000; n++) {
    const bytes = Buffer.from(random.pick(seeds))
    for (let flips = 1 + random.below(3); flips > 0; flips--)
      bytes[random.below(bytes.length)] = random.pick([0, 1, 0x7f, 0x80, 0xff, random.below(256)])
    const rules = {
      magic: random.pick([0, 1, 2, 2] as const),
      isCompacted: random.next() < 0.7,
      compressionType: random.pick(['producer', 'gzip'] as const),
      maxDecompressedBytes: 100_000,
    }
    try {
      if (b.completeBatchSizeAt(bytes, 0) === bytes.length) b.writeCrc(bytes)
      const result = append(bytes, rules)
      accepted++
      if (rules.isCompacted) for (const batch of b.batches(result.records)) expect([...records(batch)].length).toBeGreaterThan(0)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw new Error(`case ${n}: ${(error as Error).stack}`, { cause: error })
    }
  }
  expect(accepted).toBeGreaterThan(500)
})
