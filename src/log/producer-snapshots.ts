import { join } from 'node:path'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { fileName, parseFileName, SNAPSHOT_SUFFIX } from './file-names.ts'
import type { Directory } from './open-files.ts'
import type { ProducerEntry } from './producer-entry.ts'
import { formatSnapshot, parseSnapshot } from './producer-snapshot.ts'
import { Turns } from './turns.ts'

const snapshotOffset = (name: string): number[] => {
  const parsed = parseFileName(name)
  return parsed?.suffix === SNAPSHOT_SUFFIX ? [parsed.offset] : []
}

/** The snapshot files of one partition's directory, each named by the offset that follows what it covers. */
export class ProducerSnapshots {
  readonly #directory: Directory
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #writes = new Turns()
  /** Ascending; those whose file is not written yet too. */
  #offsets: number[]

  /** `names` are the files in the directory. */
  constructor(directory: Directory, disk: Disk, logger: Logger, names: Iterable<string>) {
    this.#directory = directory
    this.#disk = disk
    this.#logger = logger
    this.#offsets = [...names].flatMap(snapshotOffset).sort((a, b) => a - b)
  }

  get latest(): number | undefined {
    return this.#offsets.at(-1)
  }

  /** What holds now is written; on the medium when the promise resolves. */
  take(offset: number, entries: Iterable<ProducerEntry>): Promise<void> {
    const bytes = formatSnapshot(entries)
    this.#offsets = [...this.#offsets.filter((other) => other < offset), offset]
    return this.#writes.take(async () => {
      // A cut or retention may have taken it away meanwhile.
      if (this.#offsets.includes(offset)) await this.#disk.replaceFile(this.#path(offset), bytes)
      if (!this.#offsets.includes(offset)) this.#disk.remove(this.#path(offset))
    })
  }

  /** Those for which it holds are gone at once. */
  remove(isGone: (offset: number) => boolean): void {
    for (const offset of this.#offsets.filter(isGone)) this.#disk.remove(this.#path(offset))
    this.#offsets = this.#offsets.filter((offset) => !isGone(offset))
  }

  /** The latest one that can be read; one that cannot goes. */
  load(): { offset: number; entries: ProducerEntry[] } | undefined {
    for (let offset = this.latest; offset !== undefined; offset = this.latest) {
      const path = this.#path(offset)
      try {
        return { offset, entries: parseSnapshot(this.#disk.readFile(path)) }
      } catch (err) {
        const { code } = err as NodeJS.ErrnoException
        if (code !== undefined && code !== 'ENOENT') throw err
        this.#logger.warn({ path, err }, 'producer snapshot unreadable, an earlier one is taken')
        this.remove((other) => other === offset)
      }
    }
    return undefined
  }

  /** Resolves when everything that was taken is on the medium, or failed to be. */
  async settled(): Promise<void> {
    await this.#writes.done()
  }

  #path(offset: number): string {
    return join(this.#directory.path, fileName(offset, SNAPSHOT_SUFFIX))
  }
}
