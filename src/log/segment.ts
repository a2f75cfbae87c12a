import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import {
  baseOffsetOf,
  batchSizeOf,
  completeBatchSizeAt,
  HEADER_UP_TO_MAGIC_BYTES,
  isLegacy,
  lastOffsetOf,
  maxTimestampOf,
  NO_TIMESTAMP,
} from '../protocol/records/record-batch.ts'
import { DELETED_SUFFIX, fileName, FILE_SUFFIXES } from './file-names.ts'
import { maxSegmentMs, type LogConfig } from './log-config.ts'
import { KnownPositions } from './known-positions.ts'
import { EMPTY_READ, type ReadResult, type SegmentAppend, type SegmentRead } from './log-types.ts'
import { OFFSET_ENTRY_BYTES, OffsetIndex } from './offset-index.ts'
import { LogFile, type Directory, type OpenFiles } from './open-files.ts'
import { readNow, type Reads } from './reads.ts'
import { scanBatches, scanSegment, type SegmentScan } from './scan.ts'
import { UnmendedFile } from './unmended-file.ts'
import { TIME_ENTRY_BYTES, TimeIndex, type TimeEntry } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

export type SegmentFiles = { files: OpenFiles; directory: Directory; baseOffset: number }

const MAX_RELATIVE_OFFSET = 0x7fff_ffff
/** Read at least this much at once: a batch before the wanted one may have to be skipped. */
const MIN_WINDOW_BYTES = 8192

/**
 * One file of a log with its two indexes: batches back to back, offsets from `baseOffset` on. The file is the truth and the indexes are shortcuts:
 * one that is missing or wrong is built again from the file when somebody needs it.
 * Limits: positions and offsets relative to the base fit 31 bits. Not safe for concurrent appends; the log has one writer.
 */
export class Segment {
  readonly baseOffset: number
  readonly log: LogFile
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  readonly transactions: TransactionIndex
  readonly #createdMs: number
  sizeBytes: number
  #max: TimeEntry | undefined
  /** The largest timestamp of the first append. */
  #firstTimestamp: Int64 | undefined
  #bytesSinceIndexEntry = 0
  /** Bytes were written or cut off since the last sync. */
  isUnsynced = false
  #isIndexChecked: boolean
  /** Where the last reads ended, and so where the next ones of the same readers begin. */
  readonly ends = new KnownPositions()

  constructor({ files, directory, baseOffset }: SegmentFiles, state: { sizeBytes: number; isNew: boolean; nowMs: number }) {
    this.baseOffset = baseOffset
    const [log, index, timeIndex, transactions] = FILE_SUFFIXES.map((suffix) => new LogFile(files, directory, fileName(baseOffset, suffix)))
    const written = state.isNew ? 0 : undefined
    this.log = log!
    this.offsets = new OffsetIndex(index!, baseOffset, written)
    this.times = new TimeIndex(timeIndex!, baseOffset, written)
    this.transactions = new TransactionIndex(transactions!, state.isNew)
    this.#createdMs = state.nowMs
    this.#isIndexChecked = state.isNew
    this.sizeBytes = state.sizeBytes
  }

  static create(where: SegmentFiles, nowMs: number): Segment {
    const segment = new Segment(where, { sizeBytes: 0, isNew: true, nowMs })
    segment.transactions.clearLeftover()
    segment.log.create()
    for (const file of [segment.offsets.file, segment.times.file]) {
      file.create()
      file.close()
    }
    return segment
  }

  canHold(offset: number): boolean {
    return offset >= this.baseOffset && offset - this.baseOffset <= MAX_RELATIVE_OFFSET
  }

  /** Kafka's rule for a new segment before an append: size, age by timestamps, full indexes, an offset out of reach. */
  isDueToRoll(append: SegmentAppend, config: LogConfig, { jitterMs, nowMs }: { jitterMs: number; nowMs: number }): boolean {
    if (this.sizeBytes > config.segmentBytes - append.records.length) return true
    if (this.sizeBytes > 0 && this.#waitedMs(nowMs, append.maxTimestamp) > maxSegmentMs(config) - jitterMs) return true
    const isFull =
      this.offsets.count >= Math.floor(config.segmentIndexBytes / OFFSET_ENTRY_BYTES) ||
      this.times.count >= Math.floor(config.segmentIndexBytes / TIME_ENTRY_BYTES) - 1
    return isFull || !this.canHold(append.largestOffset)
  }

  #waitedMs(nowMs: number, timestamp: Int64): number {
    const first = (this.#firstTimestamp ??= this.sizeBytes > 0 ? readNow(this.#readFirstTimestamp()) : undefined)
    return first !== undefined && first >= 0 ? Number(timestamp) - Number(first) : nowMs - this.#createdMs
  }

  *#readFirstTimestamp(): Reads<Int64> {
    const header = yield { file: this.log, position: 0, lengthBytes: 64 }
    return header.length < HEADER_UP_TO_MAGIC_BYTES + 26 ? NO_TIMESTAMP : maxTimestampOf(header)
  }

