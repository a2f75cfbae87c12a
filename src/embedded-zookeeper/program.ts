import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { startEmbeddedZooKeeper, type Clocks } from './server.ts'
import { readZooConfig, type ZooKeeperConfig } from './zoo-cfg.ts'

export type ZooKeeperProgramOptions = { disk: Disk; clocks: Clocks; logger: Logger } & (
  | { configPath: string }
  | { config: ZooKeeperConfig }
)

export type ZooKeeperProgram = {
  /** host:port */
  address: string
  /** The exit code: 0 after `stop`, 1 when the disk failed. */
  stopped: Promise<number>
  stop(): Promise<void>
}

/** `sofakafka zookeeper <zoo.cfg>`. Throws ZooConfigError or StorageError with what to change. */
export const runZooKeeper = async (options: ZooKeeperProgramOptions): Promise<ZooKeeperProgram> => {
  const config = 'config' in options ? options.config : readZooConfig(options.configPath, options.disk)
  const server = await startEmbeddedZooKeeper({ config, disk: options.disk, clocks: options.clocks, logger: options.logger })
  const { promise: stopped, resolve } = Promise.withResolvers<number>()
  void server.failed.then(async () => {
    await server.stop()
    resolve(1)
  })
  const stop = async (): Promise<void> => {
    await server.stop()
    options.logger.info({}, 'ZooKeeper stopped')
    resolve(0)
  }
  return { address: server.address, stopped, stop }
}
