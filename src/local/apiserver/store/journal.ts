import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Disk, DiskFile } from '../../../base/disk.ts'
import type { Logger } from '../../../base/logger.ts'
import type { KubeObject } from '../json.ts'

/** One write: `object` is absent when it was a deletion. */
export type Entry = { revision: number; resource: string; key: string; object?: KubeObject }
type Snapshot = { revision: number; entries: Entry[] }

const SNAPSHOT_AFTER_BYTES = 8 << 20
const NEWLINE = 10

const encode = (entry: Entry): Buffer => {
  const json = Buffer.from(JSON.stringify(entry))
  return Buffer.concat([Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} `), json, Buffer.from('\n')])
}

/** The whole entries at the head of the bytes, and where they end; what a crash tore off behind them is not an entry. */
const decode = (bytes: Buffer): { entries: Entry[]; endBytes: number } => {
  const entries: Entry[] = []
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    const json = bytes.subarray(start + 9, end)
    if (Number.parseInt(bytes.toString('latin1', start, start + 8), 16) !== crc32(json)) break
    entries.push(JSON.parse(json.toString()) as Entry)
    start = end + 1
  }
  return { entries, endBytes: start }
}

/**
 * Objects on disk: `snapshot.json`, and files `journal-N` that hold each write after revision N as a line with its checksum. A write is in the file before it is answered, so kill -9
 * loses nothing; it is synced to the device only with snapshots and at close.
 */
export class Journal {
  readonly #disk: Disk
  readonly #directory: string
  readonly #logger: Logger
  #file: DiskFile
  #sizeBytes = 0
  #snapshot: Promise<void> | undefined

  private constructor(options: { disk: Disk; directory: string; logger: Logger; file: DiskFile; sizeBytes: number }) {
    this.#disk = options.disk
    this.#directory = options.directory
    this.#logger = options.logger
    this.#file = options.file
    this.#sizeBytes = options.sizeBytes
  }

  /** Reads what is there: the entries in the order in which they were written. */
  static open(options: { disk: Disk; directory: string; logger: Logger }): { journal: Journal; entries: Entry[]; revision: number } {
    const { disk, directory, logger } = options
    disk.makeDirectory(directory)
    const path = join(directory, 'snapshot.json')
    const snapshot = disk.stat(path) ? (JSON.parse(disk.readFile(path).toString()) as Snapshot) : { revision: 0, entries: [] }
    const entries = [...snapshot.entries]
    const names = journalNames(disk, directory)
    let endBytes = 0
    let revision = snapshot.revision
    for (const name of names) {
      const decoded = decode(disk.readFile(join(directory, name)))
      for (const entry of decoded.entries) {
        if (entry.revision > snapshot.revision) entries.push(entry)
        revision = Math.max(revision, entry.revision)
      }
      endBytes = decoded.endBytes
    }
    const file = disk.open(join(directory, names.at(-1) ?? 'journal-0'), 'create')
    if (file.sizeBytes() > endBytes) {
      logger.warn({ path: file.path, droppedBytes: file.sizeBytes() - endBytes }, 'the end of the journal was torn and is dropped')
      file.truncateSync(endBytes)
    }
    return { journal: new Journal({ disk, directory, logger, file, sizeBytes: endBytes }), entries, revision }
  }

  /** Throws when the disk refuses; the file is then as before. */
  append(entry: Entry): void {
    const bytes = encode(entry)
    try {
      this.#file.writeSync([bytes], this.#sizeBytes)
    } catch (error) {
      this.#file.truncateSync(this.#sizeBytes)
      throw error
    }
    this.#sizeBytes += bytes.length
  }

  /** Starts a snapshot when the journal has grown enough; `entries` gives the present objects. */
  compactWhenLarge(revision: number, entries: () => Entry[]): void {
    if (this.#snapshot || this.#sizeBytes < SNAPSHOT_AFTER_BYTES) return
    this.#snapshot = this.#compact({ revision, entries: entries() })
      .catch((error: unknown) => this.#logger.error({ err: error }, 'snapshot failed, the journal stays'))
      .finally(() => {
        this.#snapshot = undefined
      })
  }

  async #compact(snapshot: Snapshot): Promise<void> {
    const old = journalNames(this.#disk, this.#directory)
    await this.#rotate(snapshot.revision)
    await this.#disk.replaceFile(join(this.#directory, 'snapshot.json'), Buffer.from(JSON.stringify(snapshot)))
    for (const name of old) if (name !== `journal-${snapshot.revision}`) this.#disk.remove(join(this.#directory, name))
  }

  /** The switch to the new file happens before anything is waited for: writes after the snapshot's revision go there. */
  async #rotate(revision: number): Promise<void> {
    const old = this.#file
    this.#file = this.#disk.open(join(this.#directory, `journal-${revision}`), 'create')
    this.#sizeBytes = this.#file.sizeBytes()
    try {
      await old.sync()
    } finally {
      old.close()
    }
  }

  async close(): Promise<void> {
    await this.#snapshot
    await this.#file.sync()
    this.#file.close()
  }
}

const journalNames = (disk: Disk, directory: string): string[] =>
  disk
    .list(directory)
    .map((entry) => entry.name)
    .filter((name) => /^journal-\d+$/.test(name))
    .sort((a, b) => Number(a.slice(8)) - Number(b.slice(8)))
