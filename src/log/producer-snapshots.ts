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

/** By identity: after a cut the same offset may come again. */
type SnapshotFile = { offset: number }

/** The snapshot files of one partition's directory, each named by the offset that follows what it covers. */
export class ProducerSnapshots {
  readonly #directory: Directory
  readonly #disk: Disk
  readonly #logger: Logger
  readonly #writes = new Turns()
  /** Ascending; those whose file is not written yet too. */
  #files: SnapshotFile[]

  /** `names` are the files in the directory. */
  constructor(directory: Directory, disk: Disk, logger: Logger, names: Iterable<string>) {
    this.#directory = directory
    this.#disk = disk
    this.#logger = logger
    const offsets = [...names].flatMap(snapshotOffset).sort((a, b) => a - b)
    this.#files = offsets.map((offset) => ({ offset }))
  }

  get latest(): number | undefined {
    return this.#files.at(-1)?.offset
  }

  /** What holds now is written; on the medium when the promise resolves. */
  take(offset: number, entries: Iterable<ProducerEntry>): Promise<void> {
    const bytes = formatSnapshot(entries)
    const file = { offset }
    this.#files = [...this.#files.filter((other) => other.offset < offset), file]
    return this.#writes.take(async () => {
      // A cut or retention may have taken it away, and the log may have come to the same offset again, with other records.
      const isWanted = (): boolean => this.#files.includes(file)
      try {
        if (isWanted()) await this.#disk.replaceFile(this.#path(offset), bytes)
      } catch (error) {
        this.#files = this.#files.filter((other) => other !== file)
        throw error
      }
      if (!isWanted()) this.#disk.remove(this.#path(offset))
    })
  }

  /** Those for which it holds are gone at once. */
  remove(isGone: (offset: number) => boolean): void {
    if (!this.#files.some(({ offset }) => isGone(offset))) return
    for (const { offset } of this.#files) if (isGone(offset)) this.#disk.remove(this.#path(offset))
    this.#files = this.#files.filter(({ offset }) => !isGone(offset))
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
