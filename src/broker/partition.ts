import type { Int64 } from '../protocol/int64.ts'
import { KafkaError } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import type { AppendInfo, AppendOrigin } from '../log/log-types.ts'
import type { Log } from '../log/log.ts'
import type { LogRegion } from '../log/region.ts'
import type { FetchWaiter, WakeQueue } from './fetch-waiter.ts'
import type { RecordsSource } from './records-source.ts'
import { ReplicatedWaiters } from './replicated-waiters.ts'

/** What the controller says of a partition. */
export type Leadership = {
  leader: number
  leaderEpoch: number
  isr: readonly number[]
  replicas: readonly number[]
  controllerEpoch: number
}
export type AppendRequest = {
  origin: Exclude<AppendOrigin, 'replication'>
  /** -1: all in-sync replicas, and there must be min.insync.replicas of them. */
  requiredAcks: number
}
export type FetchRequest = {
  offset: number
  maxBytes: number
  /** A first batch above maxBytes comes whole. */
  minOneBatch: boolean
  /** Old clients take a part of it and learn so that their limit is too small. */
  mayCutFirstBatch: boolean
  /** A follower reads to the end of the log, a consumer to the high watermark. */
  reader: 'consumer' | 'follower'
}
export type Fetched = {
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  /** Not in memory yet; undefined where there is nothing to read. */
  records: RecordsSource | undefined
}
export type FoundOffset = { timestamp: Int64; offset: number; leaderEpoch: number }

export const EARLIEST_TIMESTAMP = -2
export const LATEST_TIMESTAMP = -1
/** DeleteRecords: up to the high watermark. */
export const HIGH_WATERMARK = -1

const notLeader = (): KafkaError => new KafkaError('NOT_LEADER_OR_FOLLOWER')

/**
 * One replica on this broker: its role, and above its log what the cluster may see of it. The only owner of leader epoch, in-sync replicas and high
 * watermark. Values in and out are plain data, so that it can live in another thread; a Buffer given to `append` belongs to the partition from then on.
 */
export class Partition {
  readonly topic: string
  readonly partition: number
  readonly log: Log
  /** Fetches that wait for records here. */
  readonly waiters = new Set<FetchWaiter>()
  readonly #brokerId: number
  readonly #wakes: WakeQueue
  readonly #replicated = new ReplicatedWaiters()
  readonly #followerEnds = new Map<number, number>()
  #leadership: Leadership | undefined
  #isLeader = false
  #epochStartOffset = 0
  #isOffline = false

  constructor(options: { topic: string; partition: number; log: Log; brokerId: number; wakes: WakeQueue }) {
    this.topic = options.topic
    this.partition = options.partition
    this.log = options.log
    this.#brokerId = options.brokerId
    this.#wakes = options.wakes
  }

  get isLeader(): boolean {
    return this.#isLeader
  }
  get isOffline(): boolean {
    return this.#isOffline
  }
  /** -1 before the controller has spoken. */
  get leaderEpoch(): number {
    return this.#leadership?.leaderEpoch ?? -1
  }
  get leadership(): Leadership | undefined {
    return this.#leadership
  }
  get highWatermark(): number {
    return this.log.highWatermark
  }
  /** Where READ_COMMITTED ends; without transactions the high watermark. */
  get lastStableOffset(): number {
    return this.log.highWatermark
  }
  get isUnderReplicated(): boolean {
    return this.#isLeader && this.#leadership!.isr.length < this.#leadership!.replicas.length
  }
  get isUnderMinIsr(): boolean {
    return this.#isLeader && this.#leadership!.isr.length < this.log.config.minInsyncReplicas
  }

