import { partitionKey, type TopicPartition } from '../../../src/base/topic-partition.ts'
import type {
  ElectionType,
  PartitionAdmin,
  PartitionOutcomes,
  PartitionReplicas,
  Reassignment,
  WantedReplicas,
} from '../../../src/client/partition-admin.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import type { LiveBroker } from '../../../src/operator/kafka/placement.ts'

/** Where partitions are, in memory: moves begin when asked for and are done when the test says `settle`. */
export class FakePartitions implements Pick<PartitionAdmin, keyof PartitionAdmin> {
  brokers: LiveBroker[] = [0, 1, 2].map((id) => ({ id, rack: null }))
  readonly #said: (what: string) => void
  readonly #all = new Map<string, PartitionReplicas>()
  readonly #moves = new Map<string, Reassignment>()

  constructor(said: (what: string) => void) {
    this.#said = said
  }

  make(topic: string, count: number, replicationFactor: number): void {
    for (let partition = this.of(topic).length; partition < count; partition++) {
      const ids = Array.from({ length: replicationFactor }, (_unused, n) => this.brokers[(partition + n) % this.brokers.length]!.id)
      this.#all.set(partitionKey({ topic, partition }), { topic, partition, leader: ids[0]!, replicas: ids, isr: [...ids] })
    }
  }
  forget(topic: string): void {
    for (const { partition } of this.of(topic)) this.#all.delete(partitionKey({ topic, partition }))
  }
  of(topic: string): PartitionReplicas[] {
    return [...this.#all.values()].filter((partition) => partition.topic === topic)
  }
  /** Takes brokers out of in-sync sets, or lets all replicas be in sync again. */
  outOfSync(...brokers: number[]): void {
    for (const partition of this.#all.values()) partition.isr = partition.replicas.filter((id) => !brokers.includes(id))
  }
  /** Lets another of its replicas lead a partition. */
  lead(topic: string, partition: number, leader: number): void {
    this.#all.get(partitionKey({ topic, partition }))!.leader = leader
  }
  /** Ends so many moves that are under way; all when no number is given. */
  settle(count = this.#moves.size): void {
    for (const [key, { replicas, removing }] of [...this.#moves].slice(0, count)) {
      const partition = this.#all.get(key)!
      partition.replicas = replicas.filter((id) => !removing.includes(id))
      partition.isr = [...partition.replicas]
      partition.leader = partition.replicas[0]!
      this.#moves.delete(key)
    }
  }

  async replicas(topics: readonly string[] | null = null): Promise<PartitionReplicas[]> {
    return structuredClone([...this.#all.values()].filter(({ topic }) => topics === null || topics.includes(topic)))
  }

  async reassign(wanted: readonly WantedReplicas[]): Promise<PartitionOutcomes> {
    return new Map(
      wanted.map((move) => {
        const key = partitionKey(move)
        this.#said(`reassign ${key} ${move.replicas?.join(',')}`)
        const partition = this.#all.get(key)
        if (!partition || !move.replicas) return [key, new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')]
        const target = move.replicas
        const replicas = [...target, ...partition.replicas.filter((id) => !target.includes(id))]
        const adding = target.filter((id) => !partition.replicas.includes(id))
        const removing = partition.replicas.filter((id) => !target.includes(id))
        this.#moves.set(key, { topic: move.topic, partition: move.partition, replicas, adding, removing })
        partition.replicas = replicas
        return [key, undefined]
      }),
    )
  }

  async reassignments(partitions: readonly TopicPartition[] | null = null): Promise<Reassignment[]> {
    const keys = partitions && new Set(partitions.map(partitionKey))
    return [...this.#moves].flatMap(([key, move]) => (!keys || keys.has(key) ? [move] : []))
  }

  async electLeaders(type: ElectionType, partitions: readonly TopicPartition[] | null): Promise<PartitionOutcomes> {
    const keys = partitions?.map(partitionKey) ?? [...this.#all.keys()]
    this.#said(`elect ${type} ${keys.join(' ')}`)
    return new Map(
      keys.map((key) => {
        const partition = this.#all.get(key)
        if (!partition?.isr.includes(partition.replicas[0]!)) return [key, new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE')]
        partition.leader = partition.replicas[0]!
        return [key, undefined]
      }),
    )
  }
}
