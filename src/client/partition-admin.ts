import { partitionKey, type TopicPartition } from '../base/topic-partition.ts'
import { electLeaders } from '../protocol/api/43-elect-leaders.ts'
import { alterPartitionReassignments } from '../protocol/api/45-alter-partition-reassignments.ts'
import { listPartitionReassignments } from '../protocol/api/46-list-partition-reassignments.ts'
import { errorName, failureOf, KafkaError } from '../protocol/errors.ts'
import type { ClusterClient } from './cluster-client.ts'

/** `leader` is -1 where there is none. Replicas in the order of preference. */
export type PartitionReplicas = TopicPartition & { leader: number; replicas: number[]; isr: number[] }
/** `replicas: null` gives up the move that is under way. */
export type WantedReplicas = TopicPartition & { replicas: readonly number[] | null }
/** While a partition moves, `replicas` has those that join (`adding`) and those that leave (`removing`) too. */
export type Reassignment = TopicPartition & { replicas: number[]; adding: number[]; removing: number[] }
export type ElectionType = 'PREFERRED' | 'UNCLEAN'
/** One answer per partition that the cluster said something of, by `partitionKey`; undefined where it went well. */
export type PartitionOutcomes = Map<string, KafkaError | undefined>

/** ElectionType of kafka-clients. */
const ELECTION_TYPES: Readonly<Record<ElectionType, number>> = { PREFERRED: 0, UNCLEAN: 1 }
const TIMEOUT_MS = 30_000

export const byTopic = <T extends TopicPartition>(partitions: readonly T[]): [string, T[]][] => [
  ...Map.groupBy(partitions, ({ topic }) => topic),
]

/** Where partitions are, and who leads them. Calls reject when the cluster cannot be reached or refuses the call as a whole. */
export class PartitionAdmin {
  readonly #client: ClusterClient

  constructor(client: ClusterClient) {
    this.#client = client
  }

  /** Every partition of the topics, of all topics when none are named, as the controller knows them; topics that do not exist are left out. */
  async replicas(topics: readonly string[] | null = null): Promise<PartitionReplicas[]> {
    const answer = await this.#client.topicsOfController(topics)
    return answer.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
        topic: name,
        partition: partitionIndex,
        leader: leaderId,
        replicas: replicaNodes,
        isr: isrNodes,
      })),
    )
  }

  /** Begins, replaces and gives up moves; the answers come when they have begun. */
  async reassign(wanted: readonly WantedReplicas[]): Promise<PartitionOutcomes> {
    const topics = byTopic(wanted).map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, replicas }) => ({ partitionIndex: partition, replicas: replicas && [...replicas] })),
    }))
    const { responses } = await this.#client.controller(alterPartitionReassignments, { timeoutMs: TIMEOUT_MS, topics }, failureOf)
    return new Map(
      responses.flatMap(({ name, partitions }) =>
        partitions.map((one) => [partitionKey({ topic: name, partition: one.partitionIndex }), failureOf(one)]),
      ),
    )
  }

  /** The moves that are under way, of all partitions when none are named. */
  async reassignments(partitions: readonly TopicPartition[] | null = null): Promise<Reassignment[]> {
    const asked = partitions && byTopic(partitions).map(([name, of]) => ({ name, partitionIndexes: of.map(({ partition }) => partition) }))
    const { topics } = await this.#client.controller(listPartitionReassignments, { timeoutMs: TIMEOUT_MS, topics: asked }, failureOf)
    return topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, replicas, addingReplicas, removingReplicas }) => ({
        topic: topic.name,
        partition: partitionIndex,
        replicas,
        adding: addingReplicas,
        removing: removingReplicas,
      })),
    )
  }

  /** ELECTION_NOT_NEEDED is no failure: the right broker leads already. For all partitions (null) only those are in the answer that needed an election. */
  async electLeaders(type: ElectionType, partitions: readonly TopicPartition[] | null): Promise<PartitionOutcomes> {
    const topicPartitions =
      partitions && byTopic(partitions).map(([topic, of]) => ({ topic, partitionId: of.map(({ partition }) => partition) }))
    const request = { electionType: ELECTION_TYPES[type], topicPartitions, timeoutMs: TIMEOUT_MS }
    const answer = await this.#client.controller(electLeaders, request, ({ errorCode, replicaElectionResults }) => {
      const codes = replicaElectionResults.flatMap(({ partitionResult }) => partitionResult.map((one) => one.errorCode))
      const moved = codes.length > 0 && codes.every((code) => errorName(code) === 'NOT_CONTROLLER')
      return moved ? new KafkaError('NOT_CONTROLLER') : failureOf({ errorCode })
    })
    return new Map(
      answer.replicaElectionResults.flatMap(({ topic, partitionResult }) =>
        partitionResult.map((one) => [
          partitionKey({ topic, partition: one.partitionId }),
          errorName(one.errorCode) === 'ELECTION_NOT_NEEDED' ? undefined : failureOf(one),
        ]),
      ),
    )
  }
}
