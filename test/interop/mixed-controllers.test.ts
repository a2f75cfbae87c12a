import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { controllerZnode } from '../../src/broker/metadata/znodes/controller.ts'
import { partitionStateZnode } from '../../src/broker/metadata/znodes/partition-state.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { createTopics } from '../../src/protocol/api/index.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { isZooKeeperError } from '../../src/zookeeper/errors.ts'
import { type ApacheServer, removeDirectory, startApacheKafka, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { freePort } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { until } from '../broker/controller/fake-broker.ts'
import { SteadyProducer } from './steady-producer.ts'
import { slowness } from '../support/slowness.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

/** A session's time-out: what is handed over does not wait for it. */
const STALL_MS = 3000

const OURS = 0
const EXTRA = [
  // The records' timestamps are years old.
  'log.retention.ms=-1',
  'zookeeper.session.timeout.ms=3000',
  'replica.lag.time.max.ms=3000',
  'auto.leader.rebalance.enable=false',
  'min.insync.replicas=1',
]
const ASSIGNMENT = [
  [1, 2, OURS],
  [2, OURS, 1],
  [OURS, 1, 2],
]

let zookeeper: OurZooKeeper
let client: ZooKeeperClient
let ours: OurBroker
let producer: SteadyProducer
const apache = new Map<number, { server: ApacheServer; dataDir: string; port: number }>()

const startApache = async (id: number): Promise<void> => {
  const known = apache.get(id) ?? { dataDir: temporaryDirectory(`apache-${id}`), port: await freePort() }
  const server = await startApacheKafka({ zookeeper: zookeeper.connect, id, ...known, extra: EXTRA })
  apache.set(id, { ...known, server })
}
const controllerId = async (): Promise<number> => {
  try {
    return controllerZnode.decode((await client.get(controllerZnode.path)).data!)
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return -1
    throw error
  }
}
const state = async (partition: number) => {
  const { data } = await client.get(partitionStateZnode.path('t', partition))
  return partitionStateZnode.decode('t', partition, data!)
}
const untilInSync = (count: number): Promise<void> =>
  until(
    `${count} in sync`,
    async () => {
      const states = await Promise.all(ASSIGNMENT.map((_replicas, partition) => state(partition)))
      return states.every(({ isr, leader }) => leader >= 0 && isr.length === count)
    },
    40_000,
  )
const ledBy = async (id: number): Promise<number[]> => {
  const states = await Promise.all(ASSIGNMENT.map((_replicas, partition) => state(partition)))
  return states.flatMap(({ leader }, partition) => (leader === id ? [partition] : []))
}
const leadSomething = async (id: number): Promise<void> => {
  if ((await ledBy(id)).length === 0) throw new Error(`broker ${id} leads nothing, the test would show nothing`)
}

describe.skipIf(lacks('java', 'maven'))('two Apache brokers and one of ours', () => {
  beforeAll(async () => {
    zookeeper = await startOurZooKeeper()
    client = await zooKeeperAt(zookeeper.port)
    ours = await startOurBroker({ id: OURS, zookeeper: zookeeper.connect, extra: EXTRA })
    await Promise.all([startApache(1), startApache(2)])
    const admin = new ClusterClient({
      bootstrap: [{ host: '127.0.0.1', port: ours.port }],
      clientId: 'test',
      clock: monotonicClock,
      logger: silentLogger,
    })
    await until('all brokers', async () => (await admin.brokers()).brokers.length === 3, 20_000)
    const assignments = ASSIGNMENT.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds }))
    const answer = await admin.controller(createTopics, {
      topics: [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments, configs: [] }],
      timeoutMs: 20_000,
    })
    admin.close()
    expect(answer.topics).toMatchObject([{ errorCode: 0 }])
    producer = new SteadyProducer('t', [ours.port, ...[...apache.values()].map(({ port }) => port)]).start(ASSIGNMENT.length)
    await until('records', () => producer.sends.length > 30, 20_000)
  }, 90_000)

  afterAll(async () => {
    producer?.close()
    for (const { server, dataDir } of apache.values()) {
      await server.kill()
      removeDirectory(dataDir)
    }
    await ours?.program.kill()
    await ours?.stop()
    await client?.close()
    await zookeeper?.stop()
  }, 30_000)

  test('ours is the controller: an Apache broker stops in order, another one is killed, both come back', { timeout: 120_000 }, async () => {
    expect(await controllerId()).toBe(OURS)
    expect(await Promise.all(ASSIGNMENT.map(async (_replicas, partition) => (await state(partition)).leader))).toEqual([1, 2, OURS])
    await untilInSync(3)

    await leadSomething(2)
    const stopMs = performance.now()
    await apache.get(2)!.server.stop()
    expect(producer.longestMs(stopMs)).toBeLessThan(STALL_MS * slowness())
    expect(ours.program.output).toContain('a broker wants to stop')
    expect(await ledBy(2)).toEqual([])
    await startApache(2)
    await untilInSync(3)

    await leadSomething(1)
    await apache.get(1)!.server.kill()
    await until('somebody else leads', async () => (await ledBy(1)).length === 0, 20_000)
    await startApache(1)
    await untilInSync(3)
    expect(await controllerId()).toBe(OURS)
  })

  test('Apache is the controller: ours hands over and comes back, twice', { timeout: 120_000 }, async () => {
    await leadSomething(OURS)
    expect(await controllerId()).toBe(OURS)
    // The controller itself stops: its partitions first, then its office.
    const stopMs = performance.now()
    await ours.restart('SIGTERM')
    expect(producer.longestMs(stopMs)).toBeLessThan(STALL_MS * slowness())
    await until('an Apache controller', async () => (await controllerId()) > 0, 20_000)
    await untilInSync(3)
    expect(await ledBy(OURS)).toEqual([])

    // Now there is something to hand over to an Apache controller: stop whoever leads.
    const other = (await controllerId()) === 1 ? 2 : 1
    await apache.get(other)!.server.stop()
    await until('ours leads', async () => (await ledBy(OURS)).length > 0, 20_000)
    await startApache(other)
    await untilInSync(3)
    await leadSomething(OURS)
    const secondStopMs = performance.now()
    await ours.restart('SIGTERM')
    expect(producer.longestMs(secondStopMs)).toBeLessThan(STALL_MS * slowness())
    expect(await ledBy(OURS)).toEqual([])
    await untilInSync(3)
  })

  test('nothing that was acknowledged is missing', { timeout: 60_000 }, async () => {
    await producer.stop()
    for (const [partition] of ASSIGNMENT.entries()) {
      const read = new Set(await producer.read(partition))
      const acked = producer.sends.filter((send) => send.partition === partition && send.ackedMs < Number.POSITIVE_INFINITY)
      expect(acked.length).toBeGreaterThan(100)
      expect(acked.filter(({ value }) => !read.has(value)).map(({ value }) => value)).toEqual([])
    }
  })
})
