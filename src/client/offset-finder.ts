import { partitionKey, type TopicPartition } from '../base/topic-partition.ts'
import type { MonotonicClock } from '../base/clock.ts'
import { listOffsets } from '../protocol/api/02-list-offsets.ts'
import { checked } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { PartitionOffset } from './group-admin.ts'
import { byTopic } from './partition-admin.ts'
import { PartitionLeaders } from './partition-leaders.ts'

/** ms since 1970: the first record that is not older. */
export type OffsetAt = 'earliest' | 'latest' | number

const LATEST = -1
const EARLIEST = -2
const NO_REPLICA = -1
const NO_OFFSET = -1

const timestampOf = (at: OffsetAt): number => (at === 'latest' ? LATEST : at === 'earliest' ? EARLIEST : Math.max(0, at))

/** Where partitions begin and end, and which offset a time has. */
export class OffsetFinder {
  readonly #client: ClusterClient
  readonly #leaders: PartitionLeaders

  constructor(client: ClusterClient, clock: MonotonicClock) {
    this.#client = client
    this.#leaders = new PartitionLeaders(client, clock)
  }

  /** The partitions of topics. UNKNOWN_TOPIC_OR_PARTITION where one does not exist. */
  async partitionsOf(topics: readonly string[]): Promise<TopicPartition[]> {
    const found = await Promise.all(
      topics.map(async (topic) => (await this.#leaders.of(topic)).map((_leader, partition) => ({ topic, partition }))),
    )
    return found.flat()
  }

  /** In the order of the partitions. A time after the last record means the end. */
  async find(partitions: readonly TopicPartition[], at: OffsetAt): Promise<PartitionOffset[]> {
    const found = await this.#leaders.retry(() => this.#ask(partitions, at), { orLost: true })
    const unknown = found.filter(({ offset }) => offset === NO_OFFSET)
    if (at === 'latest' || unknown.length === 0) return found
    const ends = new Map((await this.find(unknown, 'latest')).map((end) => [partitionKey(end), end]))
    return found.map((one) => (one.offset === NO_OFFSET ? (ends.get(partitionKey(one)) ?? one) : one))
  }

  async #ask(partitions: readonly TopicPartition[], at: OffsetAt): Promise<PartitionOffset[]> {
    const groups = await this.#leaders.group(partitions)
    const answers = await Promise.all([...groups].map(([leader, of]) => this.#askLeader(leader, of, at)))
    const offsets = new Map(answers.flat().map((one) => [partitionKey(one), one]))
    return partitions.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      offset: offsets.get(partitionKey(one))?.offset ?? NO_OFFSET,
    }))
  }

  async #askLeader(leader: number, partitions: readonly TopicPartition[], at: OffsetAt): Promise<PartitionOffset[]> {
    const topics = byTopic(partitions).map(([name, of]) => ({
      name,
      partitions: of.map(({ partition }) => ({ partitionIndex: partition, timestamp: timestampOf(at) })),
    }))
    const answer = await this.#client.broker(leader, listOffsets, { replicaId: NO_REPLICA, isolationLevel: 0, topics })
    return answer.topics.flatMap(({ name, partitions }) =>
      partitions.map((one) => {
        const { partitionIndex, offset } = checked(one)
        return { topic: name, partition: partitionIndex, offset: toNumber(offset) }
      }),
    )
  }
}
