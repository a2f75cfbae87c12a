import type { LogFile } from './open-files.ts'
import type { Reads } from './reads.ts'
import { SparseIndex } from './sparse-index.ts'

export const OFFSET_ENTRY_BYTES = 8
export type OffsetEntry = { offset: number; position: number }

/**
 * `.index`: from offset to byte position in the segment, big endian, ascending, no checksum.
 *
 *   at  bytes  field
 *    0      4  offset - base offset, of the last record of an append
 *    4      4  position where that append begins
 *
 * Source: kafka.log.OffsetIndex (2.6).
 */
export class OffsetIndex extends SparseIndex {
  readonly #baseOffset: number

  constructor(file: LogFile, baseOffset: number, written?: number) {
    super(file, OFFSET_ENTRY_BYTES, written)
    this.#baseOffset = baseOffset
  }

  add(offset: number, position: number): void {
    const slot = this.append()
    if (slot) writeOffsetEntry(slot.bytes, slot.at, offset - this.#baseOffset, position)
  }

  /** The last entry at or before `offset`; the segment's begin where there is none. */
  *lookup(offset: number): Reads<OffsetEntry> {
    const relative = offset - this.#baseOffset
    const slot = yield* this.lastWhere((bytes, at) => bytes.readInt32BE(at) <= relative)
    return this.#entryOf(yield* this.entry(slot))
  }

  /** The last entry at or before a position in the segment; the segment's begin where there is none. */
  *lookupPosition(position: number): Reads<OffsetEntry> {
    const slot = yield* this.lastWhere((bytes, at) => bytes.readInt32BE(at + 4) <= position)
    return this.#entryOf(yield* this.entry(slot))
  }

  *lastEntry(): Reads<OffsetEntry> {
    return this.#entryOf(yield* this.last())
  }

  /** Drops entries at and beyond `offset`. */
  *truncateTo(offset: number): Reads<void> {
    const relative = offset - this.#baseOffset
    this.keep((yield* this.lastWhere((bytes, at) => bytes.readInt32BE(at) < relative)) + 1)
  }

  #entryOf(found: { bytes: Buffer; at: number } | undefined): OffsetEntry {
    if (found === undefined) return { offset: this.#baseOffset, position: 0 }
    return { offset: this.#baseOffset + found.bytes.readInt32BE(found.at), position: found.bytes.readInt32BE(found.at + 4) }
  }
}

export const writeOffsetEntry = (bytes: Buffer, at: number, relativeOffset: number, position: number): void => {
  bytes.writeInt32BE(relativeOffset, at)
  bytes.writeInt32BE(position, at + 4)
}
