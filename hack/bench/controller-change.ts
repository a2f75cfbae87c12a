// How long a cluster of 3 brokers is without guidance when the broker dies that is its controller: 2,000 partitions of 3 replicas, from the disappearance of
// /controller until every other broker shows a living leader for every partition. Ours beside Apache Kafka 2.6.3, both on Apache ZooKeeper 3.5.9.
// Usage: node hack/bench/controller-change.ts [partitions] [ours|apache]
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { controllerZnode } from '../../src/broker/metadata/znodes/controller.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { createTopics, metadata } from '../../src/protocol/api/index.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { startApacheKafka, startApacheZooKeeper } from '../../test/support/apache.ts'
import { startOurBroker } from '../../test/support/ours.ts'
import { type Row, tableOf } from './report.ts'

const IDS = [0, 1, 2]
const PER_TOPIC = 100
const POLL_MS = 20
const TIMEOUT_MS = 120_000
const SETTINGS = ['zookeeper.session.timeout.ms=6000', 'default.replication.factor=3', 'auto.leader.rebalance.enable=false']

type Node = { id: number; port: number; kill(): Promise<unknown>; stop(): Promise<unknown> }
type StartNode = (id: number, zookeeper: string) => Promise<Node>
export type ControllerChange = { partitions: number; changeMs: number }

const ours: StartNode = async (id, zookeeper) => {
  const broker = await startOurBroker({ id, zookeeper, extra: SETTINGS })
  return { id, port: broker.port, kill: () => broker.program.kill(), stop: () => broker.stop() }
}
const apache: StartNode = async (id, zookeeper) => {
  const broker = await startApacheKafka({ zookeeper, id, extra: SETTINGS, jvm: ['-Xmx1G', '-XX:TieredStopAtLevel=4'] })
  return { id, port: broker.port, kill: () => broker.kill(), stop: () => broker.stop() }
}

const clientOf = (port: number): ClusterClient =>
  new ClusterClient({
    bootstrap: [{ host: '127.0.0.1', port }],
    clientId: 'bench',
    clock: monotonicClock,
    logger: silentLogger,
    timeoutMs: TIMEOUT_MS,
  })
const open = (port: number): Promise<KafkaConnection> =>
  KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'bench', clock: monotonicClock, timeoutMs: TIMEOUT_MS })

/** Partitions that the broker shows with a leader, other than `dead`. */
const ledCount = async (connection: KafkaConnection, dead: number): Promise<number> => {
  const { topics } = await connection.request(metadata, { topics: null, allowAutoTopicCreation: false })
  return topics.flatMap(({ partitions }) => partitions).filter(({ leaderId }) => leaderId >= 0 && leaderId !== dead).length
}

const untilLed = async (connection: KafkaConnection, dead: number, partitions: number): Promise<void> => {
  const endsMs = performance.now() + TIMEOUT_MS
  while ((await ledCount(connection, dead)) < partitions) {
    if (performance.now() > endsMs) throw new Error('not every partition is led again')
    await monotonicClock.sleep(POLL_MS)
  }
}

const createAll = async (port: number, partitions: number): Promise<void> => {
  const client = clientOf(port)
  while ((await client.controller(metadata, { topics: [], allowAutoTopicCreation: false })).brokers.length < IDS.length)
    await monotonicClock.sleep(POLL_MS)
  for (let made = 0; made < partitions; made += PER_TOPIC) {
    const topic = { name: `t${made / PER_TOPIC}`, numPartitions: PER_TOPIC, replicationFactor: IDS.length, assignments: [], configs: [] }
    const answer = await client.controller(createTopics, { topics: [topic], timeoutMs: TIMEOUT_MS })
    const [first] = answer.topics
    if (first!.errorCode !== 0) throw new Error(`${first!.name}: ${first!.errorMessage}`)
  }
  client.close()
}

/** Resolves with the time at which /controller was seen to be gone. */
const controllerGone = async (zookeeper: ZooKeeperClient): Promise<number> => {
  const watch = zookeeper.newWatch()
  await zookeeper.exists(controllerZnode.path, { watch })
  await watch.fired
  return performance.now()
}

export const controllerChange = async (startNode: StartNode, partitions: number): Promise<ControllerChange> => {
  const server = await startApacheZooKeeper('zookeeper-3.5.9')
  const zookeeper = await ZooKeeperClient.connect({
    servers: [{ host: '127.0.0.1', port: server.port }],
    sessionTimeoutMs: 6000,
    clock: monotonicClock,
    logger: silentLogger,
  })
  const nodes: Node[] = []
  try {
    for (const id of IDS) nodes.push(await startNode(id, server.connect))
    await createAll(nodes[0]!.port, partitions)
    const id = controllerZnode.decode((await zookeeper.get(controllerZnode.path)).data!)
    const rest = await Promise.all(nodes.filter((node) => node.id !== id).map(({ port }) => open(port)))
    await Promise.all(rest.map((connection) => untilLed(connection, -1, partitions)))
    const gone = controllerGone(zookeeper)
    await nodes.find((node) => node.id === id)!.kill()
    const goneMs = await gone
    await Promise.all(rest.map((connection) => untilLed(connection, id, partitions)))
    const changeMs = performance.now() - goneMs
    for (const connection of rest) connection.close()
    return { partitions, changeMs }
  } finally {
    for (const node of nodes) await node.kill()
    for (const node of nodes) await node.stop()
    await zookeeper.close()
    await server.stop()
  }
}

export const controllerReport = async (partitions: number): Promise<string> => {
  const theirs = await controllerChange(apache, partitions)
  const mine = await controllerChange(ours, partitions)
  const rows: Row<ControllerChange>[] = [['until every broker knows the new leaders', 'ms', (f) => f.changeMs, 'ours under 2,000 ms']]
  return `${partitions} partitions of three replicas on three brokers; from the disappearance of /controller on.

${tableOf(rows, mine, theirs)}`
}

if (import.meta.main) {
  const partitions = Number(process.argv[2] ?? 2000)
  const sides = { ours, apache }
  for (const [name, start] of Object.entries(sides)) {
    if (process.argv[3] !== undefined && process.argv[3] !== name) continue
    const { changeMs } = await controllerChange(start, partitions)
    process.stdout.write(`${name}: controller change with ${partitions} partitions: ${changeMs.toFixed(0)} ms\n`)
  }
}
