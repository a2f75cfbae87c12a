import { describe, expect, test } from 'vitest'
import {
  addOffsetsToTxn,
  apis,
  createTopics,
  fetch,
  heartbeat,
  joinGroup,
  listOffsets,
  metadata,
  produce,
} from '../../src/protocol/api/index.ts'
import { KafkaError } from '../../src/protocol/errors.ts'
import { requestFrame, responseFrame } from '../../src/protocol/header.ts'
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  inVersions,
  isSupported,
  parseVersions,
  unknownTaggedFields,
} from '../../src/protocol/schema.ts'

const thrown = (call: () => unknown): { name: string; error?: string; message: string } => {
  try {
    call()
  } catch (error) {
    const { name, message } = error as Error
    return error instanceof KafkaError ? { name, error: error.error, message } : { name, message }
  }
  throw new Error('nothing was thrown')
}

describe('a field that the version lacks', () => {
  test('is read as its default', () => {
    const request = decodeRequest(fetch, 2, encodeRequest(fetch, 2, { maxWait: 5 }))
    expect(request).toMatchObject({ maxWait: 5, maxBytes: 0x7fffffff, epoch: -1, forgotten: [], rackId: '' })
  })

  test('is refused with its path when it has another value than its default', () => {
    const topics = [{ name: 'a' }, { name: 'b', partitions: [{ partitionIndex: 0, timestamp: 1, maxNumOffsets: 3 }] }]
    expect(thrown(() => encodeRequest(listOffsets, 1, { topics }))).toEqual({
      name: 'KafkaError',
      error: 'UNSUPPORTED_VERSION',
      message: 'ListOffsets request v1: topics/1/partitions/0/maxNumOffsets: version 1 has no such field; leave it out',
    })
    expect(thrown(() => encodeRequest(heartbeat, 2, { groupInstanceId: 'x' })).error).toBe('UNSUPPORTED_VERSION')
  })

  test('is dropped when it may be ignored, or has its default', () => {
    expect(encodeRequest(fetch, 0, { maxBytes: 5, rackId: 'r', epoch: -1, forgotten: [] })).toEqual(encodeRequest(fetch, 0, {}))
    expect(encodeResponse(heartbeat, 0, { throttleTimeMs: 7 })).toEqual(Buffer.from([0, 0]))
  })

  test('has an array of its own when it is an array', () => {
    const bytes = encodeRequest(fetch, 0, {})
    decodeRequest(fetch, 0, bytes).forgotten.push({ name: 'x', forgottenPartitionIndexes: [] })
    expect(decodeRequest(fetch, 0, bytes).forgotten).toEqual([])
  })
})

describe('a value that is left out', () => {
  test('is written as the default of its field', () => {
    expect(decodeResponse(fetch, 11, encodeResponse(fetch, 11, { topics: [{ partitions: [{}] }] })).topics[0]!.partitions[0]).toEqual({
      partitionIndex: 0,
      errorCode: 0,
      highWatermark: 0,
      lastStableOffset: -1,
      logStartOffset: -1,
      aborted: null,
      preferredReadReplica: -1,
      records: Buffer.alloc(0),
    })
  })
})

describe('a value of the wrong kind', () => {
  test.each([
    ['null where the version has no null', () => encodeRequest(metadata, 0, { topics: null }), 'Metadata request v0: topics: is null'],
    [
      'a number beyond its type',
      () => encodeRequest(fetch, 0, { maxWait: 2 ** 31 }),
      'Fetch request v0: maxWait: 2147483648 is not an int32',
    ],
    ['a fraction', () => encodeRequest(fetch, 0, { minBytes: 0.5 }), 'Fetch request v0: minBytes: 0.5 is not an int32'],
    [
      'a number that is no exact int64',
      () => encodeRequest(addOffsetsToTxn, 0, { producerId: 2 ** 53 }),
      'AddOffsetsToTxn request v0: producerId: 9007199254740992 is not an exact int64',
    ],
    [
      'a bigint beyond int64',
      () => encodeRequest(addOffsetsToTxn, 0, { producerId: 2n ** 63n }),
      'AddOffsetsToTxn request v0: producerId: 9223372036854775808 is not an int64',
    ],
    [
      'a string of 32,768 bytes',
      () => encodeRequest(heartbeat, 4, { groupId: 'ä'.repeat(16_384) }),
      'Heartbeat request v4: groupId: a string of 32768 bytes, the most is 32767',
    ],
    [
      'a string for bytes',
      () => encodeRequest(joinGroup, 0, { protocols: [{ metadata: 'x' as never }] }),
      'JoinGroup request v0: protocols/0/metadata: string is not bytes',
    ],
    ['an object for an array', () => encodeRequest(fetch, 0, { topics: {} as never }), 'Fetch request v0: topics: object is not an array'],
    [
      'a hole in an array',
      () => encodeRequest(fetch, 0, { topics: [undefined as never] }),
      'Fetch request v0: topics/0: undefined is not an object',
    ],
  ])('%s is a TypeError with its path', (_what, call, message) => {
    expect(thrown(call)).toEqual({ name: 'TypeError', message })
  })
})

test('a version that the API does not have is UNSUPPORTED_VERSION, and says which there are', () => {
  const answer = { name: 'KafkaError', error: 'UNSUPPORTED_VERSION', message: 'Heartbeat has versions 0 to 4, not 5' }
  expect(thrown(() => decodeRequest(heartbeat, 5, Buffer.alloc(100)))).toEqual(answer)
  expect(thrown(() => encodeResponse(heartbeat, 5, {}))).toEqual(answer)
  expect(isSupported(heartbeat, 4)).toBe(true)
  expect(isSupported(heartbeat, -1)).toBe(false)
})

