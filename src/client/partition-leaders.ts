import { partitionKey, type TopicPartition } from '../base/topic-partition.ts'
import type { MonotonicClock } from '../base/clock.ts'
import { type ErrorName, failureOf, KafkaError } from '../protocol/errors.ts'
import type { ClusterClient } from './cluster-client.ts'
import { ConnectionError } from './connection.ts'

const ATTEMPTS = 40
const PAUSE_MS = 250

/** What another leader, or the same one a little later, may answer differently; nothing was done where one of these stands. */
const MOVES: readonly ErrorName[] = [
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
]
export const isElsewhere = (error: unknown): boolean => error instanceof KafkaError && MOVES.includes(error.error)

/** Who leads the partitions of a few topics. */
export class PartitionLeaders {
  readonly #client: ClusterClient
  readonly #clock: MonotonicClock
  readonly #leaders = new Map<string, number[]>()

  constructor(client: ClusterClient, clock: MonotonicClock) {
    this.#client = client
    this.#clock = clock
  }

  /** The leader's id by partition, -1 where there is none. UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED. */
  async of(topic: string): Promise<readonly number[]> {
    const known = this.#leaders.get(topic)
    if (known) return known
    const { topics } = await this.#client.topics([topic])
    const found = topics.find(({ name }) => name === topic)
    if (!found || found.partitions.length === 0) throw (found && failureOf(found)) ?? new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    const leaders = Array.from({ length: found.partitions.length }, () => -1)
    for (const { partitionIndex, leaderId } of found.partitions) leaders[partitionIndex] = leaderId
    this.#leaders.set(topic, leaders)
    return leaders
  }

  forget(): void {
    this.#leaders.clear()
  }

  /** The partitions by the broker that leads them. LEADER_NOT_AVAILABLE where one has none. */
  async group<T extends TopicPartition>(partitions: readonly T[]): Promise<Map<number, T[]>> {
    const led = await Promise.all(
      partitions.map(async (partition) => ({ partition, leader: (await this.of(partition.topic))[partition.partition] })),
    )
    const groups = new Map<number, T[]>()
    for (const { partition, leader } of led) {
      const what = partitionKey(partition)
      if (leader === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no partition ${what}`)
      if (leader < 0)
        throw new KafkaError('LEADER_NOT_AVAILABLE', `the partition ${what} has no leader: none of its in-sync replicas is up`)
      const group = groups.get(leader) ?? []
      group.push(partition)
      groups.set(leader, group)
    }
    return groups
  }

  /** Does the work again, with leaders asked anew, while it fails because a leader moved (or, with `orLost`, because a connection was lost); about 10 s at most. */
  async retry<T>(work: () => Promise<T>, options: { orLost: boolean; signal?: AbortSignal }): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        if (
          attempt === ATTEMPTS ||
          !(isElsewhere(error) || (options.orLost && error instanceof ConnectionError)) ||
          options.signal?.aborted
        )
          throw error
        this.forget()
        await this.#clock.sleep(PAUSE_MS, options.signal)
      }
    }
  }
}
