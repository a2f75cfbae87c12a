import { KafkaError } from '../protocol/errors.ts'
import type { LogConfig } from '../log/log-config.ts'
import type { LogManager } from '../log/log-manager.ts'
import { WakeQueue } from './fetch-waiter.ts'
import { type Leadership, Partition } from './partition.ts'
import type { Partitions } from './ports.ts'

export type PartitionTableOptions = {
  brokerId: number
  logs: LogManager
  /** A topic's settings when its log is made. */
  logConfigOf: (topic: string) => LogConfig
  /** Whether the cluster has the partition, wherever it is: decides between two errors. */
  isKnown: (topic: string, partition: number) => boolean
  /** This broker begins to lead the partition, or no longer does; said again while nothing changed, too. */
  onRole: (topic: string, partition: number, isLeader: boolean) => void
}

/** All replicas on this broker. Who speaks for the controller changes it by lead, follow and stop. */
export class PartitionTable implements Partitions {
  readonly #options: PartitionTableOptions
  readonly #topics = new Map<string, Map<number, Partition>>()
  readonly #wakes = new WakeQueue()

  constructor(options: PartitionTableOptions) {
    this.#options = options
  }

  get(topic: string, partition: number): Partition | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  *all(): Generator<Partition> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  leader(topic: string, partition: number, currentLeaderEpoch = -1): Partition {
    const found = this.#hosted(topic, partition)
    found.checkLeader(currentLeaderEpoch)
    return found
  }

  replica(topic: string, partition: number, currentLeaderEpoch = -1): Partition {
    const found = this.#hosted(topic, partition)
    found.checkReplica(currentLeaderEpoch)
    return found
  }

  #hosted(topic: string, partition: number): Partition {
    const found = this.get(topic, partition)
    if (found) return found
    throw new KafkaError(this.#options.isKnown(topic, partition) ? 'NOT_LEADER_OR_FOLLOWER' : 'UNKNOWN_TOPIC_OR_PARTITION')
  }

  /** Makes this broker the leader; the log is made where there is none. KAFKA_STORAGE_ERROR or Node's error when it cannot be. */
  lead(topic: string, partition: number, leadership: Leadership, isNew: boolean): Partition {
    const replica = this.#getOrCreate(topic, partition, isNew)
    replica.lead(leadership)
    this.#options.onRole(topic, partition, true)
    return replica
  }

  follow(topic: string, partition: number, leadership: Leadership, isNew: boolean): Partition {
    const replica = this.#getOrCreate(topic, partition, isNew)
    replica.follow(leadership)
    this.#options.onRole(topic, partition, false)
    return replica
  }

  /** No longer serves the replica; with `deletes` its log goes too. */
  async stop(topic: string, partition: number, deletes: boolean): Promise<void> {
    const partitions = this.#topics.get(topic)
    partitions?.get(partition)?.resign()
    partitions?.delete(partition)
    this.#options.onRole(topic, partition, false)
    if (partitions?.size === 0) this.#topics.delete(topic)
    if (deletes && this.#options.logs.get(topic, partition)) await this.#options.logs.delete(topic, partition)
  }

  /** All leaders here step down, so that everyone who waits gets an answer. */
  resignAll(): void {
    for (const replica of this.all()) {
      replica.resign()
      this.#options.onRole(replica.topic, replica.partition, false)
    }
  }

  #getOrCreate(topic: string, partition: number, isNew: boolean): Partition {
    const known = this.get(topic, partition)
    if (known) return known
    const { logs, brokerId, logConfigOf } = this.#options
    const log = logs.getOrCreate(topic, partition, logConfigOf(topic), isNew)
    const made = new Partition({ topic, partition, log, brokerId, wakes: this.#wakes })
    const partitions = this.#topics.get(topic) ?? new Map<number, Partition>()
    partitions.set(partition, made)
    this.#topics.set(topic, partitions)
    return made
  }
}
