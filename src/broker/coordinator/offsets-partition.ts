import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { type ErrorName, KafkaError } from '../../protocol/errors.ts'
import { buildBatch } from '../../protocol/records/build-batch.ts'
import type { Codec } from '../../protocol/records/record-batch.ts'
import { CONSUMER_OFFSETS } from '../internal-topics.ts'
import { Group, type GroupPorts } from './group.ts'
import { type GroupRecord, newRecordOf } from './group-records.ts'
import type { OffsetsReplica } from './ports.ts'
import { Replay } from './replay.ts'

export type OffsetsPartitionOptions = Omit<GroupPorts, 'store' | 'settled'> & {
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  partition: number
  replica: () => OffsetsReplica
  settings: () => { codec: Codec; commitTimeoutMs: number; loadBufferBytes: number }
}

/** One partition of __consumer_offsets that this broker leads, and the groups in it. Its records take effect in the order of the log, at run time as in the replay. */
export class OffsetsPartition {
  readonly partition: number
  readonly #options: OffsetsPartitionOptions
  readonly #groups = new Map<string, Group>()
  #isLoaded = false
  #isClosed = false
  #hasFailed = false
  /** Resolves when everything stored so far has taken effect or failed. */
  #settled: Promise<void> = Promise.resolve()

  constructor(options: OffsetsPartitionOptions) {
    this.partition = options.partition
    this.#options = options
  }

  get isLoaded(): boolean {
    return this.#isLoaded
  }
  get isClosed(): boolean {
    return this.#isClosed
  }
  /** Its log could not be read. */
  get hasFailed(): boolean {
    return this.#hasFailed
  }
  get(id: string): Group | undefined {
    return this.#groups.get(id)
  }
  groups(): Iterable<Group> {
    return this.#groups.values()
  }

  getOrCreate(id: string): Group {
    const known = this.#groups.get(id)
    if (known) return known
    const group = new Group(id, { ...this.#options, store: (records) => this.#store(records), settled: () => this.#settled })
    this.#groups.set(id, group)
    return group
  }

  /** A group that is Dead and whose end is in the log. */
  remove(group: Group): void {
    if (this.#groups.get(group.id) === group) this.#groups.delete(group.id)
  }

  /** Builds the groups from the log. After a log that cannot be read the partition stays unloaded. */
  async load(): Promise<void> {
    const { clocks, logger, partition, settings } = this.#options
    const startMs = clocks.monotonic.nowMs()
    try {
      const replica = this.#options.replica()
      const replay = new Replay(replica, (record, offset) => this.#apply(record, offset))
      const { records, skipped, endOffset } = await replay.run(settings().loadBufferBytes, () => this.#isClosed)
      await this.#replicated(replica, endOffset)
      if (this.#isClosed) return
      this.#resume()
      this.#isLoaded = true
      const ms = Math.round(clocks.monotonic.nowMs() - startMs)
      if (records > 0) logger.info({ topic: CONSUMER_OFFSETS, partition, records, groups: this.#groups.size, ms }, 'groups loaded')
      if (skipped > 0) logger.warn({ topic: CONSUMER_OFFSETS, partition, skipped }, 'records of an unknown form were left out')
    } catch (err) {
      this.#hasFailed = true
      if (!this.#isClosed) logger.error({ err, topic: CONSUMER_OFFSETS, partition }, 'groups could not be loaded')
    }
  }

  /** What is not replicated may still be lost, so it is not shown. With too few in-sync replicas there is nothing to wait for. */
  async #replicated(replica: OffsetsReplica, endOffset: number): Promise<void> {
    await replica.replicated(endOffset).catch((thrown: unknown) => {
      if (!(thrown instanceof KafkaError) || thrown.error !== 'NOT_ENOUGH_REPLICAS_AFTER_APPEND') throw thrown
    })
  }

  #resume(): void {
    for (const group of this.#groups.values()) {
      if (group.image.isEmpty) this.#groups.delete(group.id)
      else group.resume()
    }
  }

  /** This broker coordinates these groups no longer. */
  close(error: ErrorName): void {
    this.#isClosed = true
    for (const { membership } of this.#groups.values()) membership.die(error)
    this.#groups.clear()
  }

  /** Resolves when the records are replicated and have taken effect. Those that come too late (REQUEST_TIMED_OUT) take effect when they are replicated. */
  async #store(records: readonly GroupRecord[]): Promise<void> {
    if (this.#isClosed) throw new KafkaError('NOT_LEADER_OR_FOLLOWER')
    const done = this.#write(records, this.#settled)
    this.#settled = Promise.allSettled([this.#settled, done]).then(() => undefined)
    const late = Promise.withResolvers<never>()
    const { commitTimeoutMs } = this.#options.settings()
    const timer = this.#options.clocks.monotonic.schedule(commitTimeoutMs, () => late.reject(new KafkaError('REQUEST_TIMED_OUT')))
    try {
      await Promise.race([done, late.promise])
    } finally {
      timer.cancel()
    }
  }

  async #write(records: readonly GroupRecord[], earlier: Promise<void>): Promise<void> {
    const replica = this.#options.replica()
    const { firstOffset, lastOffset } = await replica.append(this.#batchOf(records), { origin: 'coordinator', requiredAcks: -1 })
    const failure = await replica.replicated(lastOffset + 1).then(
      () => undefined,
      (thrown: unknown) => ({ thrown }),
    )
    await earlier
    if (!this.#isClosed && replica.isReplicated(lastOffset + 1)) {
      records.forEach((record, index) => this.#apply(record, firstOffset + index))
    }
    if (failure) throw failure.thrown
  }

  #batchOf(records: readonly GroupRecord[]): Buffer {
    const nowMs = this.#options.clocks.wall.nowMs()
    return buildBatch(
      records.map((record) => newRecordOf(record, nowMs)),
      { codec: this.#options.settings().codec },
    )
  }

  #apply(record: GroupRecord, recordOffset: number): void {
    this.getOrCreate(record.group).image.apply(record, recordOffset)
  }
}
