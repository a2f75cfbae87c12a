import type { Int64 } from '../protocol/int64.ts'
import { NO_TIMESTAMP, readInt64, writeInt64 } from '../protocol/records/record-batch.ts'
import type { LogFile } from './open-files.ts'
import type { Reads } from './reads.ts'
import { SparseIndex } from './sparse-index.ts'

export const TIME_ENTRY_BYTES = 12
export type TimeEntry = { timestamp: Int64; offset: number }

/**
 * `.timeindex`: from timestamp to offset, big endian, both strictly ascending, no checksum.
 *
 *   at  bytes  field
 *    0      8  the largest timestamp so far, ms since 1970
 *    8      4  offset - base offset, of the batch that holds it
 *
 * A closed segment's last entry is its largest timestamp. Source: kafka.log.TimeIndex (2.6).
 */
export class TimeIndex extends SparseIndex {
  readonly #baseOffset: number
  /** Unknown until asked for or added. */
  #last: TimeEntry | undefined

  constructor(file: LogFile, baseOffset: number, written?: number) {
    super(file, TIME_ENTRY_BYTES, written)
    this.#baseOffset = baseOffset
  }

  /** Adds nothing unless `timestamp` is beyond the last one. */
  addIfLater(timestamp: Int64, offset: number, last: TimeEntry): void {
    if (timestamp <= last.timestamp) return
    const slot = this.append()
    if (!slot) return
    writeTimeEntry(slot.bytes, slot.at, timestamp, offset - this.#baseOffset)
    this.#last = { timestamp, offset }
  }

  *lookup(timestamp: Int64): Reads<TimeEntry> {
    const slot = yield* this.lastWhere((bytes, at) => readInt64(bytes, at) <= timestamp)
    return this.#entryOf(yield* this.entry(slot))
  }

  *lastEntry(): Reads<TimeEntry> {
    return (this.#last ??= this.#entryOf(yield* this.last()))
  }

  /** Drops entries at and beyond `offset`. */
  *truncateTo(offset: number): Reads<void> {
    const relative = offset - this.#baseOffset
    this.keep((yield* this.lastWhere((bytes, at) => bytes.readInt32BE(at + 8) < relative)) + 1)
    this.#last = undefined
  }

  override replace(entries: Buffer): void {
    this.#last = undefined
    super.replace(entries)
  }

  #entryOf(found: { bytes: Buffer; at: number } | undefined): TimeEntry {
    if (found === undefined) return { timestamp: NO_TIMESTAMP, offset: this.#baseOffset }
    return { timestamp: readInt64(found.bytes, found.at), offset: this.#baseOffset + found.bytes.readInt32BE(found.at + 8) }
  }
}

export const writeTimeEntry = (bytes: Buffer, at: number, timestamp: Int64, relativeOffset: number): void => {
  writeInt64(bytes, timestamp, at)
  bytes.writeInt32BE(relativeOffset, at + 8)
}
