import type { Int64 } from '../protocol/int64.ts'
import { readInt64, writeInt64 } from '../protocol/records/record-batch.ts'
import { DELETED_SUFFIX } from './file-names.ts'
import type { LogFile } from './open-files.ts'

/** A transaction whose records readers of committed records leave out. */
export type AbortedTransaction = { producerId: Int64; firstOffset: number; lastOffset: number; lastStableOffset: number }

/**
 * Kafka's file `<base offset>.txnindex`: per aborted transaction that ended in the segment, in the order of their ends, 34 bytes: int16 version 0, int64 producer id,
 * int64 first offset, int64 last offset (of the marker), int64 last stable offset then. Made with the first entry. Source: kafka.log.TransactionIndex (2.6).
 */
const VERSION = 0
const ENTRY_BYTES = 34

export class TransactionIndex {
  readonly file: LogFile
  /** undefined: not read yet. */
  #entries: AbortedTransaction[] | undefined
  isUnsynced = false
  /** The file was made, and its name is not on the medium. */
  isNameUnsynced = false

  constructor(file: LogFile, isNew: boolean) {
    this.file = file
    if (isNew) this.#entries = []
  }

  /** What a deleted segment of the same base offset left goes out of the way. */
  clearLeftover(): void {
    const { name } = this.file
    this.file.rename(`${name}${DELETED_SUFFIX}`)
    this.file.name = name
  }

  /** Ascending by last offset. Throws an Error in words for a file that is none. */
  entries(): readonly AbortedTransaction[] {
    this.#entries ??= this.#read()
    return this.#entries
  }

  add(entry: AbortedTransaction): void {
    const known = this.entries() as AbortedTransaction[]
    if (known.length === 0) {
      this.file.create()
      this.isNameUnsynced = true
    }
    const bytes = Buffer.alloc(ENTRY_BYTES)
    bytes.writeInt16BE(VERSION, 0)
    for (const [index, value] of [entry.producerId, entry.firstOffset, entry.lastOffset, entry.lastStableOffset].entries()) {
      writeInt64(bytes, value, 2 + 8 * index)
    }
    this.isUnsynced = true
    this.file.writeSync(bytes, known.length * ENTRY_BYTES)
    known.push(entry)
  }

  /** Whatever is there goes, readable or not; an empty file may have been cut by a process that was killed, and be whole again after a power loss. */
  clear(): void {
    if (this.file.exists()) {
      this.isUnsynced = true
      this.file.truncateSync(0)
    }
    this.#entries = []
  }

  /** Drops what ended at or beyond `offset`. */
  truncateTo(offset: number): void {
    const kept = this.entries().filter(({ lastOffset }) => lastOffset < offset)
    if (kept.length === this.entries().length) return
    this.isUnsynced = true
    this.file.truncateSync(kept.length * ENTRY_BYTES)
    this.#entries = kept
  }

  async sync(): Promise<void> {
    if (!this.isUnsynced) return
    this.isUnsynced = false
    await this.file.sync()
  }

  #read(): AbortedTransaction[] {
    const sizeBytes = this.file.exists() ? this.file.sizeBytes() : 0
    const bytes = Buffer.alloc(sizeBytes - (sizeBytes % ENTRY_BYTES))
    if (bytes.length > 0) this.file.readSync(bytes, 0)
    return Array.from({ length: bytes.length / ENTRY_BYTES }, (_unused, index) => {
      const at = index * ENTRY_BYTES
      if (bytes.readInt16BE(at) !== VERSION)
        throw new Error(`${this.file.path} has an entry of version ${bytes.readInt16BE(at)}; known is 0`)
      const number = (field: number): number => Number(readInt64(bytes, at + 2 + 8 * field))
      return { producerId: readInt64(bytes, at + 2), firstOffset: number(1), lastOffset: number(2), lastStableOffset: number(3) }
    })
  }
}
