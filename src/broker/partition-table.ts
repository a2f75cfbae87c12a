import type { TopicPartition } from '../base/topic-partition.ts'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { PartitionMap } from '../base/partition-map.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { LogManager } from '../log/log-manager.ts'
import { Turns } from '../log/turns.ts'
import { WakeQueue } from './fetch/waiter.ts'
import { Partition, type PartitionContext } from './partition.ts'
import type { Leadership } from './replicas/leadership.ts'
import type { Partitions } from './partitions.ts'
import type { Followers } from './replicas/followers.ts'
import type { Incarnations } from './replicas/incarnations.ts'
import type { IsrStore } from './replicas/isr-store.ts'

export type PartitionTableOptions = {
  brokerId: number
  logs: LogManager
  /** A topic's settings when its log is made. */
  logConfigOf: (topic: string) => LogConfig
  /** Whether the cluster has the partition, wherever it is: decides between two errors. */
  isKnown: (topic: string, partition: number) => boolean
  /** Whether the broker is in the cluster, as far as this one knows. */
  isAlive: (brokerId: number) => boolean
  /** This broker begins to lead the partition, or no longer does; said again while nothing changed, too. */
  onRole: (topic: string, partition: number, isLeader: boolean) => void
  /** Where in-sync sets are written. */
  isrStore: IsrStore
  /** An in-sync set that this broker wrote. */
  onIsrChange: (partition: TopicPartition) => void
  followers: Followers
  /** Absent: a log is taken for what it is named. */
  incarnations?: Incarnations | undefined
  /** replica.lag.time.max.ms */
  lagTimeMaxMs: () => number
  clock: MonotonicClock
  logger: Logger
}

/** The controller names no leader. */
const NO_LEADER = -1

/** All replicas on this broker. Who speaks for the controller changes it by lead, follow and stop. */
export class PartitionTable implements Partitions {
  /** Changes that the controller asks for come one after the other. */
  readonly changes = new Turns()
  /** In-sync sets that this broker changed, and changes where another had written first. */
  readonly isrChanges = { shrink: 0, expand: 0, failed: 0 }
  readonly #options: PartitionTableOptions
  readonly #partitions = new PartitionMap<Partition>()
  readonly #context: PartitionContext
  readonly #fenced = new Set<Partition>()
  /** Counts how often all leaders here stepped down: a change that began before is not carried through. */
  #life = 0
  #isLeaving = false

  constructor(options: PartitionTableOptions) {
    const { brokerId, clock, logger, isAlive, lagTimeMaxMs, isrStore } = options
    this.#options = options
    const observer = {
      changed: (partition: TopicPartition, change: 'shrink' | 'expand') => {
        this.isrChanges[change]++
        options.onIsrChange(partition)
      },
      failed: () => void this.isrChanges.failed++,
    }
    const isr = { brokerId, store: isrStore, observer, clock, logger }
    this.#context = { brokerId, wakes: new WakeQueue(), clock, lagTimeMaxMs, isAlive, isr }
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#partitions.get(topic, partition)
  }

  all(): Generator<Partition> {
    return this.#partitions.values()
  }

  leader(topic: string, partition: number, currentLeaderEpoch = -1): Partition {
    const found = this.#mustGet(topic, partition)
    found.checkLeader(currentLeaderEpoch)
    return found
  }

  replica(topic: string, partition: number, currentLeaderEpoch = -1): Partition {
    const found = this.#mustGet(topic, partition)
    found.checkReplica(currentLeaderEpoch)
    return found
  }

