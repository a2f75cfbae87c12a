import { existsSync, readdirSync } from 'node:fs'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { BrokerConfigAdmin } from '../../../src/client/broker-config-admin.ts'
import { PartitionAdmin } from '../../../src/client/partition-admin.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { batchOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'

const PARTITIONS = [0, 1, 2, 3]
/** Slow enough that a move of the first records outlives what is done to it. */
const SLOW = '50000'
const extra = [
  'zookeeper.session.timeout.ms=2000',
  'replica.lag.time.max.ms=2000',
  'auto.leader.rebalance.enable=false',
  // One fetch always goes through, however slow the throttle.
  'replica.fetch.max.bytes=32768',
  'replica.fetch.response.max.bytes=32768',
]

let zookeeper: OurZooKeeper
let brokers: OurBroker[] = []
let client: ClusterClient
let admin: Admin
let partitions: PartitionAdmin
let kafka: Kafka
const broker = (id: number): OurBroker => brokers.find((one) => one.id === id)!

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  brokers = await Promise.all([1, 2, 3, 4].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra })))
  const bootstrap = brokers.map(({ port }) => ({ host: '127.0.0.1', port }))
  client = new ClusterClient({ bootstrap, clientId: 'moves', clock: monotonicClock, logger: silentLogger })
  admin = new Admin(client)
  partitions = new PartitionAdmin(client)
  const retry = { retries: 30, initialRetryTime: 100, maxRetryTime: 500 }
  kafka = new Kafka({ brokers: brokers.map(({ port }) => `127.0.0.1:${port}`), logLevel: logLevel.NOTHING, retry })
}, 60_000)

afterAll(async () => {
  client?.close()
  for (const one of brokers) {
    await one.program.kill('SIGKILL')
    await one.stop()
  }
  await zookeeper?.stop()
}, 60_000)

const throttle = async (rate: string | null): Promise<void> => {
  const changes = ['leader', 'follower'].map((side) => ({ key: `${side}.replication.throttled.rate`, value: rate }))
  // A broker that has just started is not known everywhere.
  for (const { id } of brokers) await eventually(() => new BrokerConfigAdmin(client).alterOwn(id, changes).then(() => true))
}
const create = async (name: string): Promise<void> => {
  const keys = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas']
  const config = Object.fromEntries(keys.map((key) => [key, '*']))
  expect((await admin.createTopics([{ name, partitions: PARTITIONS.length, replicationFactor: 2, config }])).get(name)).toBeUndefined()
  await move(name, [1, 2])
  await arrived(name, [1, 2])
}
const move = async (topic: string, replicas: number[] | null): Promise<void> => {
  const outcomes = await partitions.reassign(PARTITIONS.map((partition) => ({ topic, partition, replicas })))
  expect([...outcomes.values()]).toEqual(PARTITIONS.map(() => undefined))
}
const arrived = (topic: string, replicas: number[]) =>
  eventually(
    async () => {
      if ((await partitions.reassignments()).length > 0) return false
      const all = await partitions.replicas([topic])
      return all.every(
        (at) =>
          String(at.replicas) === String(replicas) && at.isr.length === replicas.length && replicas.every((id) => at.isr.includes(id)),
      )
    },
    { timeoutMs: 30_000, everyMs: 100, what: `${topic} is on ${replicas.join(', ')}` },
  )
/** Folders of the topic's replicas; those that are being deleted have another name. */
const folders = (id: number, topic: string): string[] =>
  readdirSync(broker(id).logDir).filter((name) => PARTITIONS.some((partition) => name === `${topic}-${partition}`))

const valueOf = (number: number): string => `${number} ${'x'.repeat(1000)}`

/** Until the leader, whoever it is by then, has acknowledged all of them. (kafkajs takes what it sent to one broker for sent when leaders change meanwhile.) */
const send = async (topic: string, partition: number, values: string[]): Promise<void> => {
  const topics = [{ name: topic, partitions: [{ partitionIndex: partition, records: batchOf(values) }] }]
  await eventually(
    async () => {
      const leader = (await partitions.replicas([topic])).find((at) => at.partition === partition)!.leader
      const { responses } = await client.broker(leader, produce, { transactionalId: null, acks: -1, timeoutMs: 5000, topics })
      return responses[0]!.partitions[0]!.errorCode === 0
    },
    { timeoutMs: 30_000, everyMs: 50, what: 'records are acknowledged' },
  )
}
/** Records by their numbers, the next number of each partition 4 on. */
const sendNumbers = async (topic: string, from: number, count: number): Promise<void> => {
  const numbers = Array.from({ length: count }, (_unused, index) => from + index)
  const ofPartition = (partition: number) => numbers.filter((number) => number % PARTITIONS.length === partition).map(valueOf)
  await Promise.all(PARTITIONS.map((partition) => send(topic, partition, ofPartition(partition))))
}