test('int64 is exact over its whole range: a number where it is safe, else a bigint', () => {
  const read = (producerId: number | bigint) =>
    decodeRequest(addOffsetsToTxn, 0, encodeRequest(addOffsetsToTxn, 0, { producerId })).producerId
  for (const value of [0, -1, 2 ** 32, -(2 ** 32), 2 ** 53 - 1, -(2 ** 53) + 1]) expect(read(value)).toBe(value)
  for (const value of [2n ** 53n, -(2n ** 53n), 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)]) expect(read(value)).toBe(value)
  expect(read(5n)).toBe(5)
})

describe('a tagged field', () => {
  const reply = (topicConfigErrorCode: number) => ({ topics: [{ name: 't', topicConfigErrorCode }] })

  test('takes no room at its default and comes back otherwise', () => {
    const plain = encodeResponse(createTopics, 5, reply(0))
    expect(encodeResponse(createTopics, 5, reply(29)).length).toBe(plain.length + 4)
    expect(decodeResponse(createTopics, 5, encodeResponse(createTopics, 5, reply(29))).topics[0]!.topicConfigErrorCode).toBe(29)
  })

  test('that says another size than it has is malformed', () => {
    const bytes = encodeResponse(createTopics, 5, reply(29))
    const sizeAt = bytes.lastIndexOf(Buffer.from([1, 0, 2, 0, 29])) + 2
    bytes[sizeAt] = 1
    expect(thrown(() => decodeResponse(createTopics, 5, bytes))).toEqual({
      name: 'KafkaError',
      error: 'INVALID_REQUEST',
      message: 'CreateTopics response v5: topics/0/tagged fields: tagged field 0 takes 2 bytes, announced were 1',
    })
  })

  test('that nobody knows is kept, and written again among the known ones in the order of tags', () => {
    const data = Buffer.from('later')
    const topic = { name: 't', topicConfigErrorCode: 3, [unknownTaggedFields]: [{ tag: 9, data }] }
    const bytes = encodeResponse(createTopics, 5, { topics: [topic] })
    const read = decodeResponse(createTopics, 5, bytes)
    expect(read.topics[0]).toMatchObject(topic)
    expect(encodeResponse(createTopics, 5, read)).toEqual(bytes)
    expect(bytes.subarray(-13)).toEqual(Buffer.concat([Buffer.from([2, 0, 2, 0, 3, 9, 5]), data, Buffer.from([0])]))
  })
})

describe('records', () => {
  const records = Buffer.alloc(5_000, 7)
  const topics = [
    {
      name: 't',
      partitions: [
        { partitionIndex: 0, records },
        { partitionIndex: 1, records: records.subarray(0, 10) },
      ],
    },
  ]

  test('go out by reference where they are large, and the rest around them', () => {
    const chunks = requestFrame(produce, 8, { correlationId: 1, clientId: null }, { topics })
    expect(chunks).toHaveLength(3)
    expect(chunks[1]).toBe(records)
    const request = encodeRequest(produce, 8, { topics })
    expect(Buffer.concat(chunks).subarray(-request.length)).toEqual(request)
    const reply = { topics: [{ partitions: [{ records }, { records }] }] }
    const answer = responseFrame(fetch, 11, 1, reply)
    expect(answer.filter((chunk) => chunk === records)).toHaveLength(2)
    const response = encodeResponse(fetch, 11, reply)
    expect(Buffer.concat(answer).subarray(-response.length)).toEqual(response)
  })

  test('are read as views of the message, other bytes as copies', () => {
    const bytes = encodeRequest(produce, 8, { topics })
    const read = decodeRequest(produce, 8, bytes).topics[0]!.partitions[0]!.records
    expect(read).toEqual(records)
    expect(read.buffer).toBe(bytes.buffer)
    bytes.fill(0)
    expect(read[0]).toBe(0)
    const join = encodeRequest(joinGroup, 5, { protocols: [{ name: 'range', metadata: Buffer.from('abc') }] })
    const { metadata: own } = decodeRequest(joinGroup, 5, join).protocols[0]!
    join.fill(0)
    expect(own.toString()).toBe('abc')
  })
})

test('a message that makes its buffer grow at any byte is written whole', () => {
  for (let length = 0; length < 600; length++) {
    const request = { groupId: 'g'.repeat(length), memberId: 'm'.repeat(300), groupInstanceId: 'ä'.repeat(length % 50) }
    expect(decodeRequest(heartbeat, 4, encodeRequest(heartbeat, 4, request))).toEqual({ ...request, generationId: 0 })
  }
})

test('the body of a request is read from its offset on, and what follows it is ignored', () => {
  const body = encodeRequest(heartbeat, 0, { groupId: 'g', generationId: 3, memberId: 'm' })
  const frame = Buffer.concat([Buffer.from('header'), body, Buffer.from('more')])
  expect(decodeRequest(heartbeat, 0, frame, 6)).toMatchObject({ groupId: 'g', generationId: 3, memberId: 'm' })
})

describe('version ranges', () => {
  test('are open, closed, single or none', () => {
    expect([3, 4, 99].map((version) => inVersions('4+', version))).toEqual([false, true, true])
    expect([1, 2, 4, 5].map((version) => inVersions('2-4', version))).toEqual([false, true, true, false])
    expect([0, 1].map((version) => inVersions('0', version))).toEqual([true, false])
    expect(inVersions('none', 0)).toBe(false)
  })

  test('that are not understood are refused with how to write them', () => {
    expect(() => parseVersions('4-')).toThrow("'4-' is no version range: write 3+, 0-4 or 2")
  })
})

test('each API is at the index of its key', () => {
  expect(apis.map(({ key }) => key)).toEqual(Array.from({ length: 52 }, (_, key) => key))
})
