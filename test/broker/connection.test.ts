import { afterAll, beforeAll, expect, test } from 'vitest'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { apiVersions } from '../../src/protocol/api/18-api-versions.ts'
import { metadata } from '../../src/protocol/api/03-metadata.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { eventually } from '../support/net.ts'
import { RawClient } from '../support/raw-client.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker({ topics: { t: 1, order: 1, wait: 1, isr: 1 }, topicConfigs: { isr: { 'min.insync.replicas': '1' } } })
})
afterAll(() => broker.end())

const produceRequest = (topic: string, value: string, acks = 1) => ({
  acks,
  timeoutMs: 5000,
  topics: [{ name: topic, partitions: [{ partitionIndex: 0, records: batchOf([value]) }] }],
})
const fetchRequest = (topic: string, fetchOffset: number, more: { maxWait?: number; minBytes?: number; maxBytes?: number } = {}) => ({
  replicaId: -1,
  maxWait: 0,
  minBytes: 1,
  ...more,
  topics: [{ name: topic, fetchPartitions: [{ partitionIndex: 0, fetchOffset, maxBytes: more.maxBytes ?? 1_000_000 }] }],
})

test('requests that arrive together take effect and are answered in order', async () => {
  const client = await RawClient.open(broker.port)
  for (let id = 0; id < 300; id++) client.request(produce, 8, id, produceRequest('order', `v${id}`, id % 2 === 0 ? 1 : -1))
  client.request(fetch, 11, 300, fetchRequest('order', 0))
  for (let id = 0; id < 300; id++) {
    const { correlationId, body } = await client.response(produce, 8)
    expect(correlationId).toBe(id)
    expect(body.responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, baseOffset: id })
  }
  const { body } = await client.response(fetch, 11)
  expect(valuesOf(body.topics[0]!.partitions[0]!.records)).toEqual(Array.from({ length: 300 }, (_, id) => `v${id}`))
  client.end()
})

test('a later Produce is appended before an earlier acks=all answer is due, and answers keep their order', async () => {
  const partition = [...broker.cluster.partitions!.all()].find(({ topic }) => topic === 'isr')!
  await partition.lead({
    leader: 0,
    leaderEpoch: 1,
    isr: [0, 1],
    replicas: [0, 1],
    addingReplicas: [],
    removingReplicas: [],
    controllerEpoch: 1,
    zkVersion: 0,
  })
  const client = await RawClient.open(broker.port)
  client.request(produce, 8, 1, produceRequest('isr', 'first', -1))
  client.request(produce, 8, 2, produceRequest('isr', 'second', 1))
  await eventually(() => partition.log.logEndOffset === 2)
  let answered = false
  const first = client.response(produce, 8).then((answer) => {
    answered = true
    return answer
  })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(answered).toBe(false)
  partition.followerFetched(1, { fetchOffset: 1, logStartOffset: 0, nowMs: 0 })
  expect((await first).correlationId).toBe(1)
  expect((await client.response(produce, 8)).correlationId).toBe(2)

  client.request(produce, 8, 3, { ...produceRequest('isr', 'third', -1), timeoutMs: 20 })
  expect((await client.response(produce, 8)).body.responses[0]!.partitions[0]!.errorCode).toBe(7)
  client.request(produce, 8, 4, produceRequest('isr', 'fourth', -1))
  await eventually(() => partition.log.logEndOffset === 4)
  partition.resign()
  expect((await client.response(produce, 8)).body.responses[0]!.partitions[0]!.errorCode).toBe(6)
  client.end()
})

test('acks=0 has no answer, and an error of it closes the connection', async () => {
  const client = await RawClient.open(broker.port)
  client.request(produce, 8, 1, produceRequest('t', 'a', 0))
  client.request(metadata, 5, 2, { topics: [] })
  expect((await client.response(metadata, 5)).correlationId).toBe(2)
  client.request(produce, 8, 3, produceRequest('absent', 'a', 0))
  await client.closed
})