  /** Writes at the end, or leaves the file as it was and throws what the disk threw; UnmendedFile where it could not be cut back. */
  append(append: SegmentAppend, config: LogConfig): void {
    const position = this.sizeBytes
    const { records } = append
    this.isUnsynced = true
    try {
      this.log.writeSync(records, position)
    } catch (cause) {
      this.#cutBackTo(position, cause)
      throw cause
    }
    this.sizeBytes = position + records.length
    if (position === 0) this.#firstTimestamp = append.maxTimestamp
    const max = this.#max ?? readNow(this.times.lastEntry())
    this.#max = append.maxTimestamp > max.timestamp ? { timestamp: append.maxTimestamp, offset: append.offsetOfMaxTimestamp } : max
    if (this.#bytesSinceIndexEntry > config.indexIntervalBytes) {
      this.offsets.add(append.largestOffset, position)
      this.times.addIfLater(this.#max.timestamp, this.#max.offset, readNow(this.times.lastEntry()))
      this.#bytesSinceIndexEntry = 0
    }
    this.#bytesSinceIndexEntry += records.length
  }

  #cutBackTo(position: number, cause: unknown): void {
    try {
      this.log.truncateSync(position)
    } catch (error) {
      throw new UnmendedFile(`${this.log.path} could not be cut back to ${position} bytes after a failed write`, {
        cause: new AggregateError([cause, error]),
      })
    }
  }

  /** The largest timestamp, with the offset of its batch; -1 where there is none. */
  *max(): Reads<TimeEntry> {
    return (this.#max ??= yield* this.times.lastEntry())
  }

  /** For retention: the largest timestamp, or the file's own where records have none. */
  *largestTimestamp(): Reads<Int64> {
    const { timestamp } = yield* this.max()
    return timestamp >= 0 ? timestamp : Math.floor(this.log.modifiedMs())
  }

  /** Whole batches from the first that holds `offset` or follows it; undefined where there is none below `endOffset` in this segment. */
  *read(wanted: SegmentRead): Reads<ReadResult | undefined> {
    const end = this.sizeBytes
    let position = this.ends.of(wanted.offset) ?? (yield* this.#positionFor(wanted.offset))
    while (position < end) {
      const lengthBytes = Math.min(end - position, Math.max(wanted.maxBytes, MIN_WINDOW_BYTES))
      const bytes = yield { file: this.log, position, lengthBytes }
      let at = 0
      let sizeBytes = 0
      while ((sizeBytes = completeBatchSizeAt(bytes, at)) > 0 && lastOffsetOf(bytes, at) < wanted.offset) at += sizeBytes
      if (sizeBytes > 0 && sizeBytes <= wanted.maxBytes) return this.#cut(bytes, { at, position, wanted })
      const stands = yield* this.#firstBatch(position + at, end)
      if (stands === undefined) return undefined
      if (stands.lastOffset >= wanted.offset) return yield* this.#readFirst({ ...stands, position: position + at }, wanted)
      position += at + (at > 0 ? 0 : stands.sizeBytes)
    }
    return undefined
  }

  /** The batch that holds `offset`, or else the next one; undefined where there is none. Reads headers only. */
  *batchAt(offset: number): Reads<{ position: number; sizeBytes: number; lastOffset: number } | undefined> {
    let position = this.ends.of(offset) ?? (yield* this.#positionFor(offset))
    while (position < this.sizeBytes) {
      const batch = yield* this.#firstBatch(position, this.sizeBytes)
      if (!batch || batch.lastOffset >= offset) return batch && { ...batch, position }
      position += batch.sizeBytes
    }
    return undefined
  }

  /** As many whole batches as fit, from a first one that does. */
  #cut(bytes: Buffer, found: { at: number; position: number; wanted: SegmentRead }): ReadResult {
    const { at: from, wanted } = found
    let at = from
    let lastOffset = -1
    for (let sizeBytes = completeBatchSizeAt(bytes, at); sizeBytes > 0; sizeBytes = completeBatchSizeAt(bytes, at)) {
      const last = lastOffsetOf(bytes, at)
      if (at + sizeBytes - from > wanted.maxBytes || last >= wanted.endOffset) break
      lastOffset = last
      at += sizeBytes
    }
    if (at === from) return EMPTY_READ
    this.ends.note(lastOffset + 1, found.position + at)
    return { records: bytes.subarray(from, at), firstEntryIncomplete: false }
  }

  /** A first batch that is larger than what was asked for, or than the window. */
  *#readFirst(first: { position: number; sizeBytes: number; lastOffset: number }, wanted: SegmentRead): Reads<ReadResult> {
    if (first.lastOffset >= wanted.endOffset) return EMPTY_READ
    const isWhole = wanted.minOneBatch || first.sizeBytes <= wanted.maxBytes
    const lengthBytes = isWhole ? first.sizeBytes : wanted.maxBytes
    if (lengthBytes === 0) return { records: EMPTY_READ.records, firstEntryIncomplete: true }
    const records = yield { file: this.log, position: first.position, lengthBytes }
    return { records, firstEntryIncomplete: !isWhole }
  }

  *#firstBatch(position: number, end: number): Reads<{ sizeBytes: number; lastOffset: number } | undefined> {
    if (end - position < HEADER_UP_TO_MAGIC_BYTES) return undefined
    const header = yield { file: this.log, position, lengthBytes: Math.min(end - position, 64) }
    if (header.length < 27) return undefined
    const sizeBytes = batchSizeOf(header)
    if (sizeBytes < 0 || position + sizeBytes > end)
      throw new KafkaError('CORRUPT_MESSAGE', `${this.log.path}: no batch at byte ${position}`)
    return { sizeBytes, lastOffset: lastOffsetOf(header) }
  }

