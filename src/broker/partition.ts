import type { MonotonicClock } from '../base/clock.ts'
import type { Int64 } from '../protocol/int64.ts'
import { KafkaError } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import type { AppendInfo, AppendOrigin } from '../log/log-types.ts'
import type { Log } from '../log/log.ts'
import type { FetchWaiter, Moved, WakeQueue } from './fetch/waiter.ts'
import { fetchFrom, type Fetched, type FetchRequest, findOffset, type FoundOffset } from './partition-reads.ts'
import { type FollowerState, InSyncReplicas, type LeaderNow } from './replicas/in-sync.ts'
import { IsrWriter, type IsrWriterOptions } from './replicas/isr-writer.ts'
import type { FollowerFetch, Leadership } from './replicas/leadership.ts'
import { ReplicatedWaiters } from './replicated-waiters.ts'

/** What the leader said beside the records. */
export type LeaderOffsets = { leaderEpoch: number; highWatermark: number; logStartOffset: number }
export type AppendRequest = {
  origin: Exclude<AppendOrigin, 'replication'>
  /** -1: all in-sync replicas, and there must be min.insync.replicas of them. */
  requiredAcks: number
}
/** DeleteRecords: up to the high watermark. */
const HIGH_WATERMARK = -1

/** What all partitions of a broker share. */
export type PartitionContext = {
  brokerId: number
  wakes: WakeQueue
  clock: MonotonicClock
  /** replica.lag.time.max.ms */
  lagTimeMaxMs: () => number
  /** What this broker knows of the cluster's live brokers. */
  isAlive: (brokerId: number) => boolean
  isr: IsrWriterOptions
}
/** A leader's knowledge, for one leader epoch. */
type Leading = { replicas: InSyncReplicas; writer: IsrWriter }

export { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP } from './partition-reads.ts'
export type { Fetched, FetchRequest, FoundOffset } from './partition-reads.ts'

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
  readonly #context: PartitionContext
  readonly #replicated = new ReplicatedWaiters()
  readonly #deleted = new ReplicatedWaiters()
  #leadership: Leadership | undefined
  /** While this broker leads; it stays after that, so that a later epoch of the same leadership can begin with what is known. */
  #leading: Leading | undefined
  #term = 0
  #isLeader = false
  #isFollower = false
  #isOffline = false
  /** Appends wait for it: a change of the role is under way. */
  #gate: Promise<void> | undefined

  constructor(options: { topic: string; partition: number; log: Log; context: PartitionContext }) {
    this.topic = options.topic
    this.partition = options.partition
    this.log = options.log
    this.#context = options.context
  }

  get isLeader(): boolean {
    return this.#isLeader
  }
  /** Another one each time that this broker stops leading: what it appended in an earlier one may be cut off, and other records may be in its place. */
  get term(): number {
    return this.#term
  }
  /** Follows the leader that the controller named. */
  get isFollower(): boolean {
    return this.#isFollower
  }
  get isOffline(): boolean {
    return this.#isOffline
  }
  /** -1 before the controller has spoken. */
  get leaderEpoch(): number {
    return this.#leadership?.leaderEpoch ?? -1
  }
  /** As the controller said last; the in-sync set and its version as this leader has written them since. */
  get leadership(): Leadership | undefined {
    if (!this.#leadership || !this.#isLeader) return this.#leadership
    const { replicas, writer } = this.#leading!
    return { ...this.#leadership, isr: replicas.isr, zkVersion: writer.zkVersion }
  }
  /** Of a leader: the in-sync replicas, this broker among them; of others nothing. */
  get isr(): readonly number[] {
    return this.#isLeader ? this.#leading!.replicas.isr : []
  }
  isInSync(brokerId: number): boolean {
    return this.isr.includes(brokerId)
  }
  isReplica(brokerId: number): boolean {
    return this.#leadership?.replicas.includes(brokerId) ?? false
  }
  isAddingReplica(brokerId: number): boolean {
    return this.#leadership?.addingReplicas.includes(brokerId) ?? false
  }
  /** What a leader knows of its followers. */
  followerStates(): Iterable<FollowerState> {
    return this.#isLeader ? this.#leading!.replicas.followers() : []
  }
  get highWatermark(): number {
    return this.log.highWatermark
  }
  /** Where READ_COMMITTED ends; without open transactions the high watermark. */
  get lastStableOffset(): number {
    return this.log.lastStableOffset
  }
  /** Replicas that a reassignment adds are not missed yet. */
  get isUnderReplicated(): boolean {
    return this.#isLeader && this.isr.length < this.replicationFactor
  }
  get isUnderMinIsr(): boolean {
    return this.#isLeader && this.isr.length < this.log.config.minInsyncReplicas
  }
  get isAtMinIsr(): boolean {
    return this.#isLeader && this.isr.length === this.log.config.minInsyncReplicas
  }
  get isReassigning(): boolean {
    const { addingReplicas = [], removingReplicas = [] } = this.#leadership ?? {}
    return addingReplicas.length + removingReplicas.length > 0
  }
  get replicationFactor(): number {
    const { replicas = [], addingReplicas = [] } = this.#leadership ?? {}
    return replicas.filter((id) => !addingReplicas.includes(id)).length
  }

  /**
   * Before `lead` and `follow`: appends that are under way end, in the epoch they began in, and new ones wait. `then` says what comes of it; afterwards they go on.
   */
  async change(then: () => void | Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    try {
      if (!this.log.isSettled) await this.log.settled()
      await then()
    } finally {
      if (this.#gate === promise) this.#gate = undefined
      resolve()
    }
  }

  /**
   * Becomes the leader, or stays it in a new epoch. No append may be under way. Resolves when the epoch's start is on the medium: before this nothing is to be
   * appended (KAFKA-7415).
   */
  async lead(leadership: Leadership): Promise<void> {
    this.#leading?.writer.end()
    const { brokerId, clock, isr } = this.#context
    const now = { logEndOffset: this.log.logEndOffset, nowMs: clock.nowMs() }
    const replicas = new InSyncReplicas(brokerId, leadership, now, this.#isLeader ? this.#leading?.replicas : undefined)
    this.#leading = { replicas, writer: new IsrWriter(this, leadership, replicas, isr, () => this.#advance()) }
    this.#leadership = leadership
    this.#isLeader = true
    this.#isFollower = false
    this.log.assignLeaderEpoch(leadership.leaderEpoch)
    this.#advance()
    try {
      await this.log.persistEpochs()
    } catch (error) {
      this.resign()
      throw error
    }
  }

  /** Stops serving clients; those who wait are told to look for the leader. */
  follow(leadership: Leadership): void {
    this.resign()
    this.#leadership = leadership
    this.#isFollower = true
  }

  /** No longer leader, whoever is. */
  resign(): void {
    this.#term++
    this.#isLeader = false
    this.#isFollower = false
    this.#leading?.writer.end()
    this.#replicated.fail(notLeader())
    this.#deleted.fail(notLeader())
    this.#wake()
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
    if (this.#gate) return this.#gate.then(() => this.append(records, { origin, requiredAcks }))
    this.checkLeader(-1)
    this.#checkMinIsr(requiredAcks)
    const appended = this.log.append(records, { origin, leaderEpoch: this.leaderEpoch })
    if (appended instanceof Promise) return appended.then((info) => this.#appended(info))
    return this.#appended(appended)
  }

  /** Whether all in-sync replicas have everything before `offset`, as it was appended in `term`. */
  isReplicated(offset: number, term = this.#term): boolean {
    return term === this.#term && this.log.highWatermark >= offset
  }

  /** Resolves when they have. NOT_LEADER_OR_FOLLOWER when this broker no longer leads or has not all the time, NOT_ENOUGH_REPLICAS_AFTER_APPEND when too few of them are left. */
  async replicated(offset: number, term = this.#term): Promise<void> {
    if (!this.#isLeader || term !== this.#term) throw notLeader()
    if (!this.isReplicated(offset)) await this.#replicated.wait(offset)
    if (this.isUnderMinIsr) throw new KafkaError('NOT_ENOUGH_REPLICAS_AFTER_APPEND')
  }

  /** OFFSET_OUT_OF_RANGE; the rest as checkLeader. */
  fetch(request: FetchRequest): Fetched | Promise<Fetched> {
    return fetchFrom(this.log, this.lastStableOffset, request)
  }

  /**
   * After the leader has read for a follower: it asks from `fetchOffset` on, so it has all before. May move the high watermark, and bring the follower into the
   * in-sync set. Whether the broker is a replica: for others nothing changes, and Kafka answers them without records. NOT_LEADER_OR_FOLLOWER when this broker
   * does not lead.
   */
  followerFetched(brokerId: number, fetch: FollowerFetch): boolean {
    if (!this.#isLeader) throw notLeader()
    const { replicas, writer } = this.#leading!
    if (!replicas.noteFetch(brokerId, fetch, this.log.logEndOffset)) return false
    if (replicas.canJoin(brokerId, this.log.highWatermark) && this.#context.isAlive(brokerId)) writer.expand(brokerId)
    this.#advance()
    return true
  }

  /** To be called every half of replica.lag.time.max.ms: who did not keep up leaves the in-sync set. */
  checkFollowers(): void {
    if (!this.#isLeader || this.#isOffline) return
    const { replicas, writer } = this.#leading!
    const late = replicas.outOfSync(this.#now())
    if (late.length > 0) writer.shrink(late)
    this.#advance()
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
    if (log.highWatermark > before) this.#wake('visible')
    return info
  }

  /** undefined: no record is that young. OFFSET_NOT_AVAILABLE for consumers of a new leader that does not know yet what they may see. */
  offsetFor(timestamp: Int64, upTo: FetchRequest['upTo']): Promise<FoundOffset | undefined> {
    const { log, leaderEpoch, lastStableOffset } = this
    const { logEndOffset, highWatermark } = log
    const isUncertain = upTo !== 'logEnd' && this.#isLeader && this.#leading!.replicas.epochStartOffset > highWatermark
    const endOffset = { logEnd: logEndOffset, highWatermark, lastStableOffset }[upTo]
    return findOffset(log, timestamp, { endOffset, leaderEpoch, isUncertain })
  }

  /** Where `epoch` ended here; {epoch: -1, endOffset: -1} where that is not known. */
  endOffsetFor(epoch: number): { epoch: number; endOffset: number } {
    return this.log.epochs.endOffsetFor(epoch, this.log.logEndOffset) ?? { epoch: -1, endOffset: -1 }
  }

  /** Deletes records before `offset` (HIGH_WATERMARK: all that consumers see) here, and gives that offset; the followers do so with their next fetches. */
  deleteRecordsBefore(offset: Int64): number {
    this.checkLeader(-1)
    if (!this.log.config.cleanupPolicy.includes('delete')) throw new KafkaError('POLICY_VIOLATION')
    const wanted = toNumber(offset) === HIGH_WATERMARK ? this.log.highWatermark : toNumber(offset)
    if (wanted < 0 || wanted > this.log.highWatermark) throw new KafkaError('OFFSET_OUT_OF_RANGE')
    this.log.advanceLogStart(wanted)
    return wanted
  }

  /** The first offset that any live replica still has. NOT_LEADER_OR_FOLLOWER. */
  get lowWatermark(): number {
    if (!this.#isLeader) throw notLeader()
    return this.#leading!.replicas.lowWatermark(this.log.logStartOffset, this.#context.isAlive)
  }

  /** Resolves when all live replicas have deleted what is before `offset`, with the low watermark. NOT_LEADER_OR_FOLLOWER when this broker no longer leads. */
  async deleted(offset: number): Promise<number> {
    if (this.lowWatermark < offset) await this.#deleted.wait(offset)
    return this.lowWatermark
  }

  #checkMinIsr(requiredAcks: number): void {
    if (requiredAcks !== -1 || !this.isUnderMinIsr) return
    const { isr } = this
    throw new KafkaError(
      'NOT_ENOUGH_REPLICAS',
      `The size of the current ISR Set(${isr.join(', ')}) is insufficient to satisfy the min.isr requirement of ` +
        `${this.log.config.minInsyncReplicas} for partition ${this.topic}-${this.partition}`,
    )
  }

  #appended(info: AppendInfo): AppendInfo {
    if (this.#isLeader) this.#advance()
    this.#wake('logEnd')
    return info
  }

  #now(): LeaderNow {
    const { clock, lagTimeMaxMs } = this.#context
    return { logEndOffset: this.log.logEndOffset, nowMs: clock.nowMs(), lagTimeMaxMs: lagTimeMaxMs() }
  }

  /** Brings the high watermark up to what all in-sync replicas have, never back; and answers those who wait for that. */
  #advance(): void {
    const { log } = this
    const { replicas } = this.#leading!
    const offset = replicas.highWatermark(this.#now())
    const isAdvanced = offset > log.highWatermark
    if (isAdvanced) log.setHighWatermark(offset)
    if (this.#replicated.size > 0) this.#replicated.reached(log.highWatermark)
    if (this.#deleted.size > 0) this.#deleted.reached(this.lowWatermark)
    if (isAdvanced) this.#wake('visible')
  }

  #wake(moved?: Moved): void {
    if (this.waiters.size > 0) this.#context.wakes.wake(this.waiters, moved)
  }
}
