import { join } from 'node:path'
import type { WallClock } from '../base/clock.ts'
import { formatEpochs } from './checkpoint-file.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { Directory, OpenFiles } from './open-files.ts'
import { Segment } from './segment.ts'
import type { Trash } from './trash.ts'
import { Turns } from './turns.ts'

export const EPOCH_CHECKPOINT = 'leader-epoch-checkpoint'

/** The files of one partition's directory: its segments, ascending and at least one, and the small files beside them. */
export class Segments {
  readonly directory: Directory
  readonly #files: OpenFiles
  readonly #trash: Trash
  readonly #clock: WallClock
  readonly #list: Segment[]
  readonly #epochWrites = new Turns()
  /** Names changed since the directory was forced to the medium. */
  isDirectoryUnsynced = false

  constructor(directory: Directory, list: Segment[], shared: { files: OpenFiles; trash: Trash; clocks: { wall: WallClock } }) {
    this.directory = directory
    this.#list = list
    this.#files = shared.files
    this.#trash = shared.trash
    this.#clock = shared.clocks.wall
  }

  get all(): readonly Segment[] {
    return this.#list
  }
  get first(): Segment {
    return this.#list[0]!
  }
  get active(): Segment {
    return this.#list[this.#list.length - 1]!
  }
  get sizeBytes(): number {
    return this.#list.reduce((sum, segment) => sum + segment.sizeBytes, 0)
  }

  /** Those that may hold `offset` or later ones. A copy: segments may come and go while one waits for the disk. */
  from(offset: number): Segment[] {
    if (this.active.baseOffset <= offset) return [this.active]
    return this.#list.slice(Math.max(0, this.#floor(offset)))
  }
  #floor(offset: number): number {
    return this.#list.findLastIndex((segment) => segment.baseOffset <= offset)
  }

  /** A new active segment. */
  add(baseOffset: number): void {
    this.#list.push(Segment.create({ files: this.#files, directory: this.directory, baseOffset }, this.#clock.nowMs()))
    this.isDirectoryUnsynced = true
  }

  /** Out of the list and out of the way; the files go after `delayMs`. */
  discardOldest(count: number, delayMs: number): void {
    this.#discard(this.#list.splice(0, count), delayMs)
  }
  discardBeyond(offset: number, delayMs: number): void {
    this.#discard(this.#list.splice(this.#floor(offset) + 1), delayMs)
  }
  #discard(segments: readonly Segment[], delayMs: number): void {
    this.isDirectoryUnsynced = true
    const paths = segments.flatMap((segment) => segment.markDeleted())
    if (paths.length > 0) this.#trash.removeLater(paths, delayMs)
  }

  /**
   * Forces the segments that hold `from` and later to the medium, and earlier ones that were cut since; indexes only of closed ones, `active` is not.
   * A cut below `from` (a failed append, a damaged end) that is not on the medium would bring its bytes back in the middle of the log.
   */
  async sync(from: number, active: Segment): Promise<void> {
    const isUnsynced = ({ isUnsynced: ofLog, transactions }: Segment): boolean => ofLog || transactions.isUnsynced
    const wanted = new Set([...this.#list.filter(isUnsynced), ...this.from(from)])
    for (const segment of wanted) {
      if (segment.transactions.isNameUnsynced) this.isDirectoryUnsynced = true
      segment.transactions.isNameUnsynced = false
      // Retention may take a segment away while its predecessor is flushed.
      const isHere = (): boolean => this.#list.includes(segment)
      if (!isHere()) continue
      await segment.sync(segment !== active).catch((error: unknown) => {
        if (isHere()) throw error
      })
    }
  }

  async syncDirectory(): Promise<void> {
    if (!this.isDirectoryUnsynced) return
    this.isDirectoryUnsynced = false
    await this.#files.disk.syncDirectory(this.directory.path)
  }

  /** One write after the other: when this resolves, what the epochs were at the call is on the medium. */
  writeEpochs(epochs: LeaderEpochs): Promise<void> {
    return this.#epochWrites.take(async () => {
      if (!epochs.isDirty) return
      epochs.isDirty = false
      // Replacing a file forces the directory to the medium, all names in it.
      this.isDirectoryUnsynced = false
      try {
        await this.#files.disk.replaceFile(join(this.directory.path, EPOCH_CHECKPOINT), formatEpochs(epochs.entries))
      } catch (error) {
        epochs.isDirty = true
        throw error
      }
    })
  }

  moveTo(path: string): void {
    this.#files.disk.rename(this.directory.path, path)
    this.directory.path = path
  }

  closeFiles(): void {
    for (const segment of this.#list) segment.closeFiles()
  }
}