  /** Becomes the leader, or stays it with another set of in-sync replicas. */
  lead(leadership: Leadership): void {
    const isNewEpoch = !this.#isLeader || leadership.leaderEpoch !== this.leaderEpoch
    this.#leadership = leadership
    this.#isLeader = true
    if (isNewEpoch) {
      this.#epochStartOffset = this.log.logEndOffset
      this.log.epochs.assign(leadership.leaderEpoch, this.#epochStartOffset)
      this.#followerEnds.clear()
    }
    this.#advanceHighWatermark()
  }

  /** Stops serving clients; those who wait are told to look for the leader. */
  follow(leadership: Leadership): void {
    this.#leadership = leadership
    this.resign()
  }

  /** No longer leader, whoever is. */
  resign(): void {
    this.#isLeader = false
    this.#replicated.fail(notLeader())
    this.#wakes.wake(this.waiters)
  }

  /** The log's directory failed. */
  goOffline(): void {
    this.#isOffline = true
    this.resign()
  }

  /** NOT_LEADER_OR_FOLLOWER, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR; `currentLeaderEpoch` -1: the client knows none. */
  checkLeader(currentLeaderEpoch: number): void {
    if (this.#isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH')
    if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
    if (!this.#isLeader) throw notLeader()
  }

  /** Appends when the promise resolves, or at once; with `requiredAcks` -1 the caller then waits for `replicated`. */
  append(records: Buffer, { origin, requiredAcks }: AppendRequest): AppendInfo | Promise<AppendInfo> {
    this.checkLeader(-1)
    this.#checkMinIsr(requiredAcks)
    const appended = this.log.append(records, { origin, leaderEpoch: this.leaderEpoch })
    if (appended instanceof Promise) return appended.then((info) => this.#appended(info))
    return this.#appended(appended)
  }

  /** Whether all in-sync replicas have everything before `offset`. */
  isReplicated(offset: number): boolean {
    return this.log.highWatermark >= offset
  }

  /** Resolves when they have. NOT_LEADER_OR_FOLLOWER when this broker no longer leads, NOT_ENOUGH_REPLICAS_AFTER_APPEND when too few of them are left. */
  async replicated(offset: number): Promise<void> {
    if (!this.#isLeader) throw notLeader()
    if (!this.isReplicated(offset)) await this.#replicated.wait(offset)
    if (this.isUnderMinIsr) throw new KafkaError('NOT_ENOUGH_REPLICAS_AFTER_APPEND')
  }

  /** OFFSET_OUT_OF_RANGE; the rest as checkLeader. */
  fetch(request: FetchRequest): Fetched | Promise<Fetched> {
    const { highWatermark, logStartOffset } = this.log
    const endOffset = request.reader === 'follower' ? this.log.logEndOffset : highWatermark
    if (request.offset < logStartOffset || request.offset > this.log.logEndOffset) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${request.offset} is not within ${logStartOffset} and ${this.log.logEndOffset} of ${this.topic}-${this.partition}`,
      )
    }
    const seen = { highWatermark, lastStableOffset: this.lastStableOffset, logStartOffset }
    if (request.offset >= endOffset || (request.maxBytes <= 0 && !request.minOneBatch)) return { ...seen, records: undefined }
    const { maxBytes, minOneBatch } = request
    const upTo = request.reader === 'follower' ? 'logEnd' : 'highWatermark'
    const region = this.log.region(request.offset, { maxBytes, upTo, minOneBatch })
    const take = (found: LogRegion | undefined): Fetched => ({
      ...seen,
      records: found?.firstEntryIncomplete && !request.mayCutFirstBatch ? undefined : found,
    })
    return region instanceof Promise ? region.then(take) : take(region)
  }

  /** A follower asks from `offset` on, so it has all before. */
  followerFetched(brokerId: number, offset: number): void {
    if (!this.#isLeader || !this.#leadership!.replicas.includes(brokerId)) return
    this.#followerEnds.set(brokerId, offset)
    this.#advanceHighWatermark()
  }

  /** undefined: no record is that young. */
  async offsetFor(timestamp: Int64, reader: 'consumer' | 'replica'): Promise<FoundOffset | undefined> {
    const endOffset = reader === 'replica' ? this.log.logEndOffset : this.log.highWatermark
    if (reader === 'consumer' && this.#epochStartOffset > this.log.highWatermark) throw new KafkaError('OFFSET_NOT_AVAILABLE')
    if (timestamp === LATEST_TIMESTAMP) return { timestamp: -1, offset: endOffset, leaderEpoch: this.leaderEpoch }
    if (timestamp === EARLIEST_TIMESTAMP) {
      const offset = this.log.logStartOffset
      return { timestamp: -1, offset, leaderEpoch: this.log.epochs.epochOf(offset) ?? -1 }
    }
    const found = await this.log.offsetForTimestamp(timestamp)
    if (!found || found.offset >= endOffset) return undefined
    return { timestamp: found.timestamp, offset: found.offset, leaderEpoch: found.leaderEpoch ?? -1 }
  }

  /** Where `epoch` ended here; {epoch: -1, endOffset: -1} where that is not known. */
  endOffsetFor(epoch: number): { epoch: number; endOffset: number } {
    if (epoch === this.leaderEpoch) return { epoch, endOffset: this.log.logEndOffset }
    return this.log.epochs.endOffsetFor(epoch, this.log.logEndOffset) ?? { epoch: -1, endOffset: -1 }
  }

  /** Deletes records before `offset` (HIGH_WATERMARK: all that consumers see) and gives the new start of the log. */
  deleteRecordsBefore(offset: Int64): number {
    this.checkLeader(-1)
    if (!this.log.config.cleanupPolicy.includes('delete')) throw new KafkaError('POLICY_VIOLATION')
    const wanted = toNumber(offset) === HIGH_WATERMARK ? this.log.highWatermark : toNumber(offset)
    if (wanted < 0 || wanted > this.log.highWatermark) throw new KafkaError('OFFSET_OUT_OF_RANGE')
    return this.log.advanceLogStart(wanted)
  }

  #checkMinIsr(requiredAcks: number): void {
    if (requiredAcks !== -1 || !this.isUnderMinIsr) return
    const { isr } = this.#leadership!
    throw new KafkaError(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR Set(${isr.join(', ')}) is insufficient to satisfy the min.isr requirement of ` +
        `${this.log.config.minInsyncReplicas} for partition ${this.topic}-${this.partition}`,
    )
  }

  #appended(info: AppendInfo): AppendInfo {
    if (this.#isLeader) this.#advanceHighWatermark()
    return info
  }

  /** What all in-sync replicas have; it never goes back. */
  #advanceHighWatermark(): void {
    const { log } = this
    let end = log.logEndOffset
    for (const id of this.#leadership!.isr) {
      if (id !== this.#brokerId) end = Math.min(end, this.#followerEnds.get(id) ?? log.highWatermark)
    }
    const isAdvanced = end > log.highWatermark
    if (isAdvanced) log.setHighWatermark(end)
    if (this.#replicated.size > 0) this.#replicated.reached(log.highWatermark)
    if (this.waiters.size > 0 && (isAdvanced || this.#leadership!.isr.length > 1)) this.#wakes.wake(this.waiters)
  }
}