  /** Where to begin to look for `offset`: at a batch that the index points to, once the file confirmed it. */
  *#positionFor(offset: number): Reads<number> {
    if (!this.#isIndexChecked) yield* this.#checkIndexes()
    const entry = yield* this.offsets.lookup(offset)
    if (entry.position === 0 || (yield* this.#isBatchOf(entry))) return entry.position
    yield* this.rebuildIndexes()
    return (yield* this.offsets.lookup(offset)).position
  }

  *#isBatchOf({ offset, position }: { offset: number; position: number }): Reads<boolean> {
    if (position < 0 || position + HEADER_UP_TO_MAGIC_BYTES >= this.sizeBytes) return false
    const header = yield { file: this.log, position, lengthBytes: Math.min(64, this.sizeBytes - position) }
    try {
      const last = lastOffsetOf(header)
      const first = isLegacy(header) ? last : baseOffsetOf(header)
      return header[16]! <= 2 && first >= this.baseOffset && first <= last && last <= offset
    } catch {
      // Bytes in the middle of a batch need not be an offset, or all be there.
      return false
    }
  }

  /** Sizes and last entries must be possible; an empty index beside a large file was lost. */
  *#checkIndexes(): Reads<void> {
    this.#isIndexChecked = true
    const offset = yield* this.offsets.lastEntry()
    const time = yield* this.times.lastEntry()
    const isPossible =
      this.offsets.isWhole &&
      this.times.isWhole &&
      (this.offsets.count === 0
        ? this.sizeBytes < 1 << 20
        : offset.offset > this.baseOffset - 1 && offset.position > 0 && offset.position < this.sizeBytes) &&
      (this.times.count === 0 || time.offset >= this.baseOffset)
    if (!isPossible) yield* this.rebuildIndexes()
  }

  *rebuildIndexes(indexIntervalBytes = 4096): Reads<SegmentScan> {
    const scan = yield* scanSegment(this.log, { baseOffset: this.baseOffset, sizeBytes: this.sizeBytes, indexIntervalBytes })
    this.adoptIndexes(scan)
    return scan
  }

  /** Takes the result of a scan: cuts the file behind its last good batch, and puts the new indexes in place. */
  adopt(scan: SegmentScan): void {
    this.isUnsynced = true
    if (scan.validBytes < this.sizeBytes) {
      this.log.truncateSync(scan.validBytes)
      this.sizeBytes = scan.validBytes
    }
    this.adoptIndexes(scan)
  }

