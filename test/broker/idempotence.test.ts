import { afterAll, beforeAll, expect, test } from 'vitest'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { initProducerId } from '../../src/protocol/api/22-init-producer-id.ts'
import { writeTxnMarkers } from '../../src/protocol/api/27-write-txn-markers.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { buildBatch, type BatchFields } from '../../src/protocol/records/build-batch.ts'
import type { Action } from '../../src/security/authorizer.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

let broker: TestBroker
let denied: Action['operation'] | undefined
beforeAll(async () => {
  const authorizer = { isAllowed: ({ operation }: Action) => operation !== denied, authorizedOperations: () => 0 }
  broker = await startTestBroker({ topics: { t: 4 }, authorizer })
})
afterAll(() => broker.end())

const TIMESTAMP = 1_700_000_000_000
const batch = (fields: BatchFields, count = 2): Buffer =>
  buildBatch(
    Array.from({ length: count }, (_, i) => ({ key: null, value: `v${i}`, timestamp: TIMESTAMP })),
    { producerId: 5, producerEpoch: 0, ...fields },
  )
const send = async (partitionIndex: number, records: Buffer, transactionalId: string | null = null) => {
  const client = await broker.client()
  try {
    const topics = [{ name: 't', partitions: [{ partitionIndex, records }] }]
    const answer = await client.request(produce, { transactionalId, acks: -1, timeoutMs: 1000, topics })
    const { errorCode, baseOffset, logAppendTimeMs } = answer.responses[0]!.partitions[0]!
    return { error: errorName(errorCode), baseOffset, logAppendTimeMs }
  } finally {
    client.close()
  }
}
const init = async (request: Partial<{ transactionalId: string | null; producerId: number; producerEpoch: number }>) => {
  const client = await broker.client()
  try {
    const answer = await client.request(initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000, ...request })
    return { error: errorName(answer.errorCode), producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  } finally {
    client.close()
  }
}
const endOf = (partition: number): number => broker.cluster.partitions!.get('t', partition)!.log.logEndOffset

test('a batch that is sent again is answered with the offset and the time of the first one, and not stored', async () => {
  for (let sequence = 0; sequence < 10; sequence += 2) {
    expect(await send(0, batch({ baseSequence: sequence }))).toEqual({ error: 'NONE', baseOffset: sequence, logAppendTimeMs: -1 })
  }
  for (let sequence = 8; sequence >= 0; sequence -= 2) {
    expect(await send(0, batch({ baseSequence: sequence }))).toEqual({ error: 'NONE', baseOffset: sequence, logAppendTimeMs: TIMESTAMP })
  }
  expect(endOf(0)).toBe(10)
  expect(broker.metrics.topics.get('t messagesIn')).toBe(10)
})

test('a gap, an older epoch and a new epoch that does not begin at 0 are refused and change nothing', async () => {
  expect(await send(1, batch({ baseSequence: 7, producerEpoch: 3 }))).toMatchObject({ error: 'NONE', baseOffset: 0 })
  expect(await send(1, batch({ baseSequence: 10, producerEpoch: 3 }))).toMatchObject({
    error: 'OUT_OF_ORDER_SEQUENCE_NUMBER',
    baseOffset: -1,
  })
  expect(await send(1, batch({ baseSequence: 9, producerEpoch: 2 }))).toMatchObject({ error: 'INVALID_PRODUCER_EPOCH' })
  expect(await send(1, batch({ baseSequence: 9, producerEpoch: 4 }))).toMatchObject({ error: 'OUT_OF_ORDER_SEQUENCE_NUMBER' })
  expect(await send(1, batch({ baseSequence: 9, producerEpoch: 3 }))).toMatchObject({ error: 'NONE', baseOffset: 2 })
  expect(await send(1, batch({ baseSequence: 0, producerEpoch: 4 }))).toMatchObject({ error: 'NONE', baseOffset: 4 })
  expect(endOf(1)).toBe(6)
})

