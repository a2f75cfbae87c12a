import type { Int64 } from '../protocol/int64.ts'
import {
  completeBatchSizeAt,
  baseOffsetOf,
  hasProducerId,
  hasValidCrc,
  isLegacy,
  lastOffsetOf,
  LOG_OVERHEAD_BYTES,
  batchSizeOf,
  maxTimestampOf,
  NO_TIMESTAMP,
  partitionLeaderEpochOf,
} from '../protocol/records/record-batch.ts'
import type { EpochEntry } from './leader-epochs.ts'
import { OFFSET_ENTRY_BYTES, writeOffsetEntry } from './offset-index.ts'
import type { LogFile } from './open-files.ts'
import type { Reads } from './reads.ts'
import { TIME_ENTRY_BYTES, writeTimeEntry } from './time-index.ts'

const WINDOW_BYTES = 1 << 20
const MAX_RELATIVE_OFFSET = 0x7fff_ffff

/** `problem` in words where the walk met something that is no whole batch; `position` is where it stands. */
export type ScanEnd = { position: number; problem: string | undefined }
export type ScanRange = { file: LogFile; from: number; end: number; windowBytes?: number }

/**
 * Walks the batches of a file from a batch's begin, a window at a time. `visit` sees each whole batch (its bytes at `at`, its place in the file) and
 * ends the walk with a sentence; an empty one ends it without a problem. A length is believed only as far as the file reaches.
 */
export function* scanBatches(range: ScanRange, visit: (bytes: Buffer, at: number, position: number) => string | undefined): Reads<ScanEnd> {
  const { file, end } = range
  const windowBytes = range.windowBytes ?? WINDOW_BYTES
  let position = range.from
  let wantedBytes = windowBytes
  while (position < end) {
    const bytes = yield { file, position, lengthBytes: Math.min(wantedBytes, end - position) }
    let at = 0
    let sizeBytes = 0
    try {
      while ((sizeBytes = completeBatchSizeAt(bytes, at)) > 0) {
        const verdict = visit(bytes, at, position + at)
        if (verdict !== undefined) return { position: position + at, problem: verdict === '' ? undefined : verdict }
        at += sizeBytes
      }
    } catch (error) {
      return { position: position + at, problem: (error as Error).message }
    }
    position += at
    if (at > 0 && position < end) wantedBytes = windowBytes
    else if (position < end) {
      const announcedBytes = bytes.length < LOG_OVERHEAD_BYTES ? Number.MAX_SAFE_INTEGER : batchSizeOf(bytes)
      if (bytes.length >= end - position || announcedBytes > end - position) {
        return { position, problem: `a batch at byte ${position} ends beyond the end of the file` }
      }
      wantedBytes = Math.max(announcedBytes, windowBytes)
    }
  }
  return { position, problem: undefined }
}

/** What a walk over a whole segment gives: its valid length, both indexes as Kafka's recovery builds them, and the epochs it meets. Plain data, for worker threads. */
export type SegmentScan = {
  validBytes: number
  /** The base offset where the segment is empty. */
  nextOffset: number
  maxTimestamp: Int64
  offsetOfMaxTimestamp: number
  offsetEntries: Buffer
  timeEntries: Buffer
  epochs: EpochEntry[]
  /** Some batch is of an idempotent or transactional producer. */
  hasProducers: boolean
  problem: string | undefined
}
export type SegmentScanOptions = { baseOffset: number; sizeBytes: number; indexIntervalBytes: number }