  #mustGet(topic: string, partition: number): Partition {
    const found = this.get(topic, partition)
    if (found) return found
    throw new KafkaError(this.#options.isKnown(topic, partition) ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }

  /**
   * Whether a leader epoch from the controller is news: it must be greater than the known one. One that stepped down because the session was lost may begin its
   * epoch again.
   */
  isNewer(topic: string, partition: number, leaderEpoch: number): boolean {
    const replica = this.get(topic, partition)
    if (!replica) return true
    return leaderEpoch > replica.leaderEpoch || (leaderEpoch === replica.leaderEpoch && this.#fenced.has(replica))
  }

  /**
   * Makes this broker the leader; the log is made where there is none. KAFKA_STORAGE_ERROR or Node's error when it cannot be; STALE_BROKER_EPOCH when all
   * leaders here stepped down meanwhile.
   */
  async lead(topic: string, partition: number, leadership: Leadership, isNew: boolean): Promise<Partition> {
    const life = this.#life
    const replica = this.#hosted(topic, partition, isNew) ?? (await this.#host(topic, partition, isNew))
    if (replica.isFollower) await this.#options.followers.unfollow(replica)
    await replica.change(() => {
      this.#checkChange(replica, life)
      return replica.lead(leadership)
    })
    this.#checkChange(replica, life)
    this.#fenced.delete(replica)
    this.#options.onRole(topic, partition, true)
    return replica
  }

  /**
   * Follows another leader. Without a leader to follow the replica stays what it is, as in Kafka, but for a leader: it steps down. Errors: those of lead.
   */
  async follow(topic: string, partition: number, leadership: Leadership, isNew: boolean): Promise<Partition> {
    const { followers, onRole } = this.#options
    const life = this.#life
    const replica = this.#hosted(topic, partition, isNew) ?? (await this.#host(topic, partition, isNew))
    if (replica.isLeader) replica.resign()
    onRole(topic, partition, false)
    if (leadership.leader <= NO_LEADER) return replica
    await followers.unfollow(replica)
    await replica.change(() => {
      this.#checkChange(replica, life)
      replica.follow(leadership)
    })
    this.#fenced.delete(replica)
    if (!this.#isLeaving) followers.follow(replica, { brokerId: leadership.leader, leaderEpoch: leadership.leaderEpoch })
    return replica
  }

  /** The broker is about to stop: new leaders are not followed any more, or it would be in sync again, and be missed there, when it goes. */
  leave(): void {
    this.#isLeaving = true
  }

  #checkChange(replica: Partition, life: number): void {
    if (replica.isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    if (life !== this.#life) throw new KafkaError('STALE_BROKER_EPOCH')
  }

  /** No longer serves the replica, nor follows; with `deletes` it is forgotten and its log goes, too. */
  async stop(topic: string, partition: number, deletes: boolean): Promise<void> {
    const { followers, logs, onRole } = this.#options
    const replica = this.get(topic, partition)
    if (replica) {
      replica.resign()
      await followers.unfollow(replica)
      this.#fenced.delete(replica)
    }
    onRole(topic, partition, false)
    if (!deletes) return
    if (replica) this.#partitions.delete(topic, partition)
    if (logs.get(topic, partition)) await logs.delete(topic, partition)
  }

  /** All leaders here step down, so that everyone who waits gets an answer. They lead again when the controller says so. */
  resignAll(): void {
    this.#life++
    for (const replica of this.all()) {
      if (replica.isLeader) this.#fenced.add(replica)
      else if (replica.isFollower) continue
      replica.resign()
      this.#options.onRole(replica.topic, replica.partition, false)
    }
  }

  /** The log directory failed: its replicas serve and follow no more, until a restart. */
  async offline(logDir: string): Promise<void> {
    const failed = [...this.all()].filter((replica) => !replica.isOffline && replica.log.logDir === logDir)
    for (const replica of failed) {
      replica.goOffline()
      this.#options.onRole(replica.topic, replica.partition, false)
    }
    await Promise.all(failed.map((replica) => this.#options.followers.unfollow(replica)))
  }

  /** Looks at all in-sync sets that this broker leads; every half of replica.lag.time.max.ms. */
  checkFollowers(): void {
    for (const replica of this.all()) replica.checkFollowers()
  }

  /** The replica, where there is one; without incarnations one is made at once. */
  #hosted(topic: string, partition: number, isNew: boolean): Partition | undefined {
    const known = this.get(topic, partition)
    if (known?.isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    return known ?? (this.#options.incarnations ? undefined : this.#create(topic, partition, isNew))
  }

  /** The first word of the controller on a partition since the start: what is in its directory may be of another topic of the same name. */
  async #host(topic: string, partition: number, isNew: boolean): Promise<Partition> {
    const { logs, incarnations, logger } = this.#options
    const now = await incarnations?.of(topic)
    const old = logs.get(topic, partition)
    if (incarnations && now && old && incarnations.isForeign(old, now, isNew)) {
      logger.warn({ topic, partition, records: old.logEndOffset - old.logStartOffset }, 'the log of a deleted topic of the same name goes')
      await logs.delete(topic, partition)
    }
    const made = this.#create(topic, partition, isNew)
    if (incarnations && now) await incarnations.note(made.log, now)
    return made
  }

  #create(topic: string, partition: number, isNew: boolean): Partition {
    const { logs, logConfigOf } = this.#options
    const log = logs.getOrCreate(topic, partition, logConfigOf(topic), isNew)
    const made = new Partition({ topic, partition, log, context: this.#context })
    this.#partitions.set(topic, partition, made)
    return made
  }
}
