import { batchSizeOf, hasProducerId, isLegacy, lastOffsetOf } from '../protocol/records/record-batch.ts'
import { recallBatches } from './known-batches.ts'
import type { LogContext } from './log-context.ts'
import type { AppendOrigin, LogOffsets } from './log-types.ts'
import type { Directory } from './open-files.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { ProducerSnapshots } from './producer-snapshots.ts'
import { type EndedTransaction, type ProducerChanges, ProducerStates } from './producer-states.ts'
import { readLater } from './reads.ts'
import { scanBatches } from './scan.ts'
import type { Segment } from './segment.ts'

export type ProducersPlace = {
  /** TOPIC-PARTITION */
  name: string
  directory: Directory
  context: Pick<LogContext, 'files' | 'logger' | 'clocks' | 'producerExpirationMs'>
}
export type LogBounds = Pick<LogOffsets, 'logStartOffset' | 'logEndOffset'>
type Watermarks = Pick<LogOffsets, 'logStartOffset' | 'highWatermark'>

/** What a start found. */
export type LoadedSegments = {
  all: readonly Segment[]
  /** After an unclean stop, those from the recovery point on: their indexes are built again. */
  recovered: readonly Segment[]
  /** Those that are known to hold nothing of producers. */
  without: ReadonlySet<Segment>
}

type NotedEnd = EndedTransaction & { lastStableOffset: number }

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
   * After a start: from the latest snapshot and what follows it in the log. A log that was stopped cleanly and has none had no producers that count. What lies beyond the begin
   * of a recovery is not trusted: it may be of records that were lost, or not have reached the medium.
   */
  async load(segments: LoadedSegments, bounds: LogBounds, { isClean }: { isClean: boolean }): Promise<void> {
    if (isClean && this.#snapshots.latest === undefined) {
      this.#snapshotOffset = bounds.logStartOffset
      return
    }
    const [recovered] = segments.recovered
    if (recovered) this.#snapshots.remove((offset) => offset > recovered.baseOffset)
    for (const segment of segments.recovered) segment.transactions.clear()
    await this.#reload(segments, bounds)
  }

  /** After a cut. Where nothing was known before, nothing is after it; else the records after the latest snapshot are read again. */
  async truncated(all: readonly Segment[], bounds: LogOffsets): Promise<void> {
    if (this.#states.isEmpty) {
      this.#snapshots.remove((offset) => offset > bounds.logEndOffset)
      this.#snapshotOffset = Math.min(this.#snapshotOffset, bounds.logEndOffset)
      return
    }
    await this.#reload({ all, recovered: [], without: new Set() }, bounds)
    this.#states.highWatermarkMoved(bounds.highWatermark)
  }

  async #reload({ all, recovered, without }: LoadedSegments, bounds: LogBounds): Promise<void> {
    this.#snapshots.remove((offset) => offset > bounds.logEndOffset || offset <= bounds.logStartOffset)
    const states = this.#beginWith(this.#snapshots.load(), bounds)
    const from = this.#snapshotOffset
    await recallBatches([...states.entries()], all, from)
    for (const [index, segment] of all.entries()) {
      const isBefore = (all[index + 1]?.baseOffset ?? bounds.logEndOffset) <= from
      if (!isBefore && !without.has(segment)) await replay(segment, from, states, recovered.includes(segment))
    }
    this.#states = states
  }

  #beginWith(found: { offset: number; entries: ProducerEntry[] } | undefined, { logStartOffset }: LogBounds): ProducerStates {
    const states = new ProducerStates(this.#place.name, found?.entries)
    this.#expire(states)
    this.#snapshotOffset = found?.offset ?? logStartOffset
    return states
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
  lastStableOffset({ logStartOffset, highWatermark }: Watermarks): number {
    const unstable = this.#states.firstUnstableOffset
    return unstable === undefined ? highWatermark : Math.min(highWatermark, Math.max(unstable, logStartOffset))
  }

  /** The state as it is, for a log that ends at `offset`. */
  async snapshot(offset: number): Promise<void> {
    const before = this.#snapshotOffset
    if (offset <= before) return
    this.#snapshotOffset = offset
    try {
      await this.#snapshots.take(offset, this.#states.entries())
    } catch (error) {
      if (this.#snapshotOffset === offset) this.#snapshotOffset = before
      throw error
    }
  }

  /** The log begins later now. Snapshots of before are of no use any more. */
  startMoved({ logStartOffset, highWatermark }: Watermarks): void {
    this.#states.highWatermarkMoved(highWatermark)
    this.#snapshots.remove((offset) => offset < logStartOffset)
  }

  /** Keeps those that a start or a cut may begin from: at the last two segments, and where a recovery begins. Source: Log.minSnapshotsOffsetToRetain (2.6). */
  retainFor(segments: readonly Segment[], recoveryPoint: number): void {
    const recoveredFrom = segments.findLast(({ baseOffset }) => baseOffset < recoveryPoint)?.baseOffset ?? recoveryPoint
    const retained = Math.min((segments.at(-2) ?? segments.at(-1)!).baseOffset, recoveredFrom)
    this.#snapshots.remove((offset) => offset < retained)
  }

  /** The same as `snapshot`, in the background; a start can do without it, so that its failure is no reason to fail an append. */
  async snapshotSoon(offset: number): Promise<void> {
    try {
      await this.snapshot(offset)
    } catch (err) {
      const { name, context } = this.#place
      context.logger.warn({ log: name, offset, err }, 'the producers could not be written down')
    }
  }

  /** Before a clean stop, which is none where this fails. Where nothing was ever known of any producer, the absence of a snapshot says so. */
  async seal(offset: number): Promise<void> {
    if (!this.#states.isEmpty || this.#snapshots.latest !== undefined) await this.snapshot(offset)
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

const note = ({ producerId, firstOffset, lastOffset, isAborted, lastStableOffset }: NotedEnd, segment: Segment): void => {
  if (isAborted) segment.transactions.add({ producerId, firstOffset, lastOffset, lastStableOffset })
}

/** Takes the batches of a segment from `from` on as a leader's; `withIndex`: also into the index of its aborted transactions. */
const replay = async (segment: Segment, from: number, states: ProducerStates, withIndex: boolean): Promise<void> => {
  const range = { file: segment.log, from: 0, end: segment.sizeBytes }
  await readLater(
    scanBatches(range, (bytes, at) => {
      if (isLegacy(bytes, at) || !hasProducerId(bytes, at) || lastOffsetOf(bytes, at) < from) return undefined
      const changes = states.check(bytes.subarray(at, at + batchSizeOf(bytes, at)), 'replication')
      const ended = changes ? states.apply(changes) : []
      if (withIndex) for (const one of ended) note(one, segment)
      return undefined
    }),
  )
}
