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
  /** All assigned replicas, those that are added or removed by a reassignment too. */
  replicas: readonly number[]
  addingReplicas: readonly number[]
  removingReplicas: readonly number[]
  controllerEpoch: number
  /** Version of the state znode; an in-sync set is written only where it still holds. */
  zkVersion: number
}
/** What a follower's fetch tells the leader. `logStartOffset` -1: unknown. `nowMs`: when the fetch was read, by the monotonic clock. */
export type FollowerFetch = { fetchOffset: number; logStartOffset: number; nowMs: number }
/** What the leader said beside the records. */
export type LeaderOffsets = { leaderEpoch: number; highWatermark: number; logStartOffset: number }
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
  /** A follower reads to the end of the log, a consumer to the high watermark, with READ_COMMITTED to the last stable offset. */
  upTo: 'logEnd' | 'highWatermark' | 'lastStableOffset'
}
/** What a follower says of its log by a Fetch. */
export type FollowerFetch = {
  /** It has everything before. */
  fetchOffset: number
  /** -1: not told. */
  logStartOffset: number
  /** Monotonic. */
  nowMs: number
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
  #isFollower = false
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
    this.#isFollower = false
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
    this.#isFollower = true
  }

  /** No longer leader, whoever is. */
  resign(): void {
    this.#isLeader = false
    this.#isFollower = false
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
    this.#checkEpoch(currentLeaderEpoch)
    if (!this.#isLeader) throw notLeader()
  }

  /** As checkLeader, but a follower serves readers, too; who resigned serves nobody, until the controller says what it is. */
  checkReplica(currentLeaderEpoch: number): void {
    this.#checkEpoch(currentLeaderEpoch)
    if (!this.#isLeader && !this.#isFollower) throw notLeader()
  }

  #checkEpoch(currentLeaderEpoch: number): void {
    if (this.#isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    if (currentLeaderEpoch >= 0 && currentLeaderEpoch < this.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH')
    if (currentLeaderEpoch > this.leaderEpoch) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
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
    const { highWatermark, logStartOffset, logEndOffset } = this.log
    const { maxBytes, minOneBatch } = request
    const lastStableOffset = this.lastStableOffset
    const ends = { logEnd: logEndOffset, highWatermark, lastStableOffset }
    const upTo = ends[request.upTo]
    if (request.offset < logStartOffset || request.offset > logEndOffset) {
      throw new KafkaError(
        'OFFSET_OUT_OF_RANGE',
        `offset ${request.offset} is not within ${logStartOffset} and ${logEndOffset} of ${this.topic}-${this.partition}`,
      )
    }
    const seen = { highWatermark, lastStableOffset, logStartOffset }
    if (request.offset >= upTo || (request.maxBytes <= 0 && !request.minOneBatch)) return { ...seen, records: undefined }
    const region = this.log.region(request.offset, { maxBytes, upTo, minOneBatch })
    const take = (found: LogRegion | undefined): Fetched => ({
      ...seen,
      records: found?.firstEntryIncomplete && !request.mayCutFirstBatch ? undefined : found,
    })
    return region instanceof Promise ? region.then(take) : take(region)
  }

  /**
   * After the leader has read for a follower: it asks from `fetchOffset` on, so it has all before. NOT_LEADER_OR_FOLLOWER when this broker does not lead,
   * UNKNOWN_TOPIC_OR_PARTITION for a broker that is not a replica; both change nothing.
   */
  followerFetched(brokerId: number, { fetchOffset }: FollowerFetch): void {
    if (!this.#isLeader) throw notLeader()
    if (!this.#leadership!.replicas.includes(brokerId)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    this.#followerEnds.set(brokerId, fetchOffset)
    this.#advanceHighWatermark()
  }

  /** Appends what the leader of `leaderEpoch` sent (nothing is fine) and takes over its offsets. NOT_LEADER_OR_FOLLOWER when that leader is not followed. */
  appendAsFollower(records: Buffer, leader: LeaderOffsets): AppendInfo | Promise<AppendInfo> {
    this.#checkFollower(leader.leaderEpoch)
    const appended = this.log.append(records, { origin: 'replication', leaderEpoch: leader.leaderEpoch })
    if (appended instanceof Promise) return appended.then((info) => this.#appendedAsFollower(info, leader))
    return this.#appendedAsFollower(appended, leader)
  }

  /** Cuts off what is at or beyond `offset`. Errors: those of appendAsFollower. */
  async truncateAsFollower(offset: number, leaderEpoch: number): Promise<void> {
    this.#checkFollower(leaderEpoch)
    await this.log.truncateTo(offset)
  }

  /** Empties the log, which then begins at `offset`: where the leader no longer has what comes next. Errors: those of appendAsFollower. */
  async startOverAsFollower(offset: number, leaderEpoch: number): Promise<void> {
    this.#checkFollower(leaderEpoch)
    await this.log.truncateFullyAndStartAt(offset)
  }

  #checkFollower(leaderEpoch: number): void {
    if (this.#isOffline) throw new KafkaError('KAFKA_STORAGE_ERROR')
    if (this.#isLeader || this.leaderEpoch !== leaderEpoch) throw notLeader()
  }

  #appendedAsFollower(info: AppendInfo, { highWatermark, logStartOffset }: LeaderOffsets): AppendInfo {
    const { log } = this
    const before = log.highWatermark
    if (highWatermark > before) log.setHighWatermark(highWatermark)
    if (logStartOffset > log.logStartOffset) log.advanceLogStart(Math.min(logStartOffset, log.highWatermark))
    if (log.highWatermark > before && this.waiters.size > 0) this.#wakes.wake(this.waiters)
    return info
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