class Entries {
  #bytes = Buffer.alloc(0)
  #length = 0
  /** Where the next entry of `sizeBytes` goes. */
  next(sizeBytes: number): { bytes: Buffer; at: number } {
    if (this.#length + sizeBytes > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(256 * sizeBytes, this.#bytes.length * 2))
      this.#bytes.copy(larger)
      this.#bytes = larger
    }
    this.#length += sizeBytes
    return { bytes: this.#bytes, at: this.#length - sizeBytes }
  }
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

class SegmentScanner {
  readonly #options: SegmentScanOptions
  readonly #offsets = new Entries()
  readonly #times = new Entries()
  readonly epochs: EpochEntry[] = []
  #hasProducers = false
  #lastIndexedAt = 0
  #indexedTimestamp: Int64 = NO_TIMESTAMP
  nextOffset: number
  maxTimestamp: Int64 = NO_TIMESTAMP
  offsetOfMaxTimestamp: number

  constructor(options: SegmentScanOptions) {
    this.#options = options
    this.nextOffset = options.baseOffset
    this.offsetOfMaxTimestamp = options.baseOffset
  }

  visit(bytes: Buffer, at: number, position: number): string | undefined {
    const problem = this.#problemOf(bytes, at, position)
    if (problem !== undefined) return problem
    const lastOffset = lastOffsetOf(bytes, at)
    const timestamp = maxTimestampOf(bytes, at)
    if (timestamp > this.maxTimestamp) {
      this.maxTimestamp = timestamp
      this.offsetOfMaxTimestamp = lastOffset
    }
    if (position - this.#lastIndexedAt > this.#options.indexIntervalBytes) {
      const slot = this.#offsets.next(OFFSET_ENTRY_BYTES)
      writeOffsetEntry(slot.bytes, slot.at, lastOffset - this.#options.baseOffset, position)
      this.#indexTime()
      this.#lastIndexedAt = position
    }
    const epoch = partitionLeaderEpochOf(bytes, at)
    if (epoch > (this.epochs.at(-1)?.epoch ?? -1)) this.epochs.push({ epoch, startOffset: baseOffsetOf(bytes, at) })
    this.#hasProducers ||= hasProducerId(bytes, at)
    this.nextOffset = lastOffset + 1
    return undefined
  }

  #problemOf(bytes: Buffer, at: number, position: number): string | undefined {
    const lastOffset = lastOffsetOf(bytes, at)
    const firstOffset = isLegacy(bytes, at) ? lastOffset : baseOffsetOf(bytes, at)
    if (firstOffset < this.nextOffset || lastOffset < firstOffset) {
      return `the batch at byte ${position} has the offsets ${firstOffset} to ${lastOffset} where ${this.nextOffset} or later is due`
    }
    if (lastOffset - this.#options.baseOffset > MAX_RELATIVE_OFFSET) {
      return `the batch at byte ${position} ends with offset ${lastOffset}, more than 2^31 beyond the segment's base offset`
    }
    return hasValidCrc(bytes, at) ? undefined : `the batch at byte ${position} does not have the checksum that it states`
  }

  #indexTime(): void {
    if (this.maxTimestamp <= this.#indexedTimestamp) return
    const slot = this.#times.next(TIME_ENTRY_BYTES)
    writeTimeEntry(slot.bytes, slot.at, this.maxTimestamp, this.offsetOfMaxTimestamp - this.#options.baseOffset)
    this.#indexedTimestamp = this.maxTimestamp
  }

  result({ position, problem }: ScanEnd): SegmentScan {
    this.#indexTime()
    return {
      validBytes: position,
      nextOffset: this.nextOffset,
      maxTimestamp: this.maxTimestamp,
      offsetOfMaxTimestamp: this.offsetOfMaxTimestamp,
      offsetEntries: this.#offsets.written,
      timeEntries: this.#times.written,
      epochs: this.epochs,
      hasProducers: this.#hasProducers,
      problem,
    }
  }
}

/** Checks every batch of a segment up to the first bad one. Source of the rules: kafka.log.LogSegment.recover (2.6). */
export function* scanSegment(file: LogFile, options: SegmentScanOptions): Reads<SegmentScan> {
  const scanner = new SegmentScanner(options)
  const end = yield* scanBatches({ file, from: 0, end: options.sizeBytes }, (bytes, at, position) => scanner.visit(bytes, at, position))
  return scanner.result(end)
}
