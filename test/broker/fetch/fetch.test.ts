import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Partition } from '../../../src/broker/partition.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { listOffsets } from '../../../src/protocol/api/02-list-offsets.ts'
import { buildBatch } from '../../../src/protocol/records/build-batch.ts'
import { buildMarker } from '../../../src/protocol/records/control-record.ts'
import type { RequestOf, Sendable } from '../../../src/protocol/schema.ts'
import { batchOf, valuesOf } from '../../support/batches.ts'
import { everythingAllowed } from '../../support/memory-cluster.ts'
import { eventually } from '../../support/net.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts'

const FOLLOWER = 7
const OUT_OF_SYNC = 8
const STRANGER = 9
const [OUT_OF_RANGE, UNKNOWN_TOPIC, NOT_AUTHORIZED] = [1, 3, 29]
let broker: TestBroker
let partition: Partition
let client: RawClient
let mayReplicate = true

beforeAll(async () => {
  broker = await startTestBroker({
    topics: { t: 1, throttled: 1, committed: 1 },
    topicConfigs: { throttled: { 'leader.replication.throttled.replicas': '*' } },
    authorizer: { ...everythingAllowed, isAllowed: ({ operation }) => mayReplicate || operation !== 'CLUSTER_ACTION' },
  })
  for (const { topic } of broker.cluster.partitions!.all()) await lead(topic)
  partition = partitionOf('t')
})
afterAll(() => broker.end())
beforeEach(async () => {
  client = await RawClient.open(broker.port)
  return () => client.end()
})

const partitionOf = (topic: string): Partition => [...broker.cluster.partitions!.all()].find((one) => one.topic === topic)!
const lead = (topic: string): Promise<void> =>
  partitionOf(topic).lead({
    leader: 0,
    leaderEpoch: 3,
    isr: [0, FOLLOWER],
    replicas: [0, FOLLOWER, OUT_OF_SYNC],
    addingReplicas: [],
    removingReplicas: [],
    controllerEpoch: 1,
    zkVersion: 0,
  })

type Asked = { topic?: string; replicaId?: number; fetchOffset?: number; maxWait?: number } & Partial<Sendable<RequestOf<typeof fetch>>>
const ask = ({ topic = 't', fetchOffset = 0, ...more }: Asked): void =>
  client.request(fetch, 11, 1, {
    replicaId: -1,
    maxWait: 0,
    minBytes: 1,
    epoch: -1,
    topics: [{ name: topic, fetchPartitions: [{ partitionIndex: 0, fetchOffset, logStartOffset: 0, maxBytes: 1_000_000 }] }],
    rackId: '',
    ...more,
  })
const answer = async () => (await client.response(fetch, 11)).body
const fetchOnce = async (asked: Asked) => {
  ask(asked)
  return (await answer()).topics[0]!.partitions[0]!
}
const append = (value: string, to = partition) => to.append(batchOf([value]), { origin: 'client', requiredAcks: 1 })

test('a waiting follower gets what is appended at once, and its next fetch moves the high watermark, which the answer says', async () => {
  const { logEndOffset } = partition.log
  ask({ replicaId: FOLLOWER, fetchOffset: logEndOffset, maxWait: 20_000 })
  await eventually(() => partition.waiters.size === 1)
  await append('news')
  const told = (await answer()).topics[0]!.partitions[0]!
  expect(told).toMatchObject({ errorCode: 0, highWatermark: logEndOffset })
  expect(valuesOf(told.records)).toEqual(['news'])
  expect(await fetchOnce({ replicaId: FOLLOWER, fetchOffset: logEndOffset + 1 })).toMatchObject({ highWatermark: logEndOffset + 1 })
  expect(partition.highWatermark).toBe(logEndOffset + 1)
})

test('a waiting consumer gets it when it is committed', async () => {
  const { logEndOffset } = partition.log
  ask({ fetchOffset: logEndOffset, maxWait: 20_000 })
  await eventually(() => partition.waiters.size === 1)
  await append('committed')
  const follower = await RawClient.open(broker.port)
  let isAnswered = false
  const answered = answer().then((body) => {
    isAnswered = true
    return body
  })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(isAnswered).toBe(false)
  const topics = [{ name: 't', fetchPartitions: [{ partitionIndex: 0, fetchOffset: logEndOffset + 1, maxBytes: 1000 }] }]
  follower.request(fetch, 11, 1, { replicaId: FOLLOWER, maxWait: 0, minBytes: 1, epoch: -1, topics, rackId: '' })
  expect(valuesOf((await answered).topics[0]!.partitions[0]!.records)).toEqual(['committed'])
  follower.end()
})

test('a broker that is no replica gets no records and no error, and changes nothing', async () => {
  await append('secret')
  const { highWatermark, leadership } = partition
  const read = await fetchOnce({ replicaId: STRANGER, fetchOffset: 0 })
  expect(read.errorCode).toBe(0)
  expect(read.records).toHaveLength(0)
  expect(partition.highWatermark).toBe(highWatermark)
  expect(partition.leadership).toEqual(leadership)
})

