import { removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory } from '../../test/support/apache.ts'
import { APACHE_JVM } from './peers.ts'
import { startOurBroker, startOurZooKeeper } from '../../test/support/ours.ts'

export type Node = { id: number; port: number; pid: number; end(signal: 'SIGTERM' | 'SIGKILL'): Promise<unknown> }
/** Three brokers with their ZooKeeper; new topics have three replicas, two of which must be in sync. */
export type Cluster = { name: string; bootstrap: string; nodes: Node[]; stop(): Promise<void> }

const IDS = [0, 1, 2]
const SETTINGS = [
  'num.partitions=3',
  'default.replication.factor=3',
  'min.insync.replicas=2',
  'log.retention.bytes=1073741824',
  'log.retention.check.interval.ms=5000',
  'log.segment.bytes=268435456',
  'log.segment.delete.delay.ms=1000',
  'zookeeper.session.timeout.ms=6000',
]

const bootstrapOf = (nodes: readonly Node[]): string => nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')

export const ourCluster = async (): Promise<Cluster> => {
  const zookeeper = await startOurZooKeeper()
  const brokers = await Promise.all(IDS.map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra: SETTINGS })))
  const nodes = brokers.map(({ id, port, program }) => ({
    id,
    port,
    pid: program.pid,
    end: (signal: NodeJS.Signals) => (signal === 'SIGKILL' ? program.kill() : program.stop()),
  }))
  return {
    name: 'SOFAKafka',
    bootstrap: bootstrapOf(nodes),
    nodes,
    stop: async () => {
      await Promise.all(brokers.map((broker) => broker.stop()))
      await zookeeper.stop()
    },
  }
}

export const apacheCluster = async (): Promise<Cluster> => {
  const zookeeper = await startApacheZooKeeper('zookeeper-3.5.9')
  const brokers = await Promise.all(
    IDS.map((id) =>
      startApacheKafka({ id, zookeeper: zookeeper.connect, dataDir: temporaryDirectory('apache-kafka'), extra: SETTINGS, jvm: APACHE_JVM }),
    ),
  )
  const nodes = brokers.map((broker, id) => ({
    id,
    port: broker.port,
    pid: broker.pid,
    end: (signal: NodeJS.Signals) => (signal === 'SIGKILL' ? broker.kill() : broker.stop()),
  }))
  return {
    name: 'Apache Kafka 2.6.3',
    bootstrap: bootstrapOf(nodes),
    nodes,
    stop: async () => {
      await Promise.all(brokers.map((broker) => broker.stop()))
      await zookeeper.stop()
      for (const { dataDir } of [...brokers, zookeeper]) removeDirectory(dataDir)
    },
  }
}
