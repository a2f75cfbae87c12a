import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { Address } from '../../client/address.ts'
import type { ConnectionOptions } from '../../client/connection.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { interBrokerListenerOf } from '../config/listeners.ts'
import { interBrokerLogin } from '../login/inter-broker.ts'
import type { FollowerFigures } from '../ports.ts'
import type { BrokerNode } from '../metadata/view.ts'
import { type Leader, RemoteLeader } from './fetch-leader.ts'
import { FollowedPartition, type Replica } from './fetch-partition.ts'
import { Fetcher, type FetchSettings } from './fetcher.ts'
import type { Followers } from './followers.ts'
import { ReplicationQuota } from './replication-quota.ts'

export type ReplicaFetchersOptions = {
  brokerId: number
  /** What holds now. */
  config: () => BrokerConfig
  /** Who is there to be followed; `index` numbers the fetchers of one leader. */
  leader: (brokerId: number, index: number) => Leader
  clock: MonotonicClock
  logger: Logger
}

/** A leader sends a first batch whole, however large it is; memory is taken only for what has arrived. */
const MAX_RESPONSE_BYTES = 0x7fff_ffff
const SECOND_MS = 1000

const settingsOf = (config: BrokerConfig): FetchSettings => ({
  maxBytes: config.get('replica.fetch.max.bytes'),
  minBytes: config.get('replica.fetch.min.bytes'),
  maxWaitMs: config.get('replica.fetch.wait.max.ms'),
  responseMaxBytes: config.get('replica.fetch.response.max.bytes'),
  backoffMs: config.get('replica.fetch.backoff.ms'),
})

const countOf = (config: BrokerConfig): number => Math.max(1, config.get('num.replica.fetchers'))

/** The throttle of one side of replication; its rate may change at run time. */
export const replicationQuota = (
  side: 'leader' | 'follower',
  { brokerId, config, clock }: Pick<ReplicaFetchersOptions, 'brokerId' | 'config' | 'clock'>,
): ReplicationQuota =>
  new ReplicationQuota({
    side,
    brokerId,
    clock,
    bytesPerSecond: () => config().get(`${side}.replication.throttled.rate`),
    windows: config().get('replication.quota.window.num'),
    windowMs: config().get('replication.quota.window.size.seconds') * SECOND_MS,
  })

/** Leaders over the inter-broker listener, at the addresses that the controller last told. ConfigError where the login is not written down. */
export const remoteLeaders =
  (options: {
    brokerId: number
    config: BrokerConfig
    brokers: (listener: string) => readonly BrokerNode[]
    clock: MonotonicClock
    disk: Disk
  }): ReplicaFetchersOptions['leader'] =>
  (leaderId, index) => {
    const { brokerId, config, brokers, clock, disk } = options
    const { name } = interBrokerListenerOf(config)
    const login = interBrokerLogin({ config, clock, disk, clientId: `broker-${brokerId}-fetcher-${index}` })
    const connection = (address: Address): ConnectionOptions => ({
      ...login(address),
      timeoutMs: config.get('replica.socket.timeout.ms'),
      maxResponseBytes: MAX_RESPONSE_BYTES,
      reusesMemory: true,
    })
    return new RemoteLeader({ brokerId: leaderId, address: () => brokers(name).find(({ id }) => id === leaderId), connection })
  }

/** As String.hashCode of Java: 31 * h + c over UTF-16 units, in 32 bits. */
const javaHash = (text: string): number => {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(31, hash) + text.charCodeAt(index)) | 0
  return hash
}
/** Which of `count` fetchers follows a partition. Source: AbstractFetcherManager.getFetcherId of 2.6.3. */
export const fetcherOf = (topic: string, partition: number, count: number): number => {
  const hash = (Math.imul(31, javaHash(topic)) + partition) | 0
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % count
}

type Place = { leaderId: number; fetcher: Fetcher; followed: FollowedPartition }

/** All that this broker follows: num.replica.fetchers fetchers per leader, each with its share of the partitions. */
export class ReplicaFetchers implements Followers {
  readonly #options: ReplicaFetchersOptions
  readonly #fetchers = new Map<string, Fetcher>()
  readonly #places = new Map<Replica, Place>()
  readonly quota: ReplicationQuota
  #count: number
  #isStopped = false

  constructor(options: ReplicaFetchersOptions) {
    this.#options = options
    this.quota = replicationQuota('follower', options)
    this.#count = countOf(options.config())
  }

  follow(replica: Replica, { brokerId, leaderEpoch }: { brokerId: number; leaderEpoch: number }): void {
    if (this.#isStopped) return
    const known = this.#places.get(replica)
    if (known?.leaderId === brokerId && known.followed.leaderEpoch === leaderEpoch && known.fetcher.holds(known.followed)) return
    if (known) void known.fetcher.remove(known.followed)
    this.#place(brokerId, new FollowedPartition(replica, leaderEpoch))
  }

  async unfollow(replica: Replica): Promise<void> {
    const known = this.#places.get(replica)
    if (!known) return
    this.#places.delete(replica)
    await known.fetcher.remove(known.followed)
  }

  /** num.replica.fetchers may have changed: spreads the partitions anew. Each goes on where it is. */
  async configChanged(): Promise<void> {
    const count = countOf(this.#options.config())
    if (count === this.#count || this.#isStopped) return
    this.#count = count
    for (const [replica, place] of this.#places) {
      await place.fetcher.remove(place.followed)
      if (this.#places.get(replica) === place) this.#place(place.leaderId, place.followed)
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#places.clear()
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.stop()))
    this.#fetchers.clear()
  }

  figures(): FollowerFigures {
    const lags: FollowerFigures['lags'][number][] = []
    let [failedPartitions, bytesIn, reassignmentBytesIn] = [0, 0, 0]
    for (const [key, fetcher] of this.#fetchers) {
      failedPartitions += fetcher.failedCount
      bytesIn += fetcher.bytesIn
      reassignmentBytesIn += fetcher.reassignmentBytesIn
      const [leaderId, index] = key.split('/')
      for (const { replica, lag } of fetcher.partitions) {
        const { topic, partition } = replica
        lags.push({ clientId: `ReplicaFetcherThread-${index}-${leaderId}`, topic, partition, lag: lag ?? 0 })
      }
    }
    return { lags, failedPartitions, bytesIn, reassignmentBytesIn }
  }

  #place(leaderId: number, followed: FollowedPartition): void {
    const { topic, partition } = followed.replica
    const fetcher = this.#fetcher(leaderId, fetcherOf(topic, partition, this.#count))
    this.#places.set(followed.replica, { leaderId, fetcher, followed })
    fetcher.add(followed)
  }

  #fetcher(leaderId: number, index: number): Fetcher {
    const key = `${leaderId}/${index}`
    const known = this.#fetchers.get(key)
    if (known) return known
    const { brokerId, config, leader, clock, logger } = this.#options
    const made = new Fetcher({
      leader: leader(leaderId, index),
      replicaId: brokerId,
      settings: () => settingsOf(config()),
      quota: this.quota,
      clock,
      logger: logger.child({ leader: leaderId, fetcher: index }),
    })
    this.#fetchers.set(key, made)
    return made
  }
}
