import type { LogFile } from './open-files.ts'
import type { Reads } from './reads.ts'

/** Entries that wait in memory for their write; about 2 MB of log. */
const MAX_PENDING = 512
const PAGE_BYTES = 4096

/**
 * The file of fixed-size entries behind both indexes. Entries are appended in memory and written some hundreds at a time: the index of the active
 * segment is rebuilt after a crash anyway, so an entry that never reached its file costs nothing, and an append never depends on an index write.
 * Files hold exactly their entries: they are not preallocated (Kafka accepts that and preallocates on its own when it takes over).
 */
export class SparseIndex {
  readonly file: LogFile
  readonly #entryBytes: number
  /** Entries in the file; undefined until somebody asks. */
  #written: number | undefined
  #pending: Buffer | undefined
  #pendingCount = 0
  /** The file has bytes that were not forced to the medium. */
  #isUnsynced = false

  constructor(file: LogFile, entryBytes: number, written?: number) {
    this.file = file
    this.#entryBytes = entryBytes
    this.#written = written
  }

  get count(): number {
    return this.#inFile + this.#pendingCount
  }
  /** A file of another size was damaged. */
  get isWhole(): boolean {
    return this.file.sizeBytes() % this.#entryBytes === 0
  }
  get #inFile(): number {
    return (this.#written ??= Math.floor(this.file.sizeBytes() / this.#entryBytes))
  }

  /** Where the caller writes the new entry. */
  protected append(): { bytes: Buffer; at: number } | undefined {
    if (this.#pendingCount >= MAX_PENDING) {
      try {
        this.write()
      } catch {
        // The index is only a shortcut: without this entry a read begins a few kilobytes earlier. The next one tries the disk again.
        return undefined
      }
    }
    const bytes = this.#reserve()
    return { bytes, at: this.#pendingCount++ * this.#entryBytes }
  }

  #reserve(): Buffer {
    const needed = (this.#pendingCount + 1) * this.#entryBytes
    if (this.#pending === undefined || this.#pending.length < needed) {
      const larger = Buffer.alloc(Math.min(MAX_PENDING, Math.max(16, this.#pendingCount * 4)) * this.#entryBytes)
      this.#pending?.copy(larger)
      this.#pending = larger
    }
    return this.#pending
  }

  /** Brings all entries into the file. After a failure they wait on; the file may hold a part of them, which the next write covers. */
  write(): void {
    if (this.#pendingCount === 0) return
    this.#isUnsynced = true
    this.file.writeSync(this.#pending!.subarray(0, this.#pendingCount * this.#entryBytes), this.#inFile * this.#entryBytes)
    this.#written = this.#inFile + this.#pendingCount
    this.#pendingCount = 0
  }

  /** Writes all entries, frees their memory and forces them to the medium. */
  async sync(): Promise<void> {
    this.write()
    this.#pending = undefined
    if (!this.#isUnsynced) return
    this.#isUnsynced = false
    await this.file.sync()
  }

  *last(): Reads<{ bytes: Buffer; at: number } | undefined> {
    return yield* this.entry(this.count - 1)
  }

  *entry(slot: number): Reads<{ bytes: Buffer; at: number } | undefined> {
    if (slot < 0) return undefined
    const inFile = this.#inFile
    if (slot >= inFile) return { bytes: this.#pending!, at: (slot - inFile) * this.#entryBytes }
    const bytes = yield { file: this.file, position: slot * this.#entryBytes, lengthBytes: this.#entryBytes }
    return bytes.length === this.#entryBytes ? { bytes, at: 0 } : undefined
  }

  /** The last slot whose entry fulfils `holds`, -1 for none; all entries before one that holds must hold too. */
  protected *lastWhere(holds: (bytes: Buffer, at: number) => boolean): Reads<number> {
    const inFile = this.#inFile
    const size = this.#entryBytes
    if (this.#pendingCount > 0 && holds(this.#pending!, 0)) {
      return inFile + binarySearch(0, this.#pendingCount - 1, (slot) => holds(this.#pending!, slot * size))
    }
    const perPage = Math.floor(PAGE_BYTES / size)
    let low = -1
    let high = inFile - 1
    while (low < high) {
      // One page answers for all slots in it: read the page in the middle, then go on left or right of it.
      const middle = low + Math.ceil((high - low) / 2)
      const first = Math.max(low + 1, middle - (middle % perPage))
      const count = Math.min(perPage, high - first + 1)
      const page = yield { file: this.file, position: first * size, lengthBytes: count * size }
      const found = Math.floor(page.length / size)
      if (found === 0) return low
      if (!holds(page, 0)) high = first - 1
      else {
        low = first + binarySearch(0, found - 1, (slot) => holds(page, slot * size))
        if (low < first + found - 1) return low
      }
    }
    return low
  }

  /** Keeps the first `count` entries, in the file too. */
  protected keep(count: number): void {
    const inFile = this.#inFile
    if (count >= inFile) {
      this.#pendingCount = Math.min(this.#pendingCount, count - inFile)
      return
    }
    this.#pendingCount = 0
    this.#isUnsynced = true
    this.file.truncateSync(count * this.#entryBytes)
    this.#written = count
  }

  /** Puts rebuilt entries in the place of what the file holds. */
  replace(entries: Buffer): void {
    this.#pendingCount = 0
    this.#written = undefined
    if (entries.length === 0 && this.file.exists() && this.#inFile === 0 && this.isWhole) return
    this.#written = undefined
    this.#isUnsynced = true
    this.file.create()
    if (entries.length > 0) this.file.writeSync(entries, 0)
    this.#written = entries.length / this.#entryBytes
  }
}

/** The last of low..high that holds, given that `low` does. */
const binarySearch = (first: number, last: number, holds: (slot: number) => boolean): number => {
  let low = first
  let high = last
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}
