import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { fetch } from '../../protocol/api/01-fetch.ts'
import { type ErrorName, errorName, KafkaError } from '../../protocol/errors.ts'
import { appendFetched, type FetchedPartition, isAnswerCorrupt } from './fetch-append.ts'
import { InterruptibleLeader, type Leader } from './fetch-leader.ts'
import type { FollowedPartition } from './fetch-partition.ts'
import { Rest } from './fetch-rest.ts'
import { Roster } from './fetch-roster.ts'
import { type FetchAnswer, FetchSession, type SessionRequest } from './fetch-session.ts'
import { type AnsweredEpoch, askEpochEnds, cutByEpoch, cutToHighWatermark, resetFetchOffset } from './fetch-truncate.ts'
import type { ReplicationQuota } from './replication-quota.ts'

/** The keys replica.fetch.*. */
export type FetchSettings = { maxBytes: number; minBytes: number; maxWaitMs: number; responseMaxBytes: number; backoffMs: number }
export type FetcherOptions = {
  leader: Leader
  /** This broker. */
  replicaId: number
  settings: () => FetchSettings
  quota: ReplicationQuota
  clock: MonotonicClock
  logger: Logger
}

/** As a 2.6 broker sends it. */
const FETCH_VERSION = 11
/** What no answer changes (our own retention moves the start of a log) is compared with what the leader knows this often. */
const SWEEP_MS = 1000
const FIRST_PAUSE_MS = 20
const IDLE_DISCONNECT_MS = 10_000
/** After so many bytes the requests of clients get their turn: a follower that catches up is no reason to wait. */
const TURN_BYTES = 2 << 20

/**
 * Follows one leader for some partitions, with one request at a time: the log of a new one is cut to what the leader has, then all are fetched in one session. An error
 * of one partition delays that one, a lost connection all.
 */
