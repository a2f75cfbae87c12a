import type { TopicPartition } from '../../base/topic-partition.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import type { ZooKeeperSession } from '../metadata/session.ts'
import { isrChangeZnode } from '../metadata/znodes/isr-change.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import type { IsrChange, IsrChangeResult, IsrStore } from './isr-store.ts'

const RETRY_MS = 1000

const isSame = (a: LeaderAndIsr, b: LeaderAndIsr): boolean =>
  a.leader === b.leader &&
  a.leaderEpoch === b.leaderEpoch &&
  a.controllerEpoch === b.controllerEpoch &&
  a.isr.length === b.isr.length &&
  a.isr.every((id, index) => id === b.isr[index])

/** The state znodes of the partitions. Source: KafkaZkClient.conditionalUpdatePath, ReplicationUtils.updateLeaderAndIsr. */
export class ZooKeeperIsrStore implements IsrStore {
  readonly #session: ZooKeeperSession
  readonly #brokerId: number
  readonly #clock: MonotonicClock

  constructor(session: ZooKeeperSession, brokerId: number, clock: MonotonicClock) {
    this.#session = session
    this.#brokerId = brokerId
    this.#clock = clock
  }

  get isReachable(): boolean {
    return this.#session.client.state === 'CONNECTED'
  }

  async change(partition: TopicPartition, { isr, leaderEpoch, controllerEpoch, zkVersion }: IsrChange): Promise<IsrChangeResult> {
    // The session in which it begins: after another one began, this broker's leadership of then is over.
    const { client } = this.#session
    const wanted = { leader: this.#brokerId, leaderEpoch, isr, controllerEpoch }
    for (;;) {
      try {
        return await write(client, partition, wanted, zkVersion)
      } catch (error) {
        // The next call waits for the next connection, and finds what the lost one wrote.
        if (!isZooKeeperError(error, 'CONNECTION_LOSS', 'OPERATION_TIMEOUT', 'THROTTLED_OP', 'REQUEST_TIMEOUT')) throw error
        if (error.error !== 'CONNECTION_LOSS') await this.#clock.sleep(RETRY_MS)
      }
    }
  }

  /** One znode for the controller to find. */
  async announce(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#session.client.create(isrChangeZnode.sequencePrefix, isrChangeZnode.encode(partitions), { mode: 'persistent-sequential' })
  }
}

const write = async (
  client: ZooKeeperClient,
  { topic, partition }: TopicPartition,
  wanted: LeaderAndIsr,
  zkVersion: number,
): Promise<IsrChangeResult> => {
  const path = partitionStateZnode.path(topic, partition)
  try {
    return { zkVersion: (await client.set(path, partitionStateZnode.encode(wanted), zkVersion)).version }
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return { conflict: true, stored: undefined }
    if (!isZooKeeperError(error, 'BAD_VERSION')) throw error
  }
  const stored = await read(client, { topic, partition })
  return stored && isSame(stored, wanted) ? { zkVersion: stored.zkVersion } : { conflict: true, stored }
}

const read = async (
  client: ZooKeeperClient,
  { topic, partition }: TopicPartition,
): Promise<(LeaderAndIsr & { zkVersion: number }) | undefined> => {
  const found = await unlessRefused(client.get(partitionStateZnode.path(topic, partition)), 'NO_NODE')
  return found?.data ? { ...partitionStateZnode.decode(topic, partition, found.data), zkVersion: found.stat.version } : undefined
}
