import { codeOf, errorCode, KafkaError } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import { closestReplica, NO_PREFERRED_REPLICA } from './closest-replica.ts'
import type { FetchedPartition } from './frame.ts'
import type { FetchTerms } from './terms.ts'
import type { Wanted } from './wanted.ts'
import { MAGIC_2_SINCE } from './terms.ts'
import type { Fetched, Partition } from '../partition.ts'

const ZSTD_SINCE = 10
/** These tell the client nothing that it would have to know before its time is over; answered at once, they would make it ask again and again. */
const PATIENT_ERRORS: ReadonlySet<number> = new Set([errorCode('UNKNOWN_TOPIC_OR_PARTITION'), errorCode('TOPIC_AUTHORIZATION_FAILED')])

export const failedPartition = (wanted: FetchedPartition['wanted'], code: number): FetchedPartition => ({
  wanted,
  errorCode: code,
  highWatermark: -1,
  lastStableOffset: -1,
  logStartOffset: -1,
  aborted: null,
  preferredReadReplica: NO_PREFERRED_REPLICA,
  records: undefined,
})

const withoutRecords = (read: Fetched): Fetched => ({ ...read, records: undefined })

/** One pass over the partitions of a request: what can be read now, within the limits. */
export class FetchPass {
  readonly #terms: FetchTerms
  readonly #isFirst: boolean
  #leftBytes: number
  #needsOneBatch: boolean
  readonly fetched: FetchedPartition[] = []
  bytes = 0
  /** There is something that the client has to know at once. */
  isUrgent = false
  /** Where more may come. */
  readonly partitions: Partition[] = []
  /** `end` as this pass saw it. */
  endWhenRead = 0

  /** A request's first pass tells the partitions what a follower has; the others only look again. */
  constructor(terms: FetchTerms, isFirst: boolean) {
    this.#terms = terms
    this.#isFirst = isFirst
    this.#leftBytes = terms.maxBytes
    this.#needsOneBatch = terms.wholeBatches
  }

  /** Changes when one of the partitions gets more. */
  get end(): number {
    return this.partitions.reduce((sum, { log }) => sum + log.logEndOffset + log.highWatermark, 0)
  }

  /** Whether the answer need not wait. */
  get isEnough(): boolean {
    return this.isUrgent || this.bytes >= this.#terms.minBytes || this.partitions.length === 0
  }

  /** In the order of the request: earlier partitions take of the limit first. Waits only for what is not in the page cache. */
  run(wanted: Iterable<Wanted>): this | Promise<this> {
    const left = wanted[Symbol.iterator]()
    for (let next = left.next(); !next.done; next = left.next()) {
      const reading = this.#read(next.value)
      if (reading) return this.#runLater(reading, left)
    }
    return this
  }

