import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { nodeDisk } from '../../../src/base/node-disk.ts'
import { startApiServer } from '../../../src/local/apiserver/server.ts'
import type { ApiServer, ApiServerOptions } from '../../../src/local/apiserver/types.ts'
import type { Target } from '../../support/kube-exchanges.ts'

export const start = (dataDir: string, options: Partial<ApiServerOptions> = {}): Promise<ApiServer> =>
  startApiServer({
    disk: nodeDisk,
    dataDir,
    port: 0,
    clocks: { monotonic: monotonicClock, wall: wallClock },
    logger: silentLogger,
    ...options,
  })

export const targetOf = (server: ApiServer): Target => ({
  url: server.url,
  ca: server.caCertificate,
  token: /token: (\S+)/.exec(server.adminKubeconfig())![1]!,
})
