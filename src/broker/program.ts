import { constrainedMemory } from 'node:process'
import { totalmem } from 'node:os'
import type { MonotonicClock, Timer, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { WorkerPool } from '../base/worker-pool.ts'
import type { ConnectCluster } from './cluster/link.ts'
import { BrokerConfig } from './config/broker-config.ts'
import { brokerProperties } from './config/file.ts'
import { checkTogether } from './config/together.ts'
import { withServerLogins } from './config/server-logins.ts'
import type { BrokerMetrics } from './ports.ts'
import { type Broker, startBroker } from './start.ts'

export type BrokerProgramOptions = {
  /** The text of server.properties. */
  properties: string
  /** KEY=VALUE; they win over the file. */
  overrides: readonly string[]
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  disk: Disk
  logger: Logger
  connectCluster: ConnectCluster
  metrics: BrokerMetrics
}

export type BrokerProgram = {
  readonly broker: Broker
  /** The exit code: 0 after a clean stop. */
  readonly stopped: Promise<number>
  /** The first call stops cleanly within sofakafka.shutdown.timeout.ms; a second one stops at once, without the clean mark. */
  stop(): Promise<number>
}

/** What the container may use, else the machine. */
const memoryBytes = (): number => {
  const limit = constrainedMemory()
  return limit > 0 && limit < totalmem() ? limit : totalmem()
}

/**
 * Runs a broker until `stop` or until it is cut off from its cluster. Rejects when it cannot start: ConfigError for the configuration, Error in words for the
 * rest.
 */
export const runBroker = async (options: BrokerProgramOptions): Promise<BrokerProgram> => {
  const { clocks, disk, logger } = options
  const properties = brokerProperties(options.properties, options.overrides, (path) => disk.readFile(path).toString('utf8'))
  const config = BrokerConfig.parse(withServerLogins(properties, disk))
  checkTogether(config)
  for (const warning of config.warnings()) logger.warn({ warning }, 'configuration')
  const pool = new WorkerPool({ size: config.get('sofakafka.worker.threads') })
  const broker = await startBroker({
    config,
    clocks,
    disk,
    logger,
    pool,
    connectCluster: options.connectCluster,
    metrics: options.metrics,
    memoryBytes: memoryBytes(),
  })
  const ended = Promise.withResolvers<number>()
  let deadline: Timer | undefined

  const abort = (why: string): void => {
    logger.error({ why }, 'broker stops without the mark of a clean stop')
    broker.abort()
    ended.resolve(1)
  }
  const stopCleanly = async (code: number): Promise<void> => {
    const timeoutMs = config.get('sofakafka.shutdown.timeout.ms')
    deadline = clocks.monotonic.schedule(timeoutMs, () => abort(`stopping took longer than sofakafka.shutdown.timeout.ms (${timeoutMs})`))
    try {
      await broker.stop()
      await pool.close()
      ended.resolve(code)
    } catch (err) {
      logger.error({ err }, 'broker could not stop cleanly')
      abort('an error while stopping')
    } finally {
      deadline.cancel()
    }
  }
  void broker.lost.then((reason) => {
    logger.error({ reason }, 'broker is cut off from its cluster')
    if (!deadline) void stopCleanly(1)
  })
  return {
    broker,
    stopped: ended.promise,
    stop: () => {
      if (deadline) abort('it was told to stop a second time')
      else void stopCleanly(0)
      return ended.promise
    },
  }
}
