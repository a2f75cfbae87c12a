import type { TopicPartition } from '../../base/topic-partition.ts'
import type { BrokerInfo } from '../metadata/znodes/broker-id.ts'
import { type LeaderAndIsr, NO_LEADER } from '../metadata/znodes/partition-state.ts'
import type { TopicAssignment } from '../metadata/znodes/topic.ts'
import { BrokerIndex } from './broker-index.ts'
import type { Electorate } from './elections.ts'
import type { PartitionState } from './partition-states.ts'
import type { ReplicaState } from './replica-states.ts'

/** A registered broker; `epoch` is the czxid of its registration. */
export type LiveBroker = BrokerInfo & { epoch: bigint }
/** `version` is the znode's, for the next conditional write; `mzxid` says when it was written, where it was read. */
export type Leadership = LeaderAndIsr & { version: number; mzxid?: bigint }
/** While a partition is reassigned `replicas` holds the old and the new ones; `adding` and `removing` are parts of it. */
export type Assignment = { replicas: readonly number[]; adding: readonly number[]; removing: readonly number[] }

/** One partition as the controller knows it; the same object as long as the partition exists. */
export type KnownPartition = TopicPartition & {
  readonly topic: string
  readonly partition: number
  /** Changed by `assign` only, which keeps the index. */
  readonly assignment: Assignment
  state: PartitionState
  /** undefined: no leader was ever chosen. */
  leadership: Leadership | undefined
  /** By broker id; those that are not here do not exist. */
  readonly replicaStates: Map<number, ReplicaState>
}

export const assignmentOf = ({ replicas, adding, removing }: TopicAssignment, partition: number): Assignment => ({
  replicas: replicas.get(partition) ?? [],
  adding: adding.get(partition) ?? [],
  removing: removing.get(partition) ?? [],
})

/** What the controller of one epoch believes of the cluster. Only its owner, the term, changes it, one event at a time. */
export class ControllerContext {
  readonly epoch: number
  /** The data version of /controller_epoch, which every write checks. */
  readonly epochVersion: number
  /** Registered, those that are about to stop among them. */
  readonly brokers = new Map<number, LiveBroker>()
  /** Brokers that have asked for a controlled shutdown and are still registered. */
  readonly shuttingDown = new Set<number>()
  /** Replicas in failed log directories, by broker. */
  readonly inFailedDirs = new Map<number, Set<KnownPartition>>()
  /** Topics that somebody asked to delete. */
  readonly toDelete = new Set<string>()
  /** In this term. */
  uncleanElections = 0
  readonly #topics = new Map<string, Map<number, KnownPartition>>()
  readonly #onBroker = new BrokerIndex<KnownPartition>()

  constructor(epoch: number, epochVersion: number) {
    this.epoch = epoch
    this.epochVersion = epochVersion
  }

  get topicNames(): Iterable<string> {
    return this.#topics.keys()
  }
  get topicCount(): number {
    return this.#topics.size
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  partition({ topic, partition }: TopicPartition): KnownPartition | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  partitionsOf(topic: string): readonly KnownPartition[] {
    return [...(this.#topics.get(topic)?.values() ?? [])]
  }

  /** Every partition, also of topics that are being deleted. */
  *all(): Generator<KnownPartition> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  /** Those with a replica on the broker. */
  partitionsOn(brokerId: number): readonly KnownPartition[] {
    return this.#onBroker.on(brokerId)
  }

  /** Notes a topic even when it has no partition yet. */
  addTopic(topic: string): void {
    if (!this.#topics.has(topic)) this.#topics.set(topic, new Map())
  }

  add(at: TopicPartition, assignment: Assignment): KnownPartition {
    this.addTopic(at.topic)
    const { topic, partition } = at
    const made: KnownPartition = {
      topic,
      partition,
      assignment,
      state: 'NON_EXISTENT',
      leadership: undefined,
      replicaStates: new Map(),
    }
    this.#topics.get(topic)!.set(partition, made)
    this.#onBroker.move(made, [], assignment.replicas)
    return made
  }

  /** After it was written to the topic's znode. */
  assign(known: KnownPartition, assignment: Assignment): void {
    this.#onBroker.move(known, known.assignment.replicas, assignment.replicas)
    ;(known as { assignment: Assignment }).assignment = assignment
  }

  /** As new: before the cluster is read (again). */
  clear(): void {
    for (const topic of this.#topics.keys()) this.forgetTopic(topic)
    this.brokers.clear()
    this.toDelete.clear()
  }

  forgetTopic(topic: string): void {
    for (const known of this.partitionsOf(topic)) {
      this.#onBroker.move(known, known.assignment.replicas, [])
      for (const failed of this.inFailedDirs.values()) failed.delete(known)
    }
    this.#topics.delete(topic)
    this.toDelete.delete(topic)
  }

  isToBeDeleted({ topic }: { topic: string }): boolean {
    return this.toDelete.has(topic)
  }

  /** Registered, not about to stop, and the replica's log directory works. */
  isOnline(brokerId: number, known: KnownPartition): boolean {
    return !this.shuttingDown.has(brokerId) && this.isReachable(brokerId, known)
  }

  /** As isOnline, with brokers that are about to stop. */
  isReachable(brokerId: number, known: KnownPartition): boolean {
    return this.brokers.has(brokerId) && !this.inFailedDirs.get(brokerId)?.has(known)
  }

  hasOnlineLeader(known: KnownPartition): boolean {
    const leader = known.leadership?.leader ?? NO_LEADER
    return leader !== NO_LEADER && this.isReachable(leader, known)
  }

  electorate(known: KnownPartition): Electorate {
    const { replicas, removing } = known.assignment
    return {
      replicas,
      removing,
      isr: known.leadership?.isr ?? [],
      isOnline: (id) => this.isOnline(id, known),
      isShuttingDown: (id) => this.shuttingDown.has(id),
    }
  }
}
