import { afterAll, beforeAll, expect, test } from 'vitest'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { listOffsets } from '../../src/protocol/api/02-list-offsets.ts'
import { metadata } from '../../src/protocol/api/03-metadata.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { errorCode } from '../../src/protocol/errors.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { batchOf } from '../support/batches.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker({ topics: { t: 2 } })
})
afterAll(() => broker.end())

test('records that were produced are fetched', async () => {
  const client = await broker.client()
  const produced = await client.request(produce, {
    acks: -1,
    timeoutMs: 1000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf(['a', 'b', 'c']) }] }],
  })
  expect(produced.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
  const fetched = await client.request(fetch, {
    replicaId: -1,
    maxWait: 0,
    minBytes: 1,
    topics: [{ name: 't', fetchPartitions: [{ partitionIndex: 0, fetchOffset: 0, maxBytes: 1_000_000 }] }],
  })
  expect(fetched.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 3, logStartOffset: 0 })
  expect(fetched.topics[0]!.partitions[0]!.records!.length).toBeGreaterThan(61)
  const found = await client.request(listOffsets, {
    replicaId: -1,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  })
  expect(found.topics[0]!.partitions[0]).toMatchObject({ errorCode: 0, offset: 3 })
  expect(broker.metrics.topics.get('t messagesIn')).toBe(3)
  expect(broker.metrics.topics.get('t bytesOut')).toBe(broker.metrics.topics.get('t bytesIn'))
  const described = await client.request(metadata, { topics: null })
  expect(described.topics.map(({ name }) => name)).toEqual(['t'])
  client.close()
})

test('a batch that is cut off behind a whole one is left out, and two whole ones are refused', async () => {
  const client = await broker.client()
  const send = async (records: Buffer) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 1, records }] }]
    return (await client.request(produce, { acks: -1, timeoutMs: 1000, topics })).responses[0]!.partitions[0]!
  }
  const whole = batchOf(['a', 'b'])
  expect(await send(Buffer.concat([whole, batchOf(['c']).subarray(0, 40)]))).toMatchObject({ errorCode: 0, baseOffset: 0 })
  expect(await send(Buffer.concat([whole, whole]))).toMatchObject({ errorCode: errorCode('INVALID_RECORD'), baseOffset: -1 })
  expect(await send(batchOf(['d']))).toMatchObject({ errorCode: 0, baseOffset: 2 })
  client.close()
})