test('a broker without the right to act for the cluster is refused, partition by partition', async () => {
  mayReplicate = false
  const { highWatermark } = partition
  const read = await fetchOnce({ replicaId: FOLLOWER, fetchOffset: partition.log.logEndOffset }).finally(() => (mayReplicate = true))
  expect(read.errorCode).toBe(NOT_AUTHORIZED)
  expect(partition.highWatermark).toBe(highWatermark)
})

test('an offset that the log does not reach says nothing of the follower', async () => {
  await append('not replicated')
  const { highWatermark, log } = partition
  expect(await fetchOnce({ replicaId: FOLLOWER, fetchOffset: log.logEndOffset + 5 })).toMatchObject({ errorCode: OUT_OF_RANGE })
  expect(partition.highWatermark).toBe(highWatermark)
})

test('followers over the quota wait, except where they are in sync', async () => {
  const throttled = partitionOf('throttled')
  await append('x'.repeat(5000), throttled)
  broker.cluster.config.get = new Proxy(broker.cluster.config.get, {
    apply: (get, self, [name]: [string]) =>
      name === 'leader.replication.throttled.rate' ? 100 : (Reflect.apply(get, self, [name as never]) as unknown),
  }) as never
  expect((await fetchOnce({ topic: 'throttled', replicaId: OUT_OF_SYNC })).records!.length).toBeGreaterThan(5000)
  expect((await fetchOnce({ topic: 'throttled', replicaId: OUT_OF_SYNC })).records).toHaveLength(0)
  expect((await fetchOnce({ topic: 'throttled', replicaId: FOLLOWER })).records!.length).toBeGreaterThan(5000)
  expect((await fetchOnce({ topic: 't', replicaId: OUT_OF_SYNC })).records!.length).toBeGreaterThan(0)
})

test('a topic that is gone does not keep a consumer from waiting for the others', async () => {
  const { logEndOffset } = partition.log
  const fetchPartitions = [{ partitionIndex: 0, fetchOffset: logEndOffset, maxBytes: 1000 }]
  ask({
    maxWait: 100,
    topics: [
      { name: 'gone', fetchPartitions },
      { name: 't', fetchPartitions },
    ],
  })
  const startMs = performance.now()
  const { topics } = await answer()
  expect(performance.now() - startMs).toBeGreaterThan(90)
  expect(topics.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([UNKNOWN_TOPIC, 0])
  ask({ maxWait: 20_000, topics: [{ name: 'gone', fetchPartitions }] })
  expect((await answer()).topics[0]!.partitions[0]!.errorCode).toBe(UNKNOWN_TOPIC)
})

test('a session over the wire says only what is new', async () => {
  ask({ epoch: 0, replicaId: FOLLOWER, fetchOffset: partition.log.logEndOffset })
  const { sessionId, topics } = await answer()
  expect(topics).toHaveLength(1)
  ask({ epoch: 1, sessionId, replicaId: FOLLOWER, topics: [] })
  expect(await answer()).toMatchObject({ errorCode: 0, sessionId, topics: [] })
  await append('in a session')
  ask({ epoch: 2, sessionId, replicaId: FOLLOWER, topics: [] })
  expect(valuesOf((await answer()).topics[0]!.partitions[0]!.records)).toEqual(['in a session'])
  ask({ epoch: 2, sessionId, replicaId: FOLLOWER, topics: [] })
  expect(await answer()).toMatchObject({ errorCode: 71, topics: [] })
})

test('a reader of committed records stops before an open transaction, and learns which of those before were aborted', async () => {
  const committed = partitionOf('committed')
  const ask = async (isolationLevel: number) => fetchOnce({ topic: 'committed', isolationLevel })
  const offsets = async (isolationLevel: number) => {
    const topics = [{ name: 'committed', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    client.request(listOffsets, 5, 2, { replicaId: -1, isolationLevel, topics })
    return (await client.response(listOffsets, 5)).body.topics[0]!.partitions[0]!.offset
  }
  const write = (producerId: number, values: string[]) =>
    committed.append(
      buildBatch(
        values.map((value) => ({ key: null, value, timestamp: 1_700_000_000_000 })),
        { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true },
      ),
      { origin: 'client', requiredAcks: 1 },
    )
  await write(5, ['aborted'])
  await write(6, ['open'])
  const marker = buildMarker(
    { type: 'abort', coordinatorEpoch: 0 },
    { timestamp: 1_700_000_000_000, producerId: 5, producerEpoch: 0, baseOffset: 0 },
  )
  await committed.append(marker, { origin: 'coordinator', requiredAcks: 1 })
  await fetchOnce({ topic: 'committed', replicaId: FOLLOWER, fetchOffset: 3 })
  const read = await ask(1)
  expect(read).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 1, aborted: [{ producerId: 5, firstOffset: 0 }] })
  expect(valuesOf(read.records)).toEqual(['aborted'])
  expect(valuesOf((await ask(0)).records).slice(0, 2)).toEqual(['aborted', 'open'])
  expect([await offsets(0), await offsets(1)]).toEqual([3, 1])
})
