import type { TopicPartition } from '../../base/topic-partition.ts'
import { randomUUID } from 'node:crypto'
import type { MonotonicClock, Timer, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { type Codec, CODECS } from '../../protocol/records/record-batch.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { CONSUMER_OFFSETS } from '../internal-topics.ts'
import type { Metadata } from '../metadata/view.ts'
import { expiredOffsets } from './expiry.ts'
import type { Group } from './group.ts'
import type { GroupState } from './messages.ts'
import { OffsetsPartition } from './offsets-partition.ts'
import { OffsetsTopic } from './offsets-topic.ts'
import type { GroupStorage, OffsetsReplica, ZooKeeperOffsets } from './ports.ts'

export type GroupCoordinatorOptions = {
  config: () => BrokerConfig
  metadata: Metadata
  /** The replica that this broker leads; KafkaError as Partitions.leader. */
  replica: (topic: string, partition: number) => OffsetsReplica
  storage: GroupStorage
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  newId?: () => string
}
export type GroupOverview = { groupId: string; protocolType: string; state: GroupState }

const MINUTE_MS = 60_000

/** All groups that this broker coordinates: those of the partitions of __consumer_offsets that it leads. */
export class GroupCoordinator {
  readonly topic: OffsetsTopic
  readonly zookeeperOffsets: ZooKeeperOffsets
  readonly #options: GroupCoordinatorOptions
  readonly #partitions = new Map<number, OffsetsPartition>()
  /** Partitions are loaded one after the other, so that only one buffer is in memory. */
  #loading: Promise<void> = Promise.resolve()
  #sweepTimer: Timer | undefined
  #isClosed = false

  constructor(options: GroupCoordinatorOptions) {
    const { config, metadata, storage, logger } = options
    this.#options = options
    this.topic = new OffsetsTopic({ config, metadata, storage, logger })
    this.zookeeperOffsets = storage.zookeeperOffsets
    this.#sweepLater()
  }

  /** This broker leads the partition now. Until its groups are loaded, requests for them get COORDINATOR_LOAD_IN_PROGRESS; what failed is tried again. */
  onLeadership(partition: number): void {
    if (this.#isClosed || this.#partitions.get(partition)?.hasFailed === false) return
    const { config, clocks, logger, replica, newId = randomUUID } = this.#options
    const one = new OffsetsPartition({
      partition,
      clocks,
      logger,
      newId,
      replica: () => replica(CONSUMER_OFFSETS, partition),
      settings: () => ({
        codec: codecOf(config()),
        commitTimeoutMs: config().get('offsets.commit.timeout.ms'),
        loadBufferBytes: config().get('offsets.load.buffer.size'),
      }),
      limits: () => ({
        initialRebalanceDelayMs: config().get('group.initial.rebalance.delay.ms'),
        maxSize: config().get('group.max.size'),
      }),
    })
    this.#partitions.set(partition, one)
    this.#loading = this.#loading.then(() => (one.isClosed ? undefined : one.load()))
  }

  /** It does not any more: who waits is sent to the new coordinator. */
  onResignation(partition: number): void {
    this.#partitions.get(partition)?.close('NOT_COORDINATOR')
    this.#partitions.delete(partition)
  }

  /** Offsets of partitions that were deleted go too. */
  async onPartitionsDeleted(deleted: readonly TopicPartition[]): Promise<void> {
    for (const group of this.#all()) {
      await this.#tryDrop(
        group,
        deleted.filter(({ topic, partition }) => group.image.offsets.has(topic, partition)),
      )
    }
  }

  /** Resolves when every partition that this broker led so far is loaded or could not be. */
  get loaded(): Promise<void> {
    return this.#loading
  }
  get isLoading(): boolean {
    return [...this.#partitions.values()].some(({ isLoaded }) => !isLoaded)
  }

  /** The group, where this broker knows it. KafkaError COORDINATOR_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR. */
  find(groupId: string): Group | undefined {
    return this.#partitionOf(groupId).get(groupId)
  }

  findOrCreate(groupId: string): Group {
    return this.#partitionOf(groupId).getOrCreate(groupId)
  }

  /** As a handler's answer: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, or why it could not be stored. */
  async delete(groupId: string): Promise<void> {
    const partition = this.#partitionOf(groupId)
    const group = partition.get(groupId)
    if (!group) throw new KafkaError('GROUP_ID_NOT_FOUND')
    await group.delete()
    partition.remove(group)
    this.#options.logger.info({ group: groupId }, 'group deleted')
  }

  /** Deletes stored offsets of a group, and the group with the last one when it is empty. Errors as Partition.append. */
  async dropOffsets(group: Group, offsets: readonly TopicPartition[]): Promise<void> {
    await group.dropOffsets(offsets)
    if (group.isDead) this.#partitions.get(this.topic.partitionFor(group.id))?.remove(group)
  }

  /** KafkaError COORDINATOR_NOT_AVAILABLE once it is closed. */
  list(): GroupOverview[] {
    if (this.#isClosed) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    return [...this.#all()].map(({ id, membership }) => ({
      groupId: id,
      protocolType: membership.generation.protocolType ?? '',
      state: membership.state,
    }))
  }

  /** For metrics. */
  counts(): { groups: ReadonlyMap<GroupState, number>; offsets: number } {
    const groups = new Map<GroupState, number>()
    let offsets = 0
    for (const { membership, image } of this.#all()) {
      groups.set(membership.state, (groups.get(membership.state) ?? 0) + 1)
      offsets += image.offsets.size
    }
    return { groups, offsets }
  }

  /** Whoever waits gets COORDINATOR_NOT_AVAILABLE and so does every later request. */
  close(): void {
    this.#isClosed = true
    this.#sweepTimer?.cancel()
    for (const partition of this.#partitions.values()) partition.close('COORDINATOR_NOT_AVAILABLE')
    this.#partitions.clear()
  }

  *#all(): Generator<Group> {
    for (const partition of this.#partitions.values()) if (partition.isLoaded) yield* partition.groups()
  }

  #partitionOf(groupId: string): OffsetsPartition {
    if (this.#isClosed) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    const partition = this.#partitions.get(this.topic.partitionFor(groupId))
    if (!partition) throw new KafkaError('NOT_COORDINATOR')
    if (!partition.isLoaded) throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS')
    return partition
  }

  #sweepLater(): void {
    const { config, clocks } = this.#options
    this.#sweepTimer = clocks.monotonic.schedule(config().get('offsets.retention.check.interval.ms'), () => void this.#sweep())
  }

  async #sweep(): Promise<void> {
    const { config, clocks } = this.#options
    const retentionMs = config().get('offsets.retention.minutes') * MINUTE_MS
    for (const group of this.#all()) await this.#tryDrop(group, expiredOffsets(group, clocks.wall.nowMs(), retentionMs))
    if (!this.#isClosed) this.#sweepLater()
  }

  /** What cannot be stored now is tried at the next sweep. */
  async #tryDrop(group: Group, offsets: readonly TopicPartition[]): Promise<void> {
    if (group.isDead || (offsets.length === 0 && group.image.offsets.size > 0)) return
    await this.dropOffsets(group, offsets).catch((err: unknown) => {
      this.#options.logger.warn({ err, group: group.id }, 'old offsets could not be deleted')
    })
  }
}

const codecOf = (config: BrokerConfig): Codec => CODECS[config.get('offsets.topic.compression.codec')] ?? 'none'
