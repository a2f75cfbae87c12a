import { startApacheKafka, startApacheZooKeeper, temporaryDirectory, removeDirectory } from '../../test/support/apache.ts'
import { startOurBroker, startOurZooKeeper } from '../../test/support/ours.ts'

/** One broker with its ZooKeeper, ready to serve on a plain listener. */
export type Peer = { name: string; bootstrap: string; brokerPid: number; startMs: number; httpPort?: number; stop(): Promise<void> }

const SETTINGS = [
  'num.partitions=1',
  'log.retention.hours=1',
  'log.retention.bytes=6442450944',
  'log.retention.check.interval.ms=5000',
  'log.segment.bytes=536870912',
  'log.segment.delete.delay.ms=1000',
]

export const ours = async (): Promise<Peer> => {
  const zookeeper = await startOurZooKeeper()
  const startedMs = performance.now()
  const broker = await startOurBroker({ id: 0, zookeeper: zookeeper.connect, extra: SETTINGS })
  return {
    name: 'SOFAKafka',
    bootstrap: `127.0.0.1:${broker.port}`,
    brokerPid: broker.program.pid,
    startMs: performance.now() - startedMs,
    httpPort: broker.httpPort,
    stop: async () => {
      await broker.stop()
      await zookeeper.stop()
    },
  }
}

/** As kafka-server-start.sh: G1 and a heap of 1 GB. */
export const APACHE_JVM = [
  '-Xmx1G',
  '-Xms1G',
  '-XX:-UseSerialGC',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
  '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:TieredStopAtLevel=4',
]

/** One broker of Apache Kafka, and its ZooKeeper. */
export const apache = async (): Promise<Peer> => {
  const zookeeper = await startApacheZooKeeper('zookeeper-3.5.9')
  const dataDir = temporaryDirectory('apache-kafka')
  const startedMs = performance.now()
  const kafka = await startApacheKafka({ zookeeper: zookeeper.connect, dataDir, extra: SETTINGS, jvm: APACHE_JVM })
  return {
    name: 'Apache Kafka 2.6.3',
    bootstrap: kafka.connect,
    brokerPid: kafka.pid,
    startMs: performance.now() - startedMs,
    stop: async () => {
      await kafka.stop()
      await zookeeper.stop()
      removeDirectory(dataDir)
      removeDirectory(zookeeper.dataDir)
    },
  }
}
