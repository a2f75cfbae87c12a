import { beforeAll, describe, expect, test } from 'vitest'
import type { AppendRules } from '../../../src/protocol/records/append-rules.ts'
import { buildBatch, type BatchFields, type NewRecord } from '../../../src/protocol/records/build-batch.ts'
import { buildMarker, controlRecordOf } from '../../../src/protocol/records/control-record.ts'
import { downConvert } from '../../../src/protocol/records/down-convert.ts'
import { buildLegacyBatch } from '../../../src/protocol/records/legacy.ts'
import * as batch from '../../../src/protocol/records/record-batch.ts'
import { assignOffsets, needsDeepValidation, prepareAppend, type ValidatedAppend } from '../../../src/protocol/records/validate.ts'
import { lacks } from '../../support/needs.ts'
import { askApache, describeFailure, describeRecords } from './oracle.ts'
import { Random } from '../../support/random.ts'

const NOW = 1_600_000_000_000
const MAX_LONG = 2n ** 63n - 1n
const hex = (bytes: Buffer): string => bytes.toString('hex')

type Sample = { magic: batch.Magic; codec: batch.Codec; records: Required<NewRecord>[]; fields: BatchFields }

const anyBytes = (random: Random, most: number): Buffer => {
  const isCompressible = random.next() < 0.5
  return Buffer.from(Array.from({ length: random.below(most + 1) }, () => (isCompressible ? 97 + random.below(2) : random.below(256))))
}

const sampleRecord = (random: Random, magic: batch.Magic, offset: number): Required<NewRecord> => ({
  offset,
  timestamp:
    magic === 0
      ? -1
      : random.pick([-1, 0, NOW, NOW - random.below(100_000), NOW + random.below(100_000), MAX_LONG - BigInt(random.below(5))]),
  key: random.next() < 0.3 ? null : anyBytes(random, 20),
  value: random.next() < 0.2 ? null : anyBytes(random, random.next() < 0.1 ? 3000 : 60),
  headers:
    magic < 2 || random.next() < 0.6
      ? []
      : [{ key: random.pick(['', 'h', 'ключ', 'a'.repeat(200)]), value: random.pick([null, anyBytes(random, 10)]) }],
})

const sample = (random: Random, options: { hasGaps?: boolean; magic?: batch.Magic } = {}): Sample => {
  const magic = options.magic ?? random.pick([0, 1, 2, 2] as const)
  const codec = random.pick(magic === 2 ? batch.CODECS : batch.CODECS.slice(0, 4))
  const baseOffset = options.hasGaps ? random.pick([0, 5, 2 ** 40]) : 0
  let offset = baseOffset
  const records = Array.from({ length: 1 + random.below(random.next() < 0.1 ? 300 : 8) }, () => {
    const record = sampleRecord(random, magic, offset)
    offset += 1 + (options.hasGaps && random.next() < 0.3 ? random.below(1000) : 0)
    return record
  })
  const hasProducer = magic === 2 && random.next() < 0.4
  const producer = hasProducer
    ? { producerId: 7_000_000_000, producerEpoch: 3, baseSequence: random.pick([0, 2_147_483_646]), isTransactional: random.next() < 0.5 }
    : {}
  return { magic, codec, records, fields: { baseOffset, ...producer, partitionLeaderEpoch: magic === 2 ? random.pick([-1, 9]) : -1 } }
}

const build = ({ magic, codec, records, fields }: Sample, logAppendTimeMs?: number): Buffer => {
  const stamp = logAppendTimeMs === undefined ? {} : { logAppendTimeMs }
  if (magic === 2) return buildBatch(records, { ...fields, ...stamp, codec })
  const legacy = records.map((record) => ({ ...record, key: record.key as Buffer | null, value: record.value as Buffer | null }))
  return buildLegacyBatch(legacy, { magic, codec, timestampType: logAppendTimeMs === undefined ? 'CreateTime' : 'LogAppendTime', ...stamp })
}

