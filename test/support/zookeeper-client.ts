import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'

type Options = Partial<Parameters<typeof ZooKeeperClient.connect>[0]> & { host?: string }

/** A client of a test's own, on loopback without `host`. The session outlasts the programs for which a test waits in its own process, where the server grants that. */
export const zooKeeperAt = (port: number, { host = '127.0.0.1', ...options }: Options = {}): Promise<ZooKeeperClient> =>
  ZooKeeperClient.connect({
    servers: [{ host, port }],
    sessionTimeoutMs: 30_000,
    clock: monotonicClock,
    logger: silentLogger,
    ...options,
  })
