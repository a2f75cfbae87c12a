import type { BrokerInfo } from '../metadata/znodes/broker-id.ts'
import type { LeaderAndIsr } from '../metadata/znodes/partition-state.ts'
import type { TopicAssignment } from '../metadata/znodes/topic.ts'

/** A registered broker; `epoch` is the czxid of its registration. */
export type LiveBroker = BrokerInfo & { epoch: bigint }
/** `version` is the znode's, for the next conditional write. */
export type Leadership = LeaderAndIsr & { version: number }
export type TopicPartition = { topic: string; partition: number }

/** What the controller of one epoch believes of the cluster. Only its owner, the term, changes it, one event at a time. */
export class ControllerContext {
  readonly epoch: number
  /** The data version of /controller_epoch, which every write checks. */
  readonly epochVersion: number
  readonly brokers = new Map<number, LiveBroker>()
  readonly topics = new Map<string, TopicAssignment>()
  /** Topics that somebody asked to delete. */
  readonly toDelete = new Set<string>()
  readonly #leaderships = new Map<string, Map<number, Leadership>>()

  constructor(epoch: number, epochVersion: number) {
    this.epoch = epoch
    this.epochVersion = epochVersion
  }

  leadership({ topic, partition }: TopicPartition): Leadership | undefined {
    return this.#leaderships.get(topic)?.get(partition)
  }

  setLeadership({ topic, partition }: TopicPartition, leadership: Leadership): void {
    const byPartition = this.#leaderships.get(topic) ?? new Map<number, Leadership>()
    byPartition.set(partition, leadership)
    this.#leaderships.set(topic, byPartition)
  }

  replicas({ topic, partition }: TopicPartition): readonly number[] {
    return this.topics.get(topic)?.replicas.get(partition) ?? []
  }

  isAlive(brokerId: number): boolean {
    return this.brokers.has(brokerId)
  }

  forgetTopic(topic: string): void {
    this.topics.delete(topic)
    this.toDelete.delete(topic)
    this.#leaderships.delete(topic)
  }

  *partitionsOf(topic: string): Generator<TopicPartition> {
    for (const partition of this.topics.get(topic)?.replicas.keys() ?? []) yield { topic, partition }
  }

  /** Every partition whose topic is not being deleted. */
  *partitions(): Generator<TopicPartition> {
    for (const topic of this.topics.keys()) if (!this.toDelete.has(topic)) yield* this.partitionsOf(topic)
  }

  /** Every broker that has a replica of the topic. */
  replicasOf(topic: string): Set<number> {
    return new Set([...(this.topics.get(topic)?.replicas.values() ?? [])].flat())
  }
}
