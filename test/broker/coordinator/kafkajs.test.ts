import { logLevel, Kafka, type Consumer } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts'

let broker: TestBroker
let kafka: Kafka
beforeAll(async () => {
  broker = await startTestBroker({
    topics: { orders: 4 },
    properties: {
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '3',
      'group.initial.rebalance.delay.ms': '0',
    },
  })
  kafka = new Kafka({ brokers: [`127.0.0.1:${broker.port}`], clientId: 'app', logLevel: logLevel.NOTHING })
})
afterAll(() => broker.end())

const COUNT = 40
const BILLING = { groupId: 'billing', heartbeatInterval: 200, maxWaitTimeInMs: 100 }

/** Reads until `count` records are there, in all consumers together. */
const consume = async (consumers: Consumer[], count: number): Promise<{ value: string; partition: number; consumer: number }[]> => {
  const seen: { value: string; partition: number; consumer: number }[] = []
  const all = Promise.withResolvers<void>()
  for (const [consumer, one] of consumers.entries()) {
    await one.connect()
    await one.subscribe({ topics: ['orders'], fromBeginning: true })
    await one.run({
      eachMessage: ({ message, partition }) => {
        seen.push({ value: message.value!.toString(), partition, consumer })
        if (seen.length === count) all.resolve()
        return Promise.resolve()
      },
    })
  }
  await all.promise
  return seen
}

test('a group of consumers shares the partitions, goes on where it stopped, and can be described and deleted', async () => {
  const producer = kafka.producer()
  await producer.connect()
  const send = (from: number) =>
    producer.send({
      topic: 'orders',
      messages: Array.from({ length: COUNT }, (_, at) => ({ value: `record ${from + at}`, partition: at % 4 })),
    })
  await send(0)

  const first = [kafka.consumer(BILLING)]
  const records = await consume(first, COUNT)
  expect(new Set(records.map(({ value }) => value)).size).toBe(COUNT)

  const admin = kafka.admin()
  await admin.connect()
  const { groups } = await admin.describeGroups(['billing'])
  expect(groups[0]).toMatchObject({
    errorCode: 0,
    groupId: 'billing',
    state: 'Stable',
    protocolType: 'consumer',
    protocol: 'RoundRobinAssigner',
  })
  expect(groups[0]!.members.map(({ clientId, clientHost }) => ({ clientId, clientHost }))).toEqual([
    { clientId: 'app', clientHost: '/127.0.0.1' },
  ])
  expect((await admin.listGroups()).groups).toEqual([{ groupId: 'billing', protocolType: 'consumer' }])
  await expect(admin.deleteGroups(['billing'])).rejects.toThrow('Error in DeleteGroups')
  await first[0]!.disconnect()

  const offsets = await admin.fetchOffsets({ groupId: 'billing', topics: ['orders'] })
  expect(offsets[0]!.partitions.map(({ offset }) => offset)).toEqual(['10', '10', '10', '10'])

  await send(COUNT)
  const second = [kafka.consumer(BILLING), kafka.consumer(BILLING)]
  const more = await consume(second, COUNT)
  expect(more.map(({ value }) => Number(value.slice(7))).every((number) => number >= COUNT)).toBe(true)
  for (const consumer of second) await consumer.disconnect()

  expect(await admin.deleteGroups(['billing'])).toMatchObject([{ groupId: 'billing', errorCode: 0 }])
  expect((await admin.listGroups()).groups).toEqual([])
  await admin.disconnect()
  await producer.disconnect()
}, 20_000)