  adoptIndexes(scan: SegmentScan): void {
    this.offsets.replace(scan.offsetEntries)
    this.times.replace(scan.timeEntries)
    this.#max = { timestamp: scan.maxTimestamp, offset: scan.offsetOfMaxTimestamp }
    this.#isIndexChecked = true
    this.ends.clear()
  }

  /** The offset after the last record, by the index and a walk from its last entry. Throws CORRUPT_MESSAGE where the file ends in no whole batch. */
  *nextOffset(): Reads<number> {
    const from = yield* this.#positionFor(Number.MAX_SAFE_INTEGER)
    let next = this.baseOffset
    const end = yield* scanBatches({ file: this.log, from, end: this.sizeBytes, windowBytes: 64 << 10 }, (bytes, at) => {
      next = lastOffsetOf(bytes, at) + 1
      return undefined
    })
    if (end.problem !== undefined) throw new KafkaError('CORRUPT_MESSAGE', `${this.log.path}: ${end.problem}`)
    return next
  }

  /** The first batch at or after `offset` whose largest timestamp is at least `timestamp`. */
  *findTimestamp(timestamp: Int64, offset: number): Reads<Buffer | undefined> {
    const from = yield* this.#positionFor(Math.max((yield* this.times.lookup(timestamp)).offset, offset))
    let found: Buffer | undefined
    yield* scanBatches({ file: this.log, from, end: this.sizeBytes, windowBytes: 64 << 10 }, (bytes, at) => {
      if (maxTimestampOf(bytes, at) < timestamp || lastOffsetOf(bytes, at) < offset) return undefined
      found = bytes.subarray(at, at + batchSizeOf(bytes, at))
      return ''
    })
    return found
  }

  /**
   * Cuts the file before the first batch that reaches `offset`. Gives the offset that is due then: `offset`, or the begin of a batch that held it in its
   * middle, so that the batch can come again as a whole.
   */
  *truncateTo(offset: number): Reads<number> {
    const from = yield* this.#positionFor(offset)
    let due = offset
    const cut = yield* scanBatches({ file: this.log, from, end: this.sizeBytes, windowBytes: 64 << 10 }, (bytes, at) => {
      if (lastOffsetOf(bytes, at) < offset) return undefined
      if (!isLegacy(bytes, at)) due = Math.min(offset, baseOffsetOf(bytes, at))
      return ''
    })
    this.ends.clear()
    this.isUnsynced = true
    this.log.truncateSync(cut.position)
    this.sizeBytes = cut.position
    yield* this.offsets.truncateTo(offset)
    yield* this.times.truncateTo(offset)
    this.transactions.truncateTo(offset)
    this.#bytesSinceIndexEntry = 0
    if (cut.position === 0) this.#firstTimestamp = undefined
    yield* this.#findMax()
    return due
  }

  /** The time index may lag behind the file: look at what follows its last entry. */
  *#findMax(): Reads<void> {
    let max = yield* this.times.lastEntry()
    const from = (yield* this.offsets.lookup(max.offset)).position
    yield* scanBatches({ file: this.log, from, end: this.sizeBytes, windowBytes: 64 << 10 }, (bytes, at) => {
      const timestamp = maxTimestampOf(bytes, at)
      if (timestamp > max.timestamp) max = { timestamp, offset: lastOffsetOf(bytes, at) }
      return undefined
    })
    this.#max = max
  }

  /** Forces the log and its aborted transactions to the medium; with `withIndexes` also both indexes, the time index closed by its last entry. */
  async sync(withIndexes: boolean): Promise<void> {
    if (this.isUnsynced) {
      this.isUnsynced = false
      await this.log.sync()
    }
    await this.transactions.sync()
    if (!withIndexes) return
    if (this.#max) this.times.addIfLater(this.#max.timestamp, this.#max.offset, readNow(this.times.lastEntry()))
    for (const index of [this.offsets, this.times]) await index.sync()
  }

  get #files(): LogFile[] {
    return [this.log, this.offsets.file, this.times.file, this.transactions.file]
  }

  closeFiles(): void {
    for (const file of this.#files) file.close()
  }

  /** Out of the way under names that a start removes; what is being read stays readable. Gives the paths to remove later. */
  markDeleted(): string[] {
    return this.#files.map((file) => {
      file.rename(`${file.name}${DELETED_SUFFIX}`)
      file.close()
      return file.path
    })
  }
}
