/**
 * The library: start a broker or the embedded ZooKeeper inside your own process, for tests and tools, and the types of the custom resources.
 * Nothing of a program is loaded before it is started.
 */
import { monotonicClock, wallClock } from './base/clock.ts'
import type { Logger } from './base/logger.ts'

export type * from './api/index.ts'
export type { Logger } from './base/logger.ts'

const clocks = { monotonic: monotonicClock, wall: wallClock }

export type StartedBroker = {
  brokerId: number
  clusterId: string
  /** Bound ports by listener name. */
  ports: ReadonlyMap<string, number>
  /** Stops cleanly; resolves with the exit code, 0 when everything is on disk. */
  stop(): Promise<number>
}

/**
 * Starts a broker in this process. `properties` is the text of a server.properties file, `overrides` are KEY=VALUE lines that win over it. Rejects in words when the
 * configuration cannot be used or ZooKeeper cannot be reached. Logs nothing unless `logger` is given.
 */
export const startBroker = async (options: {
  properties: string
  overrides?: readonly string[]
  logger?: Logger
}): Promise<StartedBroker> => {
  const [{ runBroker }, { connectCluster }, { Metrics }, { nodeDisk }, { silentLogger }] = await Promise.all([
    import('./broker/program.ts'),
    import('./broker/cluster/connection.ts'),
    import('./broker/metrics/broker-metrics.ts'),
    import('./base/node-disk.ts'),
    import('./base/logger.ts'),
  ])
  const metrics = new Metrics({ clock: monotonicClock, disk: nodeDisk })
  const { properties, overrides = [], logger = silentLogger } = options
  const program = await runBroker({ properties, overrides, clocks, disk: nodeDisk, logger, connectCluster, metrics })
  const { brokerId, clusterId, ports } = program.broker
  return {
    brokerId,
    clusterId,
    ports,
    stop: async () => {
      const code = await program.stop()
      metrics.stop()
      return code
    },
  }
}

/** Starts the embedded ZooKeeper of a zoo.cfg in this process; `connect` is for zookeeper.connect. */
export const startZooKeeper = async (options: {
  configPath: string
  logger?: Logger
}): Promise<{ connect: string; stop(): Promise<void> }> => {
  const [{ runZooKeeper }, { nodeDisk }, { silentLogger }] = await Promise.all([
    import('./embedded-zookeeper/program.ts'),
    import('./base/node-disk.ts'),
    import('./base/logger.ts'),
  ])
  const program = await runZooKeeper({ configPath: options.configPath, disk: nodeDisk, clocks, logger: options.logger ?? silentLogger })
  return { connect: program.address, stop: () => program.stop() }
}