test('a Fetch waits for records and is woken by them', async () => {
  const consumer = await RawClient.open(broker.port)
  const producer = await RawClient.open(broker.port)
  consumer.request(fetch, 11, 1, fetchRequest('wait', 0, { maxWait: 20_000 }))
  await new Promise((resolve) => setTimeout(resolve, 30))
  producer.request(produce, 8, 1, produceRequest('wait', 'woken'))
  const { body } = await consumer.response(fetch, 11)
  expect(valuesOf(body.topics[0]!.partitions[0]!.records)).toEqual(['woken'])
  consumer.request(fetch, 11, 2, fetchRequest('wait', 1, { maxWait: 20 }))
  expect((await consumer.response(fetch, 11)).body.topics[0]!.partitions[0]!.records!.length).toBe(0)
  consumer.request(fetch, 11, 3, fetchRequest('wait', 0, { maxWait: 20_000, minBytes: 10_000 }))
  await eventually(() => [...broker.cluster.partitions!.all()].some(({ waiters }) => waiters.size === 1))
  consumer.end()
  await eventually(() => [...broker.cluster.partitions!.all()].every(({ waiters }) => waiters.size === 0))
  producer.end()
})

test('a Fetch of every version gives the records, of old ones in their format', async () => {
  const client = await RawClient.open(broker.port)
  client.request(produce, 8, 0, produceRequest('t', 'every version'))
  const { body } = await client.response(produce, 8)
  const fetchOffset = body.responses[0]!.partitions[0]!.baseOffset as number
  for (let version = 0; version <= 11; version++) {
    client.request(fetch, version, version, fetchRequest('t', fetchOffset))
    const answer = await client.response(fetch, version)
    const records = answer.body.topics[0]!.partitions[0]!.records!
    expect(records[16], `version ${version}`).toBe(version < 2 ? 0 : version < 4 ? 1 : 2)
    expect(records.includes('every version')).toBe(true)
  }
  client.end()
})

test('each request that fails as a whole or in part says so in its own form', async () => {
  const client = await RawClient.open(broker.port)
  client.request(fetch, 11, 1, { ...fetchRequest('t', 0), sessionId: 5, epoch: 3 })
  expect((await client.response(fetch, 11)).body.errorCode).toBe(70)
  client.request(fetch, 11, 2, fetchRequest('t', 99_999))
  expect((await client.response(fetch, 11)).body.topics[0]!.partitions[0]!.errorCode).toBe(1)
  client.request(produce, 8, 3, { ...produceRequest('t', 'x'), acks: 5 })
  expect((await client.response(produce, 8)).body.responses[0]!.partitions[0]!.errorCode).toBe(21)
  client.request(produce, 8, 4, produceRequest('__consumer_offsets', 'x'))
  expect((await client.response(produce, 8)).body.responses[0]!.partitions[0]!.errorCode).toBe(17)
  const torn = batchOf(['x'])
  torn[torn.length - 1]! ^= 1
  client.request(produce, 8, 5, {
    acks: 1,
    timeoutMs: 1,
    topics: [
      {
        name: 't',
        partitions: [
          { partitionIndex: 0, records: torn },
          { partitionIndex: 9, records: torn },
        ],
      },
    ],
  })
  expect((await client.response(produce, 8)).body.responses[0]!.partitions.map(({ errorCode }) => errorCode)).toEqual([2, 3])
  client.end()
})

test('an unknown version of ApiVersions is answered in version 0; anything else unknown closes the connection', async () => {
  const client = await RawClient.open(broker.port)
  const request = Buffer.from('0000000e0012006300000007000161000161', 'hex')
  client.send(request.subarray(0, 4 + 14))
  const { correlationId, body } = await client.response(apiVersions, 0)
  expect(correlationId).toBe(7)
  expect(body).toEqual({ errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 3 }], throttleTimeMs: 0 })
  for (const bytes of ['0000000a00000063000000010000', '0000000a270f0000000000010000', '0000000a00000008000000010000']) {
    const other = await RawClient.open(broker.port)
    other.send(Buffer.from(bytes, 'hex'))
    await other.closed
  }
  client.end()
})

test('a broker that stops resets connections that it never answered, and ends the others after their last answer', async () => {
  const stopping = await startTestBroker()
  const fateOf = ({ socket }: RawClient) =>
    new Promise((resolve) => {
      socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
      socket.once('end', () => resolve('end'))
    })
  const silent = fateOf(await RawClient.open(stopping.port))
  const client = await RawClient.open(stopping.port)
  const answered = fateOf(client)
  client.request(apiVersions, 0, 1, {})
  await client.response(apiVersions, 0)
  await stopping.end()
  expect([await silent, await answered]).toEqual(['ECONNRESET', 'end'])
})