  async #runLater(reading: Promise<void>, left: Iterator<Wanted>): Promise<this> {
    await reading
    for (let next = left.next(); !next.done; next = left.next()) await this.#read(next.value)
    return this
  }

  #read(wanted: Wanted): Promise<void> | undefined {
    try {
      const partition = this.#partitionOf(wanted)
      this.partitions.push(partition)
      const preferred = this.#preferred(partition, wanted)
      if (preferred !== NO_PREFERRED_REPLICA) {
        this.#send(wanted, partition, preferred)
        return undefined
      }
      const reading = partition.fetch({
        offset: toNumber(wanted.fetchOffset),
        maxBytes: Math.min(wanted.maxBytes, this.#leftBytes),
        minOneBatch: this.#needsOneBatch,
        mayCutFirstBatch: !this.#terms.wholeBatches,
        upTo: this.#terms.upTo,
      })
      const mayRead = !this.#terms.isFollower || this.#serve(partition, wanted)
      this.endWhenRead += partition.log.logEndOffset + partition.log.highWatermark
      if (!(reading instanceof Promise)) {
        this.#take(wanted, partition, mayRead ? reading : withoutRecords(reading))
        return undefined
      }
      return reading.then(
        (read) => this.#take(wanted, partition, mayRead ? read : withoutRecords(read)),
        (thrown: unknown) => this.#fail(wanted, thrown),
      )
    } catch (thrown) {
      this.#fail(wanted, thrown)
      return undefined
    }
  }

  #partitionOf({ topic, partitionIndex, currentLeaderEpoch }: Wanted): Partition {
    const { context, isFollower, mayReadFromFollower } = this.#terms
    if (!isFollower) context.authorize('READ', 'TOPIC', topic)
    const { partitions } = context.broker
    const partition = mayReadFromFollower
      ? partitions.replica(topic, partitionIndex, currentLeaderEpoch)
      : partitions.leader(topic, partitionIndex, currentLeaderEpoch)
    const { compressionType, messageDownconversionEnable } = partition.log.config
    if (context.apiVersion < ZSTD_SINCE && compressionType === 'zstd') throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE')
    if (context.apiVersion < MAGIC_2_SINCE && !messageDownconversionEnable) throw new KafkaError('UNSUPPORTED_VERSION')
    return partition
  }

  #preferred(partition: Partition, { fetchOffset }: Wanted): number {
    const { rackId, context } = this.#terms
    if (rackId === '' || !partition.isLeader) return NO_PREFERRED_REPLICA
    return closestReplica(partition, toNumber(fetchOffset), rackId, context)
  }

  /** Where the consumer is to ask from now on; at once, so that it does not wait here. */
  #send(wanted: Wanted, { highWatermark, lastStableOffset, log }: Partition, preferredReadReplica: number): void {
    this.isUrgent = true
    const { logStartOffset } = log
    const here = { wanted, highWatermark, lastStableOffset, logStartOffset }
    this.fetched.push({ ...here, errorCode: 0, aborted: null, preferredReadReplica, records: undefined })
  }

  /**
   * Tells the leader what a follower has, once its offset is known to be within the log. Whether the follower may have records: a broker that is no replica
   * gets none, nor an error; one that is throttled gets none as long as it is out of sync, lest in-sync sets shrink.
   */
  #serve(partition: Partition, { fetchOffset, logStartOffset }: Wanted): boolean {
    const { followerId, context, isOverQuota } = this.#terms
    const { logger, clocks, leaderQuota } = context.broker
    if (this.#isFirst) {
      const nowMs = clocks.monotonic.nowMs()
      const fetch = { fetchOffset: toNumber(fetchOffset), logStartOffset: toNumber(logStartOffset), nowMs }
      if (!partition.followerFetched(followerId, fetch)) {
        const { topic, partition: index } = partition
        logger.warn({ topic, partition: index, followerId }, 'a broker fetches a partition that it is no replica of')
      }
    }
    if (!partition.isReplica(followerId)) return false
    return !isOverQuota || partition.isInSync(followerId) || !leaderQuota.isThrottled(partition)
  }

  #take(wanted: Wanted, partition: Partition, { highWatermark, lastStableOffset, logStartOffset, aborted, records }: Fetched): void {
    const { isFollower } = this.#terms
    const sizeBytes = records?.sizeBytes ?? 0
    this.bytes += sizeBytes
    this.#leftBytes = Math.max(0, this.#leftBytes - sizeBytes)
    if (sizeBytes > 0) this.#needsOneBatch = false
    this.fetched.push({
      wanted,
      errorCode: 0,
      // What the follower just told may have moved it.
      highWatermark: isFollower ? partition.highWatermark : highWatermark,
      lastStableOffset,
      logStartOffset,
      aborted,
      preferredReadReplica: NO_PREFERRED_REPLICA,
      records,
    })
  }

  #fail(wanted: Wanted, thrown: unknown): void {
    const { logger } = this.#terms.context.broker
    const code = codeOf(thrown)
    if (!PATIENT_ERRORS.has(code)) this.isUrgent = true
    if (!(thrown instanceof KafkaError)) {
      logger.error({ err: thrown, topic: wanted.topic, partition: wanted.partitionIndex }, 'fetch failed')
    }
    this.fetched.push(failedPartition(wanted, code))
  }
}
