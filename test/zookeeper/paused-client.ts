/** A client whose event loop stands still for longer than its session lives, then tries to write. Arguments: port, path. Prints what it learned. */
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'

const [port, path] = process.argv.slice(2)
const client = await ZooKeeperClient.connect({
  servers: [{ host: '127.0.0.1', port: Number(port) }],
  sessionTimeoutMs: 1000,
  clock: monotonicClock,
  logger: silentLogger,
})
await client.create(`${path}/mine`, null, { mode: 'ephemeral' })
const before = client.state
// Not an await: nothing else in this process runs meanwhile.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2600)
const attempts = await Promise.all(
  [client.set(path!, Buffer.from('zombie'), -1), client.create(`${path}/zombie`, null)].map(async (attempt) => {
    try {
      await attempt
      return 'APPLIED'
    } catch (error) {
      return (error as { error: string }).error
    }
  }),
)
console.log(JSON.stringify({ before, attempts, after: client.state }))
await client.close()