/** Which of the records 0 to `count` - 1 are not in the topic: read until they are all there, or nothing comes any more. */
const missing = async (topic: string, count: number): Promise<number[]> => {
  const consumer = kafka.consumer({ groupId: `reader-of-${topic}`, retry: { retries: 30 } })
  const left = new Set(Array.from({ length: count }, (_unused, number) => number))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void left.delete(Number(message.value!.toString().split(' ')[0])) })
  await eventually(() => left.size === 0, { timeoutMs: 45_000 }).catch(() => {})
  await consumer.disconnect()
  return [...left]
}

test('a move outlives its controller and a broker that it adds, and no acknowledged record is lost', { timeout: 150_000 }, async () => {
  await create('m')
  let sent = 0
  const sendMore = async (count: number): Promise<void> => {
    await sendNumbers('m', sent, count)
    sent += count
  }
  for (let batch = 0; batch < 8; batch++) await sendMore(500)
  await throttle(SLOW)
  await move('m', [3, 4])
  const over = new AbortController()
  const producing = (async () => {
    while (!over.signal.aborted) await sendMore(8)
  })()

  const { controllerId } = await client.brokers()
  await broker(controllerId).program.kill('SIGKILL')
  await eventually(async () => (await client.brokers()).controllerId !== controllerId, { what: 'another controller' })
  expect(await partitions.reassignments()).toHaveLength(PARTITIONS.length)
  await broker(controllerId).restart('SIGKILL')
  const added = controllerId === 3 ? 4 : 3
  await broker(added).restart('SIGKILL')
  expect(await partitions.reassignments()).toHaveLength(PARTITIONS.length)
  await throttle(null)
  await arrived('m', [3, 4])
  over.abort()
  await producing

  expect(await missing('m', sent)).toEqual([])
  for (const id of [1, 2]) await eventually(() => folders(id, 'm').length === 0, { what: `broker ${id} has deleted its replicas` })
  for (const id of [3, 4]) expect(folders(id, 'm')).toHaveLength(PARTITIONS.length)
})

test('a broker that gives up a replica still knows the settings of its topic', { timeout: 30_000 }, async () => {
  const keys = { 'min.insync.replicas': '2' }
  expect(
    (await admin.createTopics([{ name: 's', partitions: PARTITIONS.length, replicationFactor: 2, config: keys }])).get('s'),
  ).toBeUndefined()
  await move('s', [1, 2])
  await arrived('s', [1, 2])
  await partitions.reassign([{ topic: 's', partition: 0, replicas: [2] }])
  await eventually(() => folders(1, 's').length === PARTITIONS.length - 1, { what: 'broker 1 has deleted a replica' })
  await broker(2).program.kill('SIGKILL')
  await eventually(async () => (await partitions.replicas(['s'])).slice(1).every(({ leader, isr }) => leader === 1 && isr.length === 1))
  const topics = [{ name: 's', partitions: [{ partitionIndex: 1, records: batchOf(['x']) }] }]
  const { responses } = await client.broker(1, produce, { transactionalId: null, acks: -1, timeoutMs: 5000, topics })
  expect(errorName(responses[0]!.partitions[0]!.errorCode)).toBe('NOT_ENOUGH_REPLICAS')
  await broker(2).restart('SIGKILL')
})

test('a topic is deleted while it moves, and nothing of it is left', { timeout: 60_000 }, async () => {
  await create('d')
  for (let batch = 0; batch < 8; batch++) await sendNumbers('d', batch * 500, 500)
  await throttle(SLOW)
  await move('d', [4, 3])
  expect(await partitions.reassignments()).toHaveLength(PARTITIONS.length)
  expect((await admin.deleteTopics(['d'])).get('d')).toBeUndefined()
  expect(await partitions.reassignments()).toEqual([])
  for (const { id } of brokers) await eventually(() => folders(id, 'd').length === 0, { what: `broker ${id} has deleted its replicas` })
  await throttle(null)
  expect(existsSync(broker(1).logDir)).toBe(true)
})
