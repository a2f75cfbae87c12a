import type { TopicPartition } from '../../base/topic-partition.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { GroupImage } from './group-image.ts'
import type { GroupRecord, OffsetRecord } from './group-records.ts'
import { Membership, type MembershipPorts } from './membership.ts'
import type { Speaker } from './messages.ts'
import { PartitionMap } from '../../base/partition-map.ts'

export type GroupPorts = Omit<MembershipPorts, 'store'> & {
  /** Resolves when the records are replicated and applied to the group's image. KafkaError as Partition.append and Partition.replicated. */
  store: (records: readonly GroupRecord[]) => Promise<void>
  /** Resolves when everything stored so far has taken effect or failed. */
  settled: () => Promise<unknown>
}

/** So that a batch stays well below any max.message.bytes. */
const RECORDS_PER_BATCH = 1000

/** One group: its members and its offsets. */
export class Group {
  readonly id: string
  readonly image = new GroupImage()
  readonly membership: Membership
  readonly #ports: GroupPorts
  /** How many commits of a partition are not yet replicated. */
  readonly #pendingCommits = new PartitionMap<number>()

  constructor(id: string, ports: GroupPorts) {
    this.id = id
    this.#ports = ports
    this.membership = new Membership(id, { ...ports, store: (value) => ports.store([{ type: 'group', group: id, value }]) })
  }

  get isDead(): boolean {
    return this.membership.state === 'Dead'
  }

  hasPendingCommit(topic: string, partition: number): boolean {
    return this.#pendingCommits.has(topic, partition)
  }

  /** The replay is over. */
  resume(): void {
    if (this.image.stored) this.membership.resume(this.image.stored)
  }

  /** Resolves when the offsets are replicated and show. KafkaError as Membership.checkCommit and `store`. */
  async commit(speaker: Speaker, records: readonly OffsetRecord[]): Promise<void> {
    this.membership.checkCommit(speaker)
    for (const record of records) this.#countPending(record, 1)
    try {
      await this.#ports.store(records)
    } finally {
      for (const record of records) this.#countPending(record, -1)
    }
  }

  #countPending({ topic, partition }: TopicPartition, by: 1 | -1): void {
    const count = (this.#pendingCommits.get(topic, partition) ?? 0) + by
    if (count === 0) this.#pendingCommits.delete(topic, partition)
    else this.#pendingCommits.set(topic, partition, count)
  }

  /** Takes offsets out of the log; the group too, which is Dead then, when it is empty and nothing is left of it. */
  async dropOffsets(offsets: readonly TopicPartition[]): Promise<void> {
    const isLast = offsets.length === this.image.offsets.size && this.#pendingCommits.size === 0
    if (isLast && this.membership.isVacant) return this.delete()
    await this.#tombstone(offsets.map((at) => this.#goneOffset(at)))
  }

  /** Takes everything out of the log, commits under way included. NON_EMPTY_GROUP while it has members, GROUP_ID_NOT_FOUND when it is Dead already. */
  async delete(): Promise<void> {
    if (this.isDead) throw new KafkaError('GROUP_ID_NOT_FOUND')
    if (this.membership.state !== 'Empty') throw new KafkaError('NON_EMPTY_GROUP')
    this.membership.die('COORDINATOR_NOT_AVAILABLE')
    try {
      await this.#ports.settled()
      const offsets = [...this.image.offsets.entries()].map((at) => this.#goneOffset(at))
      const isStored = this.membership.generation.number > 0
      await this.#tombstone(isStored ? [...offsets, { type: 'group', group: this.id, value: null }] : offsets)
    } catch (thrown) {
      this.membership.revive()
      throw thrown
    }
  }

  #goneOffset({ topic, partition }: TopicPartition): GroupRecord {
    return { type: 'offset', group: this.id, topic, partition, value: null }
  }

  async #tombstone(records: readonly GroupRecord[]): Promise<void> {
    for (let at = 0; at < records.length; at += RECORDS_PER_BATCH) await this.#ports.store(records.slice(at, at + RECORDS_PER_BATCH))
  }
}
