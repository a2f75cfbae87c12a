import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import { dialOf, type ZooKeeperEntrance } from '../kafka/contacts.ts'
import { registeredEndpoints } from '../kafka/registrations.ts'

export type PartitionPlace = { topic: string; partition: number; replicas: readonly number[]; isr: readonly number[] }
/** What stands in ZooKeeper, of old brokers and ours alike: the endpoints of those that are registered, and where partitions are. */
export type OldCluster = { brokers: ReadonlyMap<number, readonly string[]>; partitions: readonly PartitionPlace[] }
export type LookAtCluster = (entrance: ZooKeeperEntrance) => Promise<OldCluster>

const SESSION_TIMEOUT_MS = 10_000
const CONNECT_WITHIN_MS = 5000
const TOPICS = '/brokers/topics'
const TOPICS_AT_A_TIME = 50

type Store = Pick<ZooKeeperClient, 'get' | 'children'>

const jsonAt = async <T>(zookeeper: Store, path: string): Promise<T | undefined> => {
  const found = await unlessRefused(zookeeper.get(path), 'NO_NODE')
  return found && (JSON.parse(found.data?.toString('utf8') ?? '{}') as T)
}

const partitionsOf = async (zookeeper: Store, topic: string): Promise<PartitionPlace[]> => {
  const assigned = (await jsonAt<{ partitions: Record<string, number[]> }>(zookeeper, `${TOPICS}/${topic}`))?.partitions ?? {}
  const places = Object.entries(assigned).map(async ([partition, replicas]): Promise<PartitionPlace> => {
    const state = await jsonAt<{ isr: number[] }>(zookeeper, `${TOPICS}/${topic}/partitions/${partition}/state`)
    return { topic, partition: Number(partition), replicas, isr: state?.isr ?? [] }
  })
  return Promise.all(places)
}

const read = async (zookeeper: Store): Promise<OldCluster> => {
  const brokers = await registeredEndpoints(zookeeper)
  const topics = (await zookeeper.children(TOPICS)).children
  const partitions: PartitionPlace[] = []
  for (let at = 0; at < topics.length; at += TOPICS_AT_A_TIME) {
    const some = topics.slice(at, at + TOPICS_AT_A_TIME)
    partitions.push(...(await Promise.all(some.map((topic) => partitionsOf(zookeeper, topic)))).flat())
  }
  return { brokers, partitions }
}

/** Reads ZooKeeper as it is now, in a session of its own: it works before a broker of ours is there. Rejects with ZooKeeperError. */
export const lookAtCluster =
  (options: { clock: MonotonicClock; logger: Logger }): LookAtCluster =>
  async (entrance) => {
    const { servers, chroot, login } = entrance
    const zookeeper = await ZooKeeperClient.connect({
      ...options,
      servers,
      ...dialOf(entrance),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_WITHIN_MS,
      ...(chroot ? { chroot } : {}),
      ...(login ? { saslDigest: login } : {}),
    })
    try {
      return await read(zookeeper)
    } finally {
      await zookeeper.close()
    }
  }