const buildCommand = ({ magic, codec, records, fields }: Sample, logAppendTimeMs?: number): string => {
  const type = logAppendTimeMs === undefined ? 'CreateTime' : 'LogAppendTime'
  const producer = [fields.producerId ?? -1, fields.producerEpoch ?? -1, fields.baseSequence ?? -1, fields.isTransactional ?? false, false]
  const lines = records.map((r) => {
    const headers = r.headers
      .map(({ key, value }) => `${hex(Buffer.from(key))}=${value === null ? 'null' : hex(value as Buffer)}`)
      .join(',')
    return [r.offset, r.timestamp, ...[r.key, r.value].map((b) => (b === null ? 'null' : hex(b as Buffer))), headers].join(':')
  })
  return ['build', magic, codec, type, fields.baseOffset, logAppendTimeMs ?? -1, ...producer, fields.partitionLeaderEpoch, ...lines].join(
    ' ',
  )
}

/** What a client may get wrong, with a checksum that holds. */
const TAMPERING: Record<string, (b: Buffer) => void> = {
  'log-append time': (b) => void (b[batch.isLegacy(b) ? 17 : 22]! |= 8),
  control: (b) => void (batch.isLegacy(b) || (b[22]! |= 32)),
  'one record more': (b) => void (batch.isLegacy(b) || b.writeInt32BE(b.readInt32BE(57) + 1, 57)),
  'no records': (b) => void (batch.isLegacy(b) || b.writeInt32BE(0, 57)),
  'negative last offset': (b) => void (batch.isLegacy(b) || b.writeInt32BE(-2, 23)),
  'no sequence': (b) => void (batch.isLegacy(b) || (batch.writeInt64(b, 5, 43), b.writeInt32BE(-1, 53))),
  'count and offsets one more': (b) =>
    void (batch.isLegacy(b) || (b.writeInt32BE(b.readInt32BE(57) + 1, 57), b.writeInt32BE(b.readInt32BE(23) + 1, 23))),
  'offsets as if without gaps': (b) => void (batch.isLegacy(b) || b.writeInt32BE(b.readInt32BE(57) - 1, 23)),
}

type ValidateCase = { name: string; input: Buffer; rules: AppendRules; offset: number }

const validateCase = (random: Random): ValidateCase => {
  const origin = random.next() < 0.9 ? 'client' : 'coordinator'
  const hasGaps = origin === 'client' && random.next() < 0.15
  const made = sample(random, { hasGaps })
  made.fields.baseOffset = 0
  for (const record of made.records) record.offset = hasGaps ? record.offset % 2 ** 20 : record.offset
  if (hasGaps) made.records.sort((a, b) => a.offset - b.offset).forEach((record, index) => (record.offset += index))
  if (hasGaps && made.magic === 2) made.records[0]!.offset = 0
  let input = build(made)
  const tampering = origin === 'client' && random.next() < 0.3 ? random.pick(Object.keys(TAMPERING)) : 'nothing'
  for (const b of batch.batches(input)) {
    TAMPERING[tampering]?.(b)
    batch.writeCrc(b)
  }
  if (random.next() < 0.05) input = Buffer.concat([input, build(sample(random, { magic: random.pick([0, 1, 2] as const) }))])
  const rules: AppendRules = {
    topicPartition: 't-0',
    origin,
    magic: random.pick([0, 1, 2, 2, 2] as const),
    compressionType: random.pick(['producer', 'producer', 'producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'] as const),
    timestampType: random.pick(['CreateTime', 'CreateTime', 'LogAppendTime'] as const),
    timestampDifferenceMaxMs: random.pick([2 ** 63, 2 ** 63, 50_000]),
    isCompacted: random.next() < 0.2,
    maxMessageBytes: 10_000_000,
    nowMs: NOW,
  }
  return {
    name: `${made.magic} ${made.codec} ${tampering} ${JSON.stringify(rules)}`,
    input,
    rules,
    offset: random.pick([0, 1, 12_345, 2 ** 45]),
  }
}

