import { join } from 'node:path'
import { monotonicClock, type MonotonicClock, wallClock, type WallClock } from '../../src/base/clock.ts'
import type { Disk } from '../../src/base/disk.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { silentLogger, type Logger } from '../../src/base/logger.ts'
import { WorkerPool } from '../../src/base/worker-pool.ts'
import { BrokerConfig } from '../../src/broker/config/broker-config.ts'
import { startBroker, type Broker } from '../../src/broker/start.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { removeDirectory, temporaryDirectory } from './apache.ts'
import { CountingMetrics, MemoryCluster, type MemoryClusterOptions } from './memory-cluster.ts'

export type TestBrokerOptions = MemoryClusterOptions & {
  properties?: Record<string, string>
  clocks?: { monotonic: MonotonicClock; wall: WallClock }
  memoryBytes?: number
  logger?: Logger
  dataDir?: string
  /** The real one where absent. */
  disk?: Disk
}

export type TestBroker = Broker & {
  port: number
  dataDir: string
  cluster: MemoryCluster
  metrics: CountingMetrics
  client(options?: Partial<Parameters<typeof KafkaConnection.open>[0]>): Promise<KafkaConnection>
  /** Stops the broker and removes its directory. */
  end(): Promise<void>
}

/** A whole broker on 127.0.0.1 and a temporary directory, in a cluster that exists only in memory. */
export const startTestBroker = async (options: TestBrokerOptions = {}): Promise<TestBroker> => {
  const dataDir = options.dataDir ?? temporaryDirectory('broker')
  const properties = {
    'broker.id': '0',
    listeners: 'PLAINTEXT://127.0.0.1:0',
    'log.dirs': join(dataDir, 'data'),
    'zookeeper.connect': 'unused:2181',
    ...options.properties,
  }
  const config = BrokerConfig.parse(new Map(Object.entries(properties)))
  const cluster = new MemoryCluster(config, options)
  const metrics = new CountingMetrics()
  const pool = new WorkerPool({ size: 1 })
  const broker = await startBroker({
    config,
    disk: options.disk ?? nodeDisk,
    clocks: options.clocks ?? { monotonic: monotonicClock, wall: wallClock },
    logger: options.logger ?? silentLogger,
    pool,
    metrics,
    memoryBytes: options.memoryBytes ?? 1_073_741_824,
    connectCluster: () => Promise.resolve(cluster),
  })
  const port = [...broker.ports.values()][0]!
  return {
    ...broker,
    port,
    dataDir,
    cluster,
    metrics,
    client: (more) =>
      KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'test', clock: monotonicClock, timeoutMs: 10_000, ...more }),
    end: async () => {
      await broker.stop()
      await pool.close()
      removeDirectory(dataDir)
    },
  }
}
