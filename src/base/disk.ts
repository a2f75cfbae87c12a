/**
 * The file calls that our programs make, and no others. Errors are Node's own (`code`: ENOENT, ENOSPC, EIO, ...).
 * Durability: bytes survive a power loss after `sync` of the file, a name (created, renamed, deleted) after `syncDirectory` of its folder.
 */
export interface DiskFile {
  readonly path: string
  /** Writes all buffers back to back at `position`, or throws; after a throw the bytes beyond the old size are undefined and the caller truncates. */
  writeSync(buffers: readonly Uint8Array[], position: number): void
  /** Fills `target` from `position`; returns the bytes read, fewer at the end of the file. */
  readSync(target: Uint8Array, position: number): number
  read(target: Uint8Array, position: number): Promise<number>
  truncateSync(sizeBytes: number): void
  sizeBytes(): number
  /** fdatasync. After a failure the unsynced bytes are of unknown state: never call it again as if it had worked. */
  sync(): Promise<void>
  syncSync(): void
  close(): void
}

export type DiskEntry = { name: string; isDirectory: boolean }
export type DiskStat = { sizeBytes: number; modifiedMs: number; isDirectory: boolean }

export type DiskLock = { release(): void }

export interface Disk {
  /** `read`: must exist; `update`: read and write, must exist; `create`: read and write, made when absent. */
  open(path: string, mode: 'read' | 'update' | 'create'): DiskFile
  /** Entries by name, sorted. */
  list(path: string): DiskEntry[]
  /** undefined when there is nothing. */
  stat(path: string): DiskStat | undefined
  /** Makes the parents too; an existing directory is left alone. `mode` as of chmod, for what others must not read. */
  makeDirectory(path: string, options?: { mode?: number }): void
  /** Replaces a file at `to`. */
  rename(from: string, to: string): void
  /** An absent file is no error. */
  remove(path: string): void
  /** The whole tree; an absent one is no error. */
  removeDirectory(path: string): void
  /** A file or a whole tree, off the event loop: to free a gigabyte takes a file system tens of milliseconds. */
  removeInBackground(path: string): Promise<void>
  syncDirectory(path: string): Promise<void>
  readFile(path: string): Buffer
  /** Writes `path`.tmp, syncs it, renames it over `path`, syncs the directory: after a crash the file is the old or the new one. `mode` as of chmod. */
  replaceFile(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<void>
  /** Holds `path` for this caller until release; throws EBUSY when a living process holds it, this one included. What a dead holder left is taken over. */
  lock(path: string): DiskLock
}
