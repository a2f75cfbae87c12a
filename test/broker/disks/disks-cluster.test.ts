import { afterEach, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { connectCluster } from '../../../src/broker/cluster/connection.ts'
import { Metrics } from '../../../src/broker/metrics/broker-metrics.ts'
import { type BrokerProgram, runBroker } from '../../../src/broker/program.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../../src/client/connection.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { startEmbeddedZooKeeper } from '../../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import { startApacheKafka } from '../../support/apache.ts'
import { batchOf } from '../../support/batches.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { lacks } from '../../support/needs.ts'
import { eventually } from '../../support/net.ts'

const clocks = { monotonic: monotonicClock, wall: wallClock }
const TOPIC = 'd'
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const startZooKeeper = async (): Promise<string> => {
  const config = parseZooConfig('tickTime=500\ndataDir=/zk\nclientPort=0\nclientPortAddress=127.0.0.1\n')
  const server = await startEmbeddedZooKeeper({ config, disk: new MemoryDisk(), clocks, logger: silentLogger })
  cleanup.push(() => server.stop())
  return `127.0.0.1:${server.port}`
}
const startOurs = async (
  id: number,
  zookeeper: string,
  disk: MemoryDisk,
): Promise<{ program: BrokerProgram; metrics: Metrics; port: number }> => {
  const lines = [
    `broker.id=${id}`,
    'listeners=PLAINTEXT://127.0.0.1:0',
    'advertised.listeners=PLAINTEXT://127.0.0.1:0',
    'log.dirs=/one,/two',
    `zookeeper.connect=${zookeeper}`,
    'zookeeper.session.timeout.ms=6000',
    'replica.lag.time.max.ms=4000',
    // What only this broker has cannot be moved, and would be asked for again and again.
    'controlled.shutdown.enable=false',
  ]
  const metrics = new Metrics({ clock: monotonicClock, disk: nodeDisk })
  cleanup.push(() => metrics.stop())
  const program = await runBroker({
    properties: lines.join('\n'),
    overrides: [],
    clocks,
    disk,
    logger: silentLogger,
    connectCluster,
    metrics,
  })
  cleanup.push(() => program.stop())
  return { program, metrics, port: program.broker.ports.get('PLAINTEXT')! }
}

type Now = { partition: number; leader: number; isr: string; offline: string }

const clientOf = (port: number): ClusterClient => {
  const bootstrap = [{ host: '127.0.0.1', port }]
  const client = new ClusterClient({ bootstrap, clientId: 'disks', clock: monotonicClock, logger: silentLogger })
  cleanup.push(() => client.close())
  return client
}
const stateOf = async (client: ClusterClient, topic = TOPIC): Promise<Now[]> => {
  const { partitions } = (await client.topics([topic])).topics[0]!
  return partitions
    .map(({ partitionIndex, leaderId, isrNodes, offlineReplicas }) => ({
      partition: partitionIndex,
      leader: leaderId,
      isr: isrNodes.toSorted((one, other) => one - other).join(),
      offline: offlineReplicas.join(),
    }))
    .toSorted((one, other) => one.partition - other.partition)
}

/** Waits for the states; what stands there instead is the error. */
const becomes = (client: ClusterClient, states: readonly Now[], topic = TOPIC): Promise<true> =>
  eventually(async () => {
    expect(await stateOf(client, topic)).toEqual(states)
    return true as const
  })

const sendTo = async (client: ClusterClient, partition: number): Promise<string> => {
  const leader = (await stateOf(client))[partition]!.leader
  const { host, port } = (await client.brokers()).brokers.find(({ nodeId }) => nodeId === leader)!
  const connection = await KafkaConnection.open({ host, port, clientId: 'disks', clock: monotonicClock, timeoutMs: 10_000 })
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: partition, records: batchOf(['v']) }] }]
  const { responses } = await connection.request(produce, { acks: -1, timeoutMs: 8000, topics })
  connection.close()
  return errorName(responses[0]!.partitions[0]!.errorCode)
}

/** The failing broker has the id 1; who is there first is the controller. */
const loseADirectory = async (client: ClusterClient, disk: MemoryDisk): Promise<void> => {
  await eventually(async () => (await client.brokers()).brokers.length === 2, { what: 'both are there' })
  await new Admin(client).createTopics([{ name: TOPIC, partitions: 4, replicationFactor: 2 }])
  const healthy = Array.from({ length: 4 }, (_unused, partition) => ({
    partition,
    leader: expect.any(Number) as number,
    isr: '0,1',
    offline: '',
  }))
  await becomes(client, healthy)
  for (let partition = 0; partition < 4; partition++) expect(await sendTo(client, partition)).toBe('NONE')
  const lost = disk
    .list('/one')
    .filter(({ name }) => name.startsWith(`${TOPIC}-`))
    .map(({ name }) => Number(name.slice(2)))
  expect(lost).toHaveLength(2)

  disk.fail('write', { code: 'EIO', path: /^\/one\//, times: Infinity })
  // The first append finds out, on whichever side leads.
  for (const partition of lost) await sendTo(client, partition)
  await becomes(
    client,
    healthy.map((state) => (lost.includes(state.partition) ? { ...state, leader: 0, isr: '0', offline: '1' } : state)),
  )
  for (let partition = 0; partition < 4; partition++) expect(await sendTo(client, partition)).toBe('NONE')

  await new Admin(client).createTopics([{ name: 'later', partitions: 3, replicationFactor: 2 }])
  await becomes(client, healthy.slice(0, 3), 'later')
  expect(disk.list('/two').filter(({ name }) => name.startsWith('later-'))).toHaveLength(3)
}

describe('a broker that loses one of its log directories', () => {
  test('keeps the rest; its controller is another of ours; after a restart with a new disk all is in sync again', async () => {
    const zookeeper = await startZooKeeper()
    const first = await startOurs(0, zookeeper, new MemoryDisk(() => Date.now()))
    const disk = new MemoryDisk(() => Date.now())
    const second = await startOurs(1, zookeeper, disk)
    const client = clientOf(first.port)
    await loseADirectory(client, disk)
    expect(second.metrics.text()).toContain('kafka_log_logmanager_offlinelogdirectorycount 1\n')
    expect(await second.program.stop()).toBe(0)
    disk.stopFailing()
    expect(first.metrics.text()).not.toContain('underreplicatedpartitions 0\n')
    await startOurs(1, zookeeper, disk)
    // By the leader's metrics: clients hear of it only after the 5 s in which leaders collect such changes.
    await eventually(() => first.metrics.text().includes('underreplicatedpartitions 0\n'), { what: 'all in sync again' })
  })

  test('is its own controller', async () => {
    const zookeeper = await startZooKeeper()
    const disk = new MemoryDisk(() => Date.now())
    const failing = await startOurs(1, zookeeper, disk)
    await startOurs(0, zookeeper, new MemoryDisk(() => Date.now()))
    await loseADirectory(clientOf(failing.port), disk)
  })

  test.skipIf(lacks('java', 'maven'))(
    'tells an Apache controller, which moves leadership away',
    async () => {
      const zookeeper = await startZooKeeper()
      const apache = await startApacheKafka({ zookeeper, id: 0, extra: ['replica.lag.time.max.ms=4000'] })
      cleanup.push(() => apache.kill())
      const disk = new MemoryDisk(() => Date.now())
      await startOurs(1, zookeeper, disk)
      await loseADirectory(clientOf(apache.port), disk)
    },
    60_000,
  )
})
