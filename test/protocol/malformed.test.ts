import { describe, expect, test } from 'vitest'
import { apis, fetch, leaderAndIsr, listGroups, metadata, produce } from '../../src/protocol/api/index.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { type Api, decodeRequest, decodeResponse, encodeRequest, encodeResponse, isFlexible } from '../../src/protocol/schema.ts'
import { randomValue } from './support/random-message.ts'
import { Random } from '../support/random.ts'

type Message = { api: Api; side: 'request' | 'response'; version: number; bytes: Buffer }
const decode = ({ api, side, version }: Message, bytes: Buffer): unknown =>
  side === 'request' ? decodeRequest(api, version, bytes) : decodeResponse(api, version, bytes)

/** undefined when the bytes are a message after all. */
const refusal = (message: Message, bytes: Buffer): KafkaError | undefined => {
  try {
    decode(message, bytes)
  } catch (error) {
    if (error instanceof KafkaError && error.error === 'INVALID_REQUEST') return error
    throw error
  }
}

/** One message of each API and version with something in it, at most 2,000 bytes long. */
const messages = (seed: number): Message[] => {
  const random = new Random(seed)
  const encoded = (api: Api, side: Message['side'], version: number): Buffer => {
    const value = randomValue(api[side], { version, flexible: isFlexible(api, version), unknownTags: true }, random)
    return side === 'request' ? encodeRequest(api, version, value as never) : encodeResponse(api, version, value as never)
  }
  const all: Message[] = []
  for (const api of apis) {
    for (const side of ['request', 'response'] as const) {
      for (let version = 0; version <= api.maxVersion; version++) {
        const tries = Array.from({ length: 6 }, () => encoded(api, side, version)).filter((bytes) => bytes.length <= 2_000)
        const bytes = tries.reduce((longest, next) => (next.length > longest.length ? next : longest), tries[0] ?? Buffer.alloc(0))
        if (bytes.length > 0) all.push({ api, side, version, bytes })
      }
    }
  }
  return all
}

describe('malformed bytes', () => {
  test('that end too early are always refused, with the path where they end', () => {
    let refused = 0
    for (const message of messages(1)) {
      const step = Math.max(1, Math.floor(message.bytes.length / 150))
      for (let length = 0; length < message.bytes.length; length += step) {
        const error = refusal(message, message.bytes.subarray(0, length))
        expect(error?.message, `${message.api.name} cut at ${length}`).toMatch(/^\w+ (request|response) v\d+: \w[\w /]*: /)
        refused++
      }
    }
    expect(refused).toBeGreaterThan(20_000)
  })

  test('with flipped bits are a message or refused, never a crash', () => {
    const random = new Random(2)
    let refused = 0
    for (const message of messages(2)) {
      for (let flips = 0; flips < 60; flips++) {
        const bytes = Buffer.from(message.bytes)
        for (let flip = 0; flip <= flips % 4; flip++) bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
        if (refusal(message, bytes)) refused++
      }
    }
    expect(refused).toBeGreaterThan(1_000)
  })

  test('with lengths that nobody could have sent are a message or refused, and soon', () => {
    const random = new Random(3)
    const lengths = ['7fffffff', '7ffffffe', '80000000', 'fffffffe', 'ffffffff0f', 'ffffffff7f', 'ffffffffffffffffffff', '7fff', '8000']
    let refused = 0
    const startMs = performance.now()
    for (const message of messages(3)) {
      for (let tries = 0; tries < 60; tries++) {
        const bytes = Buffer.from(message.bytes)
        Buffer.from(random.pick(lengths), 'hex').copy(bytes, random.below(bytes.length))
        if (refusal(message, bytes)) refused++
      }
    }
    expect(refused).toBeGreaterThan(1_000)
    expect(performance.now() - startMs).toBeLessThan(20_000)
  })
})

describe('a length', () => {
  const request = (api: Api, version: number, hex: string): string | undefined =>
    refusal({ api, side: 'request', version, bytes: Buffer.alloc(0) }, Buffer.from(hex.replaceAll(' ', ''), 'hex'))?.message

  test('of an array is held against the bytes that its elements take at least', () => {
    expect(request(metadata, 1, '7fffffff 0001 61')).toBe('Metadata request v1: topics: announces 2147483647 elements, 3 bytes are left')
    expect(request(metadata, 9, 'ffffffff07 026100')).toBe('Metadata request v9: topics: announces 2147483646 elements, 3 bytes are left')
    expect(request(leaderAndIsr, 2, '00000000 00000000 0000000000000000 00000001 0001 61 00000064 00')).toBe(
      'LeaderAndIsr request v2: topicStates/0/partitionStates: announces 100 elements, 1 bytes are left',
    )
  })

  test('of a string or of bytes is held against the bytes that are left', () => {
    expect(request(metadata, 1, '00000001 7fff 61')).toBe('Metadata request v1: topics/0/name: needs 32767 bytes, 1 are left')
    expect(request(metadata, 9, '02 ffffffff07 61')).toBe(
      'Metadata request v9: topics/0/name: a string of 2147483646 bytes, the most is 32767',
    )
    expect(request(produce, 0, '0001 00000000 00000001 0001 61 00000001 00000000 7fffffff 00')).toBe(
      'Produce request v0: topics/0/partitions/0/records: needs 2147483647 bytes, 1 are left',
    )
  })

  test('of a tagged field, and their count, too', () => {
    expect(request(metadata, 9, '01 00 00 00 ffffffff07')).toBe('Metadata request v9: tagged fields: needs 1 bytes, 0 are left')
    expect(request(metadata, 9, '01 00 00 00 01 05 ffffffff07 00')).toBe(
      'Metadata request v9: tagged fields: needs 2147483647 bytes, 1 are left',
    )
  })

  test('as a varint has at most five bytes', () => {
    expect(request(metadata, 9, 'ffffffffffff')).toBe('Metadata request v9: topics: a varint has more than 5 bytes')
  })

  test('of -1 is refused where null is not allowed', () => {
    expect(request(metadata, 0, 'ffffffff')).toBe('Metadata request v0: topics: is null')
    expect(request(metadata, 9, '02 00 00')).toBe('Metadata request v9: topics/0/name: is null')
    expect(request(fetch, 0, 'ffffffff 00000000 00000000 00000001 ffff 00000000')).toBe('Fetch request v0: topics/0/name: is null')
  })

  test('of all arrays together is bounded, because small elements take much memory', () => {
    const bytes = encodeRequest(listGroups, 4, { statesFilter: Array<string>(4_000_001).fill('') })
    const error = refusal({ api: listGroups, side: 'request', version: 4, bytes }, bytes)
    expect(error?.message).toBe('ListGroups request v4: statesFilter: the message has more than 4000000 elements; split it')
  })

  test('costs no memory before its bytes are there', () => {
    const bytes = Buffer.from('7fffffff00', 'hex')
    const before = process.memoryUsage()
    for (let i = 0; i < 10_000; i++) refusal({ api: metadata, side: 'request', version: 1, bytes }, bytes)
    const after = process.memoryUsage()
    expect(after.rss - before.rss).toBeLessThan(100_000_000)
  })
})
