import { batchSizeOf, hasProducerId, isLegacy, lastOffsetOf } from '../protocol/records/record-batch.ts'
import type { LogContext } from './log-context.ts'
import type { AppendOrigin } from './log-types.ts'
import type { Directory } from './open-files.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { type EndedTransaction, type ProducerChanges, ProducerStates } from './producer-states.ts'
import { readLater } from './reads.ts'
import { scanBatches } from './scan.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransaction } from './transaction-index.ts'

export type ProducersPlace = {
  /** TOPIC-PARTITION */
  name: string
  directory: Directory
  context: Pick<LogContext, 'files' | 'logger' | 'clocks' | 'producerExpirationMs'>
}
export type LogBounds = { segments: readonly Segment[]; logStartOffset: number; logEndOffset: number }

/** Among the aborted transactions of a segment, those that end at or after `from` and begin before `to`. */
const overlapping = (segment: Segment, from: number, to: number): AbortedTransaction[] =>
  segment.transactions.entries().filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to)

/**
 * The producers of one log, in memory and in its files: snapshots when a segment ends and at a clean stop, from which the state is built again at a start and
 * after a cut; and the index of aborted transactions.
 */
export class LogProducers {
  readonly #place: ProducersPlace
  readonly #snapshots: ProducerSnapshots
  #states: ProducerStates
  /** What the latest snapshot covers, or where the log began without one. */
  #snapshotOffset = 0

  /** `names` are the files in the directory. */
  constructor(place: ProducersPlace, names: Iterable<string> = []) {
    this.#place = place
    this.#snapshots = new ProducerSnapshots(place.directory, place.context.files.disk, place.context.logger, names)
    this.#states = new ProducerStates(place.name)
  }

  get states(): ProducerStates {
    return this.#states
  }

  /**
   * After a start: from the latest snapshot and what follows it in the log. A log that was stopped cleanly and has none had no producers that count. `without` are
   * segments that are known to hold nothing of producers.
   */
  async load(bounds: LogBounds, { isClean, without }: { isClean: boolean; without: ReadonlySet<Segment> }): Promise<void> {
    if (!isClean || this.#snapshots.latest !== undefined) return this.reload(bounds, without)
    this.#snapshotOffset = bounds.logStartOffset
  }

  /** Builds the state anew for a log that now has these bounds. */
  async reload({ segments, logStartOffset, logEndOffset }: LogBounds, without: ReadonlySet<Segment> = new Set()): Promise<void> {
    this.#snapshots.remove((offset) => offset > logEndOffset || offset <= logStartOffset)
    const found = this.#snapshots.load()
    const states = new ProducerStates(this.#place.name, found?.entries)
    this.#expire(states)
    const from = found?.offset ?? logStartOffset
    this.#snapshotOffset = from
    for (const [index, segment] of segments.entries()) {
      const isBefore = (segments[index + 1]?.baseOffset ?? logEndOffset) <= from
      if (!isBefore && !without.has(segment)) await replay(segment, from, states)
    }
    this.#states = states
  }

  /** undefined where nothing about producers is in the records. Errors: those of ProducerStates.check. */
  check(records: Buffer, origin: AppendOrigin): ProducerChanges | undefined {
    return this.#states.check(records, origin)
  }

  /** After the append is in the file. */
  apply(changes: ProducerChanges, active: Segment): void {
    for (const ended of this.#states.apply(changes)) note(ended, active)
  }

  /** Where readers of committed records stop. */
  lastStableOffset({ logStartOffset, highWatermark }: { logStartOffset: number; highWatermark: number }): number {
    const unstable = this.#states.firstUnstableOffset
    return unstable === undefined ? highWatermark : Math.min(highWatermark, Math.max(unstable, logStartOffset))
  }

  /** Aborted transactions with records in [from, to), `to` being at most the last stable offset. */
  aborted(segments: readonly Segment[], from: number, to: number): AbortedTransaction[] {
    return segments.flatMap((segment) => overlapping(segment, from, to))
  }

  /** The state as it is, for a log that ends at `offset`. */
  async snapshot(offset: number): Promise<void> {
    if (offset <= this.#snapshotOffset) return
    this.#snapshotOffset = offset
    await this.#snapshots.take(offset, this.#states.entries())
  }

  /** Snapshots before `offset` are of no use any more. */
  retainFrom(offset: number): void {
    this.#snapshots.remove((other) => other < offset)
  }

  /** Keeps those that a start may begin from: at the last two segments, and where a recovery begins. */
  retainFor(segments: readonly Segment[], recoveryPoint: number): void {
    const recovered = segments.findLast(({ baseOffset }) => baseOffset <= recoveryPoint)?.baseOffset ?? 0
    this.retainFrom(Math.min(segments.at(-2)?.baseOffset ?? 0, recovered))
  }

  /** The same, in the background; a start can do without it, so that its failure is no reason to fail an append. */
  async snapshotSoon(offset: number, segments: readonly Segment[], recoveryPoint: number): Promise<void> {
    try {
      await this.snapshot(offset)
      this.retainFor(segments, recoveryPoint)
    } catch (err) {
      const { name, context } = this.#place
      context.logger.warn({ log: name, offset, err }, 'the producers could not be written down')
    }
  }

  /** Before a clean stop. Where nothing was ever known of any producer, the absence of a snapshot says so. */
  async seal(offset: number, segments: readonly Segment[]): Promise<void> {
    if (this.#states.size > 0 || this.#snapshots.latest !== undefined) await this.snapshotSoon(offset, segments, offset)
    await this.#snapshots.settled()
  }

  /** The log is empty and begins at `offset`. */
  startOver(offset: number): void {
    this.#states = new ProducerStates(this.#place.name)
    this.#snapshots.remove(() => true)
    this.#snapshotOffset = offset
  }

  expire(): void {
    this.#expire(this.#states)
  }

  #expire(states: ProducerStates): void {
    const { clocks, producerExpirationMs } = this.#place.context
    states.expire(clocks.wall.nowMs(), producerExpirationMs)
  }
}

const note = (ended: EndedTransaction & { lastStableOffset: number }, segment: Segment): void => {
  const { producerId, firstOffset, lastOffset, isAborted, lastStableOffset } = ended
  if (!isAborted) return
  const isKnown = segment.transactions.entries().some((entry) => entry.lastOffset === lastOffset && entry.producerId === producerId)
  if (!isKnown) segment.transactions.add({ producerId, firstOffset, lastOffset, lastStableOffset })
}

/** Takes the batches of a segment from `from` on as a leader's. */
const replay = async (segment: Segment, from: number, states: ProducerStates): Promise<void> => {
  const range = { file: segment.log, from: 0, end: segment.sizeBytes }
  await readLater(
    scanBatches(range, (bytes, at) => {
      if (isLegacy(bytes, at) || !hasProducerId(bytes, at) || lastOffsetOf(bytes, at) < from) return undefined
      const changes = states.check(bytes.subarray(at, at + batchSizeOf(bytes, at)), 'replication')
      if (changes) for (const ended of states.apply(changes)) note(ended, segment)
      return undefined
    }),
  )
}