const validateCommand = ({ input, rules: r, offset }: ValidateCase): string => {
  const difference = r.timestampDifferenceMaxMs >= 2 ** 63 ? MAX_LONG : r.timestampDifferenceMaxMs
  return [
    'validate',
    r.magic,
    r.compressionType,
    r.isCompacted,
    r.timestampType,
    difference,
    r.nowMs,
    offset,
    6,
    r.origin,
    hex(input),
  ].join(' ')
}

const validateOurs = ({ input, rules, offset }: ValidateCase): string => {
  let result: ValidatedAppend
  try {
    result = assignOffsets(prepareAppend(Buffer.from(input), rules), offset, 6)
  } catch (error) {
    return describeFailure(error)
  }
  try {
    return `ok ${result.maxTimestamp} ${describeRecords(result.records)}`
  } catch (error) {
    return `ok unreadable ${describeFailure(error)}`
  }
}

describe.skipIf(lacks('java', 'maven'))('Apache Kafka 2.6.3 and we agree', () => {
  const random = new Random(20_201_121)
  const samples = Array.from({ length: 150 }, (_, n) => ({
    made: sample(random, { hasGaps: n % 3 === 0 }),
    stamp: n % 5 === 0 ? NOW : undefined,
  }))
  const markers = (['COMMIT', 'ABORT'] as const).map((type, n) => ({
    type,
    offset: 77 + n,
    producerId: 2 ** 40 + n,
    epoch: 4 + n,
    coordinatorEpoch: 8 + n,
  }))
  const downs = Array.from({ length: 120 }, (_, n) => {
    const parts = Array.from({ length: 1 + random.below(3) }, () => sample(random, { hasGaps: n % 2 === 0 })).filter(
      ({ codec }) => n % 10 === 0 || codec !== 'zstd',
    )
    const bytes = Buffer.concat([
      ...parts.map((part) => build(part, n % 4 === 0 ? NOW : undefined)),
      buildMarker({ type: 'commit', coordinatorEpoch: 1 }, { timestamp: 1, producerId: 2, producerEpoch: 3 }),
    ])
    return { bytes, toMagic: random.pick([0, 1] as const), firstOffset: random.pick([0, 0, 3, 500]) }
  })
  const validations = Array.from({ length: 900 }, () => validateCase(random))
  let answers: string[]
  const take = (count: number): string[] => answers.splice(0, count)
  let built: string[]
  let read: string[]
  let markerAnswers: string[]
  let downAnswers: string[]
  let validateAnswers: string[]

  beforeAll(async () => {
    answers = await askApache([
      ...samples.map(({ made, stamp }) => buildCommand(made, stamp)),
      ...samples.map(({ made, stamp }) => `read ${hex(build(made, stamp))}`),
      ...markers.map((m) => `marker ${m.offset} ${NOW} 5 ${m.producerId} ${m.epoch} ${m.type} ${m.coordinatorEpoch}`),
      ...downs.map(({ bytes, toMagic, firstOffset }) => `down ${toMagic} ${firstOffset} ${hex(bytes)}`),
      ...validations.map(validateCommand),
    ])
    built = take(samples.length)
    read = take(samples.length)
    markerAnswers = take(markers.length)
    downAnswers = take(downs.length)
    validateAnswers = take(validations.length)
  })

  test('on the bytes of an uncompressed batch of any magic', () => {
    const ours = samples.map(({ made, stamp }) => hex(build(made, stamp)))
    const isPlain = (_: string, n: number) => samples[n]!.made.codec === 'none'
    expect(ours.filter(isPlain).length).toBeGreaterThan(20)
    expect(ours.filter(isPlain)).toEqual(built.filter(isPlain))
  })

  test('on what a batch of any magic and codec says, in both directions', () => {
    expect(built.filter((answer) => answer.startsWith('error'))).toEqual([])
    expect(samples.map(({ made, stamp }) => describeRecords(build(made, stamp)))).toEqual(read)
    expect(built.map((theirs) => describeRecords(Buffer.from(theirs, 'hex')))).toEqual(read)
  })

  test('on the bytes of transaction markers', () => {
    const ours = markers.map((m) =>
      buildMarker(
        { type: m.type === 'COMMIT' ? 'commit' : 'abort', coordinatorEpoch: m.coordinatorEpoch },
        { timestamp: NOW, producerId: m.producerId, producerEpoch: m.epoch, baseOffset: m.offset, partitionLeaderEpoch: 5 },
      ),
    )
    expect(ours.map(hex)).toEqual(markerAnswers)
    expect(controlRecordOf(ours[0]!)).toEqual({ type: 'commit', coordinatorEpoch: 8 })
  })

  test('on down-conversion to magic 0 and 1', () => {
    const describeDown = (bytes: Buffer): string => describeRecords(bytes)
    downs.forEach(({ bytes, toMagic, firstOffset }, n) => {
      const theirs = downAnswers[n]!
      let ours: string
      try {
        ours = describeDown(downConvert(bytes, toMagic, firstOffset).records)
      } catch (error) {
        ours = describeFailure(error)
      }
      expect(ours, `case ${n}`).toBe(theirs.startsWith('error') ? theirs.split(' #')[0] : describeDown(Buffer.from(theirs, 'hex')))
    })
    expect(downAnswers.filter((answer) => answer.startsWith('error')).length).toBeGreaterThan(0)
    expect(downAnswers.filter((answer) => answer.startsWith('error')).length).toBeLessThan(40)
  })

  test('on what is appended and what is refused', () => {
    const outcomes = new Map<string, number>()
    const count = (kind: string) => outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1)
    const differences: unknown[] = []
    validations.forEach((one, n) => {
      const [theirs, reason = ''] = validateAnswers[n]!.split(' # ') as [string, string?]
      const ours = validateOurs(one)
      count(theirs.split(' ', theirs.startsWith('ok') ? 1 : 2).join(' '))
      if (ours === theirs) return
      expect(ours).not.toContain('not a KafkaError')
      const known = knownDifference(one, ours, theirs, reason)
      if (known) count(known)
      else differences.push({ n, name: one.name, ours: ours.slice(0, 300), theirs: validateAnswers[n]!.slice(0, 300) })
    })
    expect(differences).toEqual([])
    const errors = ['INVALID_RECORD', 'INVALID_TIMESTAMP', 'UNSUPPORTED_FOR_MESSAGE_FORMAT', 'UNKNOWN_SERVER_ERROR'].map(
      (name) => `error ${name}`,
    )
    expect([...outcomes.keys()]).toEqual(expect.arrayContaining(['ok', ...errors, 'told more clearly', 'opaque']))
    expect(outcomes.get('ok')).toBeGreaterThan(300)
    expect(outcomes.get('opaque')).toBeLessThan(40)
  })
})

/** docs/not-done/records.md says these to the user. */
const knownDifference = (one: ValidateCase, ours: string, theirs: string, reason: string): string | undefined => {
  const { input, rules } = one
  if (theirs.startsWith('error') && ours.startsWith('error')) {
    const isToOlderFormat = rules.magic < 2 && batch.magicOf(input) === 2
    if (theirs.includes('UNKNOWN_SERVER_ERROR') || isToOlderFormat) return 'told more clearly'
    return [...batch.batches(input)].length > 1 ? 'header told before record' : undefined
  }
  if (!ours.startsWith('ok') || batch.magicOf(input) !== 2 || !batch.isCompressed(input)) return undefined
  const isMisnumbered = reason.includes('is skipped in PartialDefaultRecord')
  if (needsDeepValidation(input, rules)) return isMisnumbered ? 'numbered anew' : undefined
  return isMisnumbered || theirs.includes('INVALID_RECORD') ? 'opaque' : undefined
}
