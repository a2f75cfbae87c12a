import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { controllerZnode } from '../../../src/broker/metadata/znodes/controller.ts'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../../src/client/connection.ts'
import { controlledShutdown, createTopics } from '../../../src/protocol/api/index.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { SteadyProducer } from '../../interop/steady-producer.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { until } from './fake-broker.ts'
import { slowness } from '../../support/slowness.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const IDS = [1, 2, 3]
const PARTITIONS = 6
/** A default producer is to stall for less than 500 ms; the machine that tests has its hands full. */
const STALL_MS = 2000

let zookeeper: OurZooKeeper
let client: ZooKeeperClient
let brokers: OurBroker[]
let producer: SteadyProducer

const broker = (id: number): OurBroker => brokers.find((one) => one.id === id)!
const controllerId = async (): Promise<number> => controllerZnode.decode((await client.get(controllerZnode.path)).data!)
const states = () =>
  Promise.all(
    Array.from({ length: PARTITIONS }, async (_unused, partition) => {
      const { data } = await client.get(partitionStateZnode.path('t', partition))
      return partitionStateZnode.decode('t', partition, data!)
    }),
  )
const untilWhole = (): Promise<void> =>
  until('all in sync', async () => (await states()).every(({ leader, isr }) => leader > 0 && isr.length === IDS.length), 20_000)

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  client = await zooKeeperAt(zookeeper.port)
  brokers = await Promise.all(
    IDS.map((id) =>
      startOurBroker({ id, zookeeper: zookeeper.connect, extra: ['min.insync.replicas=2', 'auto.leader.rebalance.enable=false'] }),
    ),
  )
  const admin = new ClusterClient({
    bootstrap: brokers.map(({ port }) => ({ host: '127.0.0.1', port })),
    clientId: 'test',
    clock: monotonicClock,
    logger: silentLogger,
  })
  await until('all brokers', async () => (await admin.brokers()).brokers.length === IDS.length, 10_000)
  const assignments = Array.from({ length: PARTITIONS }, (_unused, n) => ({
    partitionIndex: n,
    brokerIds: IDS.map((_id, nth) => IDS[(n + nth) % IDS.length]!),
  }))
  const answer = await admin.controller(createTopics, {
    topics: [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
    timeoutMs: 10_000,
  })
  expect(answer.topics).toMatchObject([{ errorCode: 0 }])
  admin.close()
  producer = new SteadyProducer(
    't',
    brokers.map(({ port }) => port),
  ).start(PARTITIONS)
  await until('records', () => producer.sends.length > 60, 10_000)
}, 60_000)

afterAll(async () => {
  await producer?.stop()
  producer?.close()
  await Promise.all((brokers ?? []).map((one) => one.program.kill()))
  await Promise.all((brokers ?? []).map((one) => one.stop()))
  await client?.close()
  await zookeeper?.stop()
}, 30_000)

test('a controlled shutdown is refused by who is not the controller, and for whom it does not know', async () => {
  const controller = await controllerId()
  const ask = async (to: number, request: { brokerId: number; brokerEpoch?: number }, version: number) => {
    const { port } = broker(to)
    const connection = await KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'test', clock: monotonicClock, timeoutMs: 5000 })
    const { errorCode } = await connection.request(controlledShutdown, { brokerEpoch: -1, ...request }, { version })
    connection.close()
    return errorName(errorCode)
  }
  const other = IDS.find((id) => id !== controller)!
  for (const version of [0, 1, 2, 3]) {
    expect(await ask(other, { brokerId: other }, version)).toBe('NOT_CONTROLLER')
    expect(await ask(controller, { brokerId: 99 }, version)).toBe('BROKER_NOT_AVAILABLE')
  }
  for (const version of [2, 3]) expect(await ask(controller, { brokerId: other, brokerEpoch: 1 }, version)).toBe('STALE_BROKER_EPOCH')
  await untilWhole()
})

test('brokers stop one after the other, the controller last, and no send fails', { timeout: 60_000 }, async () => {
  const controller = await controllerId()
  for (const id of [...IDS.filter((one) => one !== controller), controller]) {
    await untilWhole()
    const before = await states()
    expect(before.some(({ leader }) => leader === id)).toBe(true)
    const stopMs = performance.now()
    expect(await broker(id).program.stop()).toBe(0)
    const after = await states()
    // Whoever led was left out by the controller while it still answered: one step of the epoch, and nobody was without a leader.
    for (const [partition, { leader, isr, leaderEpoch }] of after.entries()) {
      expect(leader).not.toBe(id)
      expect(isr).not.toContain(id)
      expect(leaderEpoch - before[partition]!.leaderEpoch).toBe(1)
    }
    expect(producer.longestMs(stopMs)).toBeLessThan(STALL_MS * slowness())
    await broker(id).restart('SIGTERM')
  }
  await untilWhole()
  await producer.stop()
  const refusals = new Set(producer.sends.flatMap(({ errors }) => errors).map((error) => error.replace(/\d+/g, 'N')))
  for (const refusal of refusals)
    expect(refusal).toMatch(/NOT_LEADER_OR_FOLLOWER|closed|ECONN|BROKER_NOT_AVAILABLE|not registered|connection/i)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const read = new Set(await producer.read(partition))
    const acked = producer.sends.filter((send) => send.partition === partition && send.ackedMs < Number.POSITIVE_INFINITY)
    expect(acked.filter(({ value }) => !read.has(value))).toEqual([])
  }
})

test('brokers that stop together do not wait for one another', { timeout: 30_000 }, async () => {
  for (const one of brokers) if (!one.program.isRunning) await one.restart('SIGTERM')
  await untilWhole()
  const startedMs = performance.now()
  expect(await Promise.all(brokers.map((one) => one.program.stop()))).toEqual([0, 0, 0])
  // Less than one controlled.shutdown.retry.backoff.ms.
  const tookMs = performance.now() - startedMs
  expect(tookMs).toBeLessThan(5000 * slowness())
})
