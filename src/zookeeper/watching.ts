import type { ZooKeeperClient } from './client.ts'
import { ZooKeeperError, isZooKeeperError } from './errors.ts'
import type { Stat } from './types.ts'
import type { Watch } from './watches.ts'

type Options = { signal?: AbortSignal }

/** Reads again after CONNECTION_LOSS: the next read waits for the next connection. */
const readAnyway = async <T>(read: () => Promise<T>): Promise<T> => {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!isZooKeeperError(error, 'CONNECTION_LOSS')) throw error
    }
  }
}

/** Reads with a fresh watch again and again; what changes while the consumer is busy comes as one value. */
async function* follow<T>(client: ZooKeeperClient, read: (watch: Watch) => Promise<T>, signal?: AbortSignal): AsyncGenerator<T, void> {
  let watch = client.newWatch()
  // The abort ends the wait by the watch itself: a race with a long-lived promise would grow with every round.
  const wake = () => watch.fire({ type: 'CLOSED', path: '/' })
  signal?.addEventListener('abort', wake, { once: true })
  try {
    for (;;) {
      if (signal?.aborted) return
      yield await readAnyway(() => read(watch))
      const { type } = signal?.aborted ? { type: 'CLOSED' } : await watch.fired
      if (signal?.aborted) return
      if (type === 'SESSION_EXPIRED' || type === 'CLOSED') throw new ZooKeeperError('SESSION_EXPIRED')
      watch.cancel()
      watch = client.newWatch()
    }
  } finally {
    signal?.removeEventListener('abort', wake)
    watch.cancel()
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

/**
 * The znode's data now and after every change, undefined while it does not exist. Ends after `signal`, also while it waits; throws SESSION_EXPIRED when
 * the session ends.
 */
export const watchData = (
  client: ZooKeeperClient,
  path: string,
  { signal }: Options = {},
): AsyncGenerator<{ data: Buffer | null; stat: Stat } | undefined, void> =>
  follow(client, (watch) => orAbsent(client, path, watch, () => client.get(path, { watch })), signal)

/** The names of the children now and after every change, undefined while the znode does not exist; ends as watchData does. */
export const watchChildren = (
  client: ZooKeeperClient,
  path: string,
  { signal }: Options = {},
): AsyncGenerator<{ children: readonly string[]; stat: Stat } | undefined, void> =>
  follow(client, (watch) => orAbsent(client, path, watch, () => client.children(path, { watch })), signal)
