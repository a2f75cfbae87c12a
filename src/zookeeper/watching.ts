import type { ZooKeeperClient } from './client.ts'
import { ZooKeeperError, isZooKeeperError } from './errors.ts'
import type { Stat } from './types.ts'
import type { Watch } from './watches.ts'

const THE_END = { SESSION_EXPIRED: 'SESSION_EXPIRED', CLOSED: 'SESSION_EXPIRED' } as const

/** Reads with a fresh watch again and again; what changes while the consumer is busy comes as one value. Throws SESSION_EXPIRED when the session ends. */
async function* follow<T>(client: ZooKeeperClient, read: (watch: Watch) => Promise<T>): AsyncGenerator<T, never> {
  for (;;) {
    const watch = client.newWatch()
    try {
      let value: T
      try {
        value = await read(watch)
      } catch (error) {
        if (isZooKeeperError(error, 'CONNECTION_LOSS')) continue
        throw error
      }
      yield value
      const { type } = await watch.fired
      if (type in THE_END) throw new ZooKeeperError('SESSION_EXPIRED')
    } finally {
      watch.cancel()
    }
  }
}

/** undefined while the znode is absent. One watch covers both answers: where the read finds nothing, `exists` waits for the creation. */
const orAbsent = async <T>(client: ZooKeeperClient, path: string, watch: Watch, read: () => Promise<T>): Promise<T | undefined> => {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!isZooKeeperError(error, 'NO_NODE')) throw error
    }
    if ((await client.exists(path, { watch })) === undefined) return undefined
  }
}

/** The znode's data now and after every change, undefined while it does not exist. */
export const watchData = (client: ZooKeeperClient, path: string): AsyncGenerator<{ data: Buffer | null; stat: Stat } | undefined, never> =>
  follow(client, (watch) => orAbsent(client, path, watch, () => client.get(path, { watch })))

/** The names of the children now and after every change, undefined while the znode does not exist. */
export const watchChildren = (
  client: ZooKeeperClient,
  path: string,
): AsyncGenerator<{ children: readonly string[]; stat: Stat } | undefined, never> =>
  follow(client, (watch) => orAbsent(client, path, watch, () => client.children(path, { watch })))
