import { join } from 'node:path'
import type { Disk, DiskFile } from '../base/disk.ts'
import { nodeDisk } from '../base/node-disk.ts'

/** Where a partition's files are. One object for all files of a log: a renamed directory is renamed for all of them. */
export type Directory = { path: string }

/**
 * The descriptors of all logs, at most `max`: a file is opened when it is used, and the one whose use is longest ago gives its descriptor back.
 * Files in the middle of an asynchronous call are pinned and stay open, beyond `max` if need be.
 */
export class OpenFiles {
  readonly disk: Disk
  readonly #max: number
  /** In order of last use. */
  readonly #open = new Set<LogFile>()
  #latest: LogFile | undefined

  constructor(disk: Disk, max: number) {
    this.disk = disk
    this.#max = max
  }

  /** Threads see the same files. */
  get isShared(): boolean {
    return this.disk === nodeDisk
  }
  get size(): number {
    return this.#open.size
  }

  used(file: LogFile): void {
    if (this.#latest === file) return
    this.#latest = file
    this.#open.delete(file)
    this.#open.add(file)
    if (this.#open.size <= this.#max) return
    for (const oldest of this.#open) {
      if (oldest.isPinned || oldest === file) continue
      oldest.close()
      return
    }
  }

  closed(file: LogFile): void {
    this.#open.delete(file)
    if (this.#latest === file) this.#latest = undefined
  }
}

/** One file of a log, by name. It is opened on use; errors are the disk's own. */
export class LogFile {
  name: string
  readonly #directory: Directory
  readonly #files: OpenFiles
  #handle: DiskFile | undefined
  #pins = 0
  #closesWhenFree = false

  constructor(files: OpenFiles, directory: Directory, name: string) {
    this.#files = files
    this.#directory = directory
    this.name = name
  }

  get path(): string {
    return join(this.#directory.path, this.name)
  }
  get isPinned(): boolean {
    return this.#pins > 0
  }

  #use(): DiskFile {
    this.#handle ??= this.#files.disk.open(this.path, 'update')
    this.#files.used(this)
    return this.#handle
  }

  /** Makes an empty file; one that is there loses its bytes. */
  create(): void {
    this.close()
    this.#handle = this.#files.disk.open(this.path, 'create')
    this.#files.used(this)
    if (this.#handle.sizeBytes() > 0) this.#handle.truncateSync(0)
  }

  exists(): boolean {
    return this.#files.disk.stat(this.path) !== undefined
  }
  /** 0 for an absent file. */
  sizeBytes(): number {
    return this.#files.disk.stat(this.path)?.sizeBytes ?? 0
  }
  modifiedMs(): number {
    return this.#files.disk.stat(this.path)?.modifiedMs ?? 0
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#use().writeSync([bytes], position)
  }
  readSync(target: Uint8Array, position: number): number {
    return this.#use().readSync(target, position)
  }
  truncateSync(sizeBytes: number): void {
    this.#use().truncateSync(sizeBytes)
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    const handle = this.#use()
    return this.#pinned(() => handle.read(target, position))
  }
  async sync(): Promise<void> {
    const handle = this.#use()
    return this.#pinned(() => handle.sync())
  }
  async #pinned<T>(call: () => Promise<T>): Promise<T> {
    this.#pins++
    try {
      return await call()
    } finally {
      this.#pins--
      if (this.#closesWhenFree) this.close()
    }
  }

  /** An absent file is no error: a segment need not have all its files. */
  rename(name: string): void {
    if (this.exists()) this.#files.disk.rename(this.path, join(this.#directory.path, name))
    this.name = name
  }

  /** Gives the descriptor back, at the latest when the call that pins it ends; the next use opens the file again. */
  close(): void {
    this.#closesWhenFree = this.isPinned
    if (this.#handle === undefined || this.isPinned) return
    const handle = this.#handle
    this.#handle = undefined
    this.#files.closed(this)
    handle.close()
  }
}