export class Fetcher {
  readonly #options: FetcherOptions
  readonly #leader: InterruptibleLeader
  readonly #rest: Rest
  readonly #session = new FetchSession()
  readonly #roster: Roster
  readonly #running: Promise<void>
  #isStopped = false
  #failures = 0
  #sweptMs = 0
  /** Whose next offset the leader does not have: to be asked about when the answer has been taken. */
  readonly #outOfRange: FollowedPartition[] = []
  /** Of records that were appended. */
  bytesIn = 0
  reassignmentBytesIn = 0

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#leader = new InterruptibleLeader(options.leader, options.clock)
    this.#rest = new Rest(options.clock)
    this.#roster = new Roster(options.clock)
    this.#running = this.#run()
  }

  get failedCount(): number {
    return this.#roster.failedCount
  }
  get partitions(): Iterable<FollowedPartition> {
    return this.#roster.followed.values()
  }

  /** Whether it follows this very object: not the partition in another epoch, nor one that it gave up. */
  holds(followed: FollowedPartition): boolean {
    return this.#roster.holds(followed)
  }

  add(followed: FollowedPartition): void {
    this.#roster.add(followed)
    this.#rest.end()
    this.#leader.interruptSoon()
  }

  /** Nothing is appended to it or cut off any more when this resolves. */
  remove(followed: FollowedPartition): Promise<void> {
    this.#roster.remove(followed)
    return followed.settled()
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    for (const followed of this.partitions) this.#roster.remove(followed)
    this.#rest.end()
    this.#leader.disconnect()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopped) {
      try {
        this.#roster.endDelays()
        await this.#truncate()
        if (!this.#isStopped) await this.#fetch()
      } catch (error) {
        this.#session.failed()
        await this.#recover(error)
      }
    }
  }

  /** After the loss of a connection, or an answer that cannot be read. */
  async #recover(err: unknown): Promise<void> {
    if (this.#isStopped || this.#leader.wasInterrupted()) return
    this.#leader.disconnect()
    this.#options.logger.warn({ err, partitions: this.#roster.followed.size }, 'a leader cannot be followed, trying again')
    await this.#pause()
  }

  /** Longer from failure to failure, up to replica.fetch.backoff.ms; a new partition ends it. */
  #pause(): Promise<void> {
    return this.#rest.upTo(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#failures++, 20), this.#options.settings().backoffMs))
  }

  /** Cuts the logs of new partitions step by step, until each fits the leader's, failed or has to wait. */
  async #truncate(): Promise<void> {
    const { replicaId, logger } = this.#options
    for (let ready = this.#roster.toTruncate(); ready.length > 0; ready = this.#roster.toTruncate()) {
      const isWithoutEpochs = ({ replica }: FollowedPartition): boolean => replica.log.latestEpoch === undefined
      const byEpoch = ready.filter((followed) => !isWithoutEpochs(followed))
      const byHighWatermark = ready.filter(isWithoutEpochs)
      await Promise.all(byHighWatermark.map((followed) => this.#cut(followed, () => cutToHighWatermark(followed, logger))))
      if (byEpoch.length === 0) continue
      const answers = await askEpochEnds(this.#leader, replicaId, byEpoch)
      const answered = new Set(answers.map(({ followed }) => followed))
      for (const followed of byEpoch) if (!answered.has(followed)) this.#delay(followed)
      await Promise.all(answers.map((answer) => this.#takeEpoch(answer)))
    }
  }

  async #takeEpoch({ followed, ...answer }: AnsweredEpoch): Promise<void> {
    if ('end' in answer) await this.#cut(followed, () => cutByEpoch(followed, answer.end, this.#options.logger))
    else this.#refused(followed, answer.error)
  }

  /** Not where the partition has another epoch by now (KAFKA-7786). */
  async #cut(followed: FollowedPartition, cut: () => Promise<void>): Promise<void> {
    if (!this.holds(followed)) return
    try {
      await cut()
    } catch (error) {
      return this.#failedHere(followed, error)
    }
    if (!followed.isTruncating && this.holds(followed)) this.#roster.truncated(followed)
  }

  async #fetch(): Promise<void> {
    const settings = this.#options.settings()
    const request = this.#nextRequest(settings)
    if (!request) return this.#idle()
    const { replicaId, logger } = this.#options
    const { minBytes, responseMaxBytes: maxBytes } = settings
    const maxWait = this.#maxWaitMs(settings)
    const answer = await this.#leader.request(fetch, FETCH_VERSION, { ...request, replicaId, maxWait, minBytes, maxBytes })
    const { isFull } = this.#session
    const accepted = this.#session.accept(answer)
    if (accepted.isUsable) {
      this.#failures = 0
      return this.#take(answer)
    }
    logger.info({ reason: accepted.reason, wasFull: isFull }, 'the fetch session ended, asking for everything')
    if (isFull) await this.#pause()
  }

  #nextRequest({ maxBytes }: FetchSettings): SessionRequest | undefined {
    const { clock, quota } = this.#options
    const { followed: all, changed } = this.#roster
    const nowMs = clock.nowMs()
    this.#roster.endHolds()
    if (nowMs - this.#sweptMs >= SWEEP_MS) {
      this.#sweptMs = nowMs
      for (const followed of all.values()) changed.add(followed)
    }
    const { isExceeded } = quota
    const isReady = (followed: FollowedPartition): boolean => {
      if (!this.#roster.isFetchable(followed)) return false
      if (!isExceeded || followed.isCaughtUp || !quota.isThrottled(followed.replica)) return true
      this.#roster.hold(followed)
      return false
    }
    const request = this.#session.next({ followed: all, changed, isReady, maxBytes })
    changed.clear()
    return request
  }

  #maxWaitMs({ maxWaitMs }: FetchSettings): number {
    return this.#roster.isAnyoneWaiting ? Math.min(maxWaitMs, Math.ceil(this.#roster.untilNextMs())) : maxWaitMs
  }

  async #idle(): Promise<void> {
    const { followed } = this.#roster
    if (followed.size > 0) return this.#rest.upTo(this.#roster.untilNextMs())
    await this.#rest.upTo(IDLE_DISCONNECT_MS)
    if (followed.size > 0 || this.#isStopped) return
    this.#leader.disconnect()
    await this.#rest.upTo(Infinity)
  }

  /** The records last until the next request: nothing is asked before all are written. */
  async #take({ topics }: FetchAnswer): Promise<void> {
    const waiting: Promise<void>[] = []
    let bytes = 0
    for (const { name, partitions } of topics) {
      for (const fetched of partitions) {
        if (bytes >= TURN_BYTES) {
          bytes = 0
          await new Promise((resolve) => setImmediate(resolve))
        }
        const work = this.#takePartition(name, fetched)
        if (work) waiting.push(work)
        bytes += fetched.records.length
      }
    }
    if (waiting.length > 0) await Promise.all(waiting)
    for (const followed of this.#outOfRange.splice(0)) await this.#reset(followed)
  }

  /** Dropped where the partition is no longer what was asked for: unfollowed, of another epoch, cut meanwhile. Never rejects. */
  #takePartition(topic: string, fetched: FetchedPartition): void | Promise<void> {
    const { followed, fetchOffset } = this.#session.asked(topic, fetched.partitionIndex)!
    if (!this.holds(followed) || !this.#roster.isFetchable(followed) || followed.fetchOffset !== fetchOffset) return
    if (fetched.errorCode !== 0) return this.#refused(followed, errorName(fetched.errorCode))
    try {
      const appended = appendFetched(followed, fetched)
      if (!(appended instanceof Promise)) return this.#appended(followed, fetched)
      return appended.then(
        () => this.#appended(followed, fetched),
        (error: unknown) => this.#failedHere(followed, error),
      )
    } catch (error) {
      this.#failedHere(followed, error)
    }
  }

  #appended(followed: FollowedPartition, { records }: FetchedPartition): void {
    const bytes = records.length
    this.#roster.changed.add(followed)
    if (bytes === 0) return
    this.bytesIn += bytes
    if (followed.replica.isAddingReplica(this.#options.replicaId)) this.reassignmentBytesIn += bytes
    this.#roster.followed.moveToEnd(followed.replica.topic, followed.replica.partition)
    const { quota } = this.#options
    if (quota.isThrottled(followed.replica)) quota.record(bytes)
  }

  #delay(followed: FollowedPartition): void {
    this.#roster.delay(followed, this.#options.settings().backoffMs)
  }

  /** What an error of the leader means for the partition. */
  #refused(followed: FollowedPartition, error: ErrorName): void {
    if (!this.holds(followed)) return
    if (error === 'OFFSET_OUT_OF_RANGE' && !followed.isTruncating) {
      this.#outOfRange.push(followed)
      return
    }
    const { leaderEpoch } = followed
    const { topic, partition } = followed.replica
    if (error === 'FENCED_LEADER_EPOCH') {
      this.#options.logger.info({ topic, partition, leaderEpoch }, 'the leader has a newer epoch: waiting for the controller')
      return this.#roster.fail(followed, true)
    }
    this.#options.logger.debug({ topic, partition, leaderEpoch, error }, 'the leader does not serve a partition yet')
    this.#delay(followed)
  }

  /** An error of the own log. */
  #failedHere(followed: FollowedPartition, err: unknown): void {
    if (!this.holds(followed)) return
    if (err instanceof KafkaError && err.error === 'NOT_LEADER_OR_FOLLOWER') return this.#roster.remove(followed)
    const { topic, partition } = followed.replica
    const { logger } = this.#options
    if (isAnswerCorrupt(err)) {
      logger.error({ topic, partition, offset: followed.fetchOffset, err }, 'the leader sent records that are corrupt')
      return this.#delay(followed)
    }
    logger.error({ topic, partition, leaderEpoch: followed.leaderEpoch, err }, 'a partition cannot be followed')
    this.#roster.fail(followed, false)
  }

  async #reset(followed: FollowedPartition): Promise<void> {
    const { replicaId, logger } = this.#options
    try {
      await resetFetchOffset(followed, { leader: this.#leader, replicaId, logger, isCurrent: () => this.holds(followed) })
      this.#roster.changed.add(followed)
    } catch (err) {
      if (!(err instanceof KafkaError)) throw err
      if (err.error === 'FENCED_LEADER_EPOCH') return this.#refused(followed, err.error)
      const { topic, partition } = followed.replica
      logger.warn({ topic, partition, err }, 'no offset to go on from was found')
      this.#delay(followed)
    }
  }
}
