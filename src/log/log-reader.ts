import type { WorkerPool } from '../base/worker-pool.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import { EMPTY_READ, type LogView, type ReadOptions, type ReadResult, type SegmentRead, type TimestampedOffset } from './log-types.ts'
import { type FoundRegion, type LogRegion, readable, regionIn } from './region.ts'
import { readLater, readNow, type Reads } from './reads.ts'
import type { Segments } from './segments.ts'
import type { StorageGuard } from './storage-guard.ts'
import { findOffsetByTimestamp } from './timestamp-search.ts'
import type { AbortedTransaction } from './transaction-index.ts'
import { type PageCacheShare, WarmWrites } from './warm-writes.ts'

const outOfRange = (offset: number, { topic, partition, logStartOffset, logEndOffset }: LogView): KafkaError =>
  new KafkaError(
    'OFFSET_OUT_OF_RANGE',
    `Received request for offset ${offset} for partition ${topic}-${partition}, but we only have log segments in the range ${logStartOffset} to ${logEndOffset}.`,
  )

/** Reads one log: at once what was written lately, off the event loop the rest. */
export class LogReader {
  readonly #log: LogView
  readonly #segments: Segments
  readonly #guard: StorageGuard
  readonly #warm: WarmWrites
  /** Counts cuts: what was read across one may be half old, half new. */
  #cuts = 0

  constructor(log: LogView, segments: Segments, guard: StorageGuard, pageCache: PageCacheShare) {
    this.#log = log
    this.#segments = segments
    this.#guard = guard
    this.#warm = new WarmWrites(pageCache)
  }

  noteWrite(bytes: number, firstOffset: number): void {
    this.#warm.noteWrite(bytes, firstOffset)
  }

  noteCut(offset: number): void {
    this.#cuts++
    this.#warm.noteCut(offset)
  }

  /** Errors: those of Log.read. */
  read(offset: number, options: ReadOptions): ReadResult | Promise<ReadResult> {
    const wanted = this.#checked(offset, options)
    if (!wanted) return EMPTY_READ
    if (this.#warm.has(offset)) return this.#guard.run('read', () => readNow(this.#read(wanted)))
    // Cut meanwhile: once more.
    return this.#readCold(wanted).then((result) => result ?? this.read(offset, options))
  }

  /** As read, but only finds the records; undefined where there are none, or the log was cut meanwhile. */
  region(offset: number, options: ReadOptions): LogRegion | undefined | Promise<LogRegion | undefined> {
    const wanted = this.#checked(offset, options)
    return wanted && this.#region(wanted)
  }

  /** undefined: there is nothing to read. */
  #checked(offset: number, { upTo, maxBytes, minOneBatch }: ReadOptions): SegmentRead | undefined {
    this.#guard.assertUsable()
    const { logStartOffset, logEndOffset, highWatermark } = this.#log
    if (offset < logStartOffset || offset > logEndOffset) throw outOfRange(offset, this.#log)
    const limit = upTo === 'logEnd' ? logEndOffset : upTo === 'highWatermark' ? highWatermark : upTo
    const endOffset = Math.min(limit, logEndOffset)
    return offset < endOffset ? { offset, endOffset, maxBytes, minOneBatch } : undefined
  }

  offsetForTimestamp(timestamp: Int64, pool: WorkerPool | undefined): Promise<TimestampedOffset | undefined> {
    const from = this.#log.logStartOffset
    return this.#guard.runLater('look-up', () => findOffsetByTimestamp(this.#segments.from(from), { timestamp, from, pool }, this.#log))
  }

  /** Aborted transactions with records in [from, to). Their index ends where it says that none that ends later began before `to`. */
  abortedTransactions(from: number, to: number): AbortedTransaction[] {
    const found: AbortedTransaction[] = []
    for (const segment of this.#segments.from(from)) {
      for (const aborted of segment.transactions.entries()) {
        if (aborted.lastOffset >= from && aborted.firstOffset < to) found.push(aborted)
        if (aborted.lastStableOffset >= to) return found
      }
    }
    return found
  }

  #region(wanted: SegmentRead): LogRegion | undefined | Promise<LogRegion | undefined> {
    const cuts = this.#cuts
    const isWarm = this.#warm.has(wanted.offset)
    const open = (found: FoundRegion | undefined): LogRegion | undefined =>
      found && found.sizeBytes > 0 && cuts === this.#cuts
        ? readable(found, isWarm, { isUncut: () => cuts === this.#cuts, guard: this.#guard })
        : undefined
    if (isWarm) return open(this.#guard.run('read', () => readNow(this.#find(wanted))))
    return this.#guard.runLater('read', async () => open(await readLater(this.#find(wanted))))
  }

  *#find(wanted: SegmentRead): Reads<FoundRegion | undefined> {
    const segments = [...this.#segments.from(wanted.offset)]
    for (const [index, segment] of segments.entries()) {
      const nextBaseOffset = segments[index + 1]?.baseOffset ?? Infinity
      const reachesEnd = (): boolean => segment === this.#segments.active && wanted.endOffset === this.#log.logEndOffset
      const found = yield* regionIn(segment, wanted, { isLast: nextBaseOffset > wanted.endOffset, reachesEnd })
      if (found) return { ...found, endOffset: Math.min(wanted.endOffset, nextBaseOffset) }
    }
    return undefined
  }

  async #readCold(wanted: SegmentRead): Promise<ReadResult | undefined> {
    const cuts = this.#cuts
    try {
      const result = await this.#guard.runLater('read', () => readLater(this.#read(wanted)))
      return cuts === this.#cuts ? result : undefined
    } catch (error) {
      if (cuts === this.#cuts) throw error
      return undefined
    }
  }

  *#read(wanted: SegmentRead): Reads<ReadResult> {
    for (const segment of this.#segments.from(wanted.offset)) {
      const result = yield* segment.read(wanted)
      if (result) return result
    }
    return EMPTY_READ
  }
}