test('each producer without a transactional id gets an id of its own, also one that resumes', async () => {
  const first = await init({})
  const second = await init({ producerId: Number(first.producerId), producerEpoch: 0 })
  expect(first).toMatchObject({ error: 'NONE', producerEpoch: 0 })
  expect(second).toMatchObject({ error: 'NONE', producerEpoch: 0 })
  expect(second.producerId).not.toBe(first.producerId)
})

test('what InitProducerId cannot mean, or does not give, is refused', async () => {
  const refused = { error: 'INVALID_REQUEST', producerId: -1, producerEpoch: -1 }
  expect(await init({ producerId: 4 })).toEqual(refused)
  expect(await init({ producerEpoch: 4 })).toEqual(refused)
  expect(await init({ transactionalId: '' })).toEqual(refused)
  expect(await init({ transactionalId: 'x' })).toEqual(refused)
})

test('idempotent writes need the right to them on the cluster, both for the id and for the records', async () => {
  const before = endOf(2)
  denied = 'IDEMPOTENT_WRITE'
  expect(await init({})).toMatchObject({ error: 'CLUSTER_AUTHORIZATION_FAILED', producerId: -1 })
  expect(await send(2, batch({ baseSequence: 0 }))).toMatchObject({ error: 'CLUSTER_AUTHORIZATION_FAILED' })
  expect(endOf(2)).toBe(before)
  expect(await send(2, batch({ producerId: -1, producerEpoch: -1, baseSequence: -1 }))).toMatchObject({ error: 'NONE' })
  denied = undefined
})

const markers = async (fields: { producerEpoch?: number; coordinatorEpoch?: number; commit: boolean; partition: number }) => {
  const client = await broker.client()
  try {
    const { producerEpoch = 0, coordinatorEpoch = 1, commit, partition } = fields
    const topics = [{ name: 't', partitionIndexes: [partition, 99] }]
    const answer = await client.request(writeTxnMarkers, {
      markers: [{ producerId: 5, producerEpoch, transactionResult: commit, topics, coordinatorEpoch }],
    })
    return answer.markers[0]!.topics[0]!.partitions.map(({ errorCode }) => errorName(errorCode))
  } finally {
    client.close()
  }
}

test('a coordinator on another broker ends transactions whose partitions this one leads', async () => {
  const { log } = broker.cluster.partitions!.get('t', 3)!
  const transactional = (baseSequence: number) => send(3, batch({ baseSequence, isTransactional: true }), 'x')
  expect(await transactional(0)).toMatchObject({ error: 'NONE', baseOffset: 0 })
  expect([log.highWatermark, log.lastStableOffset]).toEqual([2, 0])
  expect(await send(3, batch({ baseSequence: 2 }))).toMatchObject({ error: 'INVALID_TXN_STATE' })
  expect(await markers({ partition: 3, commit: false })).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION'])
  expect([log.highWatermark, log.lastStableOffset]).toEqual([3, 3])
  expect(log.abortedTransactions(0, 3)).toMatchObject([{ producerId: 5, firstOffset: 0 }])
  expect(await transactional(2)).toMatchObject({ error: 'NONE', baseOffset: 3 })
  expect((await markers({ partition: 3, commit: true, coordinatorEpoch: 0 }))[0]).toBe('TRANSACTION_COORDINATOR_FENCED')
  expect((await markers({ partition: 3, commit: true, producerEpoch: -1 }))[0]).toBe('INVALID_PRODUCER_EPOCH')
  expect(log.lastStableOffset).toBe(3)
  expect((await markers({ partition: 3, commit: true }))[0]).toBe('NONE')
  expect(log.lastStableOffset).toBe(6)
  denied = 'CLUSTER_ACTION'
  expect(await markers({ partition: 3, commit: true })).toEqual(['CLUSTER_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'])
  denied = undefined
})
