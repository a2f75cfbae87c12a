import { dirname, basename } from 'node:path'
import type { Disk, DiskEntry, DiskFile, DiskLock, DiskStat } from '../../src/base/disk.ts'

export type DiskOperation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'rename'
  | 'remove'
  | 'list'
  | 'makeDirectory'
  | 'syncDirectory'
export type Failure = {
  /** ENOSPC, EIO, EMFILE, ... */
  code?: string
  /** The how-manieth matching call from now on fails; 1 is the next. */
  nth?: number
  /** Fails this many calls in a row; Infinity: for ever. */
  times?: number
  /** Only calls on paths that match. */
  path?: RegExp
  /** A write leaves this many bytes in the file before it fails. */
  partialBytes?: number
}

class FileNode {
  bytes = Buffer.alloc(0)
  sizeBytes = 0
  modifiedMs = 0
  durable: Buffer = Buffer.alloc(0)

  reserve(sizeBytes: number): void {
    if (sizeBytes <= this.bytes.length) return
    const larger = Buffer.alloc(Math.max(sizeBytes, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.sizeBytes)
    this.bytes = larger
  }
}
class DirectoryNode {
  entries = new Map<string, Node>()
  durable = new Map<string, Node>()
}
type Node = FileNode | DirectoryNode

const failure = (code: string, path: string, operation: string) =>
  Object.assign(new Error(`${code}: ordered failure, ${operation} '${path}'`), { code, path })

/**
 * A disk in memory. It fails on order (`fail`), and `losePower` leaves of each file what was synced and of each directory the names that were synced,
 * stricter than real file systems, which keep more. Handles that were open before a power loss throw EIO.
 */
export class MemoryDisk implements Disk {
  #root = new DirectoryNode()
  #failures: (Failure & { operation: DiskOperation; left: number })[] = []
  #locks = new Set<string>()
  #life = 0
  readonly #nowMs: () => number
  /** Calls so far, by operation. */
  readonly calls: Partial<Record<DiskOperation, number>> = {}
  openFiles = 0
  /** While set, a file's sync ends no sooner than this does. */
  syncsWaitFor: Promise<void> | undefined

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs
  }

  fail(operation: DiskOperation, options: Failure = {}): void {
    this.#failures.push({ ...options, operation, left: options.nth ?? 1 })
  }
  stopFailing(): void {
    this.#failures = []
  }

  /** What a machine finds after its power came back. `kept` of the unsynced bytes at a file's end survive (torn writes); 0 is none, 1 is all. */
  losePower(kept = 0): void {
    this.#life++
    this.#locks.clear()
    this.openFiles = 0
    const settle = (directory: DirectoryNode): void => {
      directory.entries = new Map(directory.durable)
      for (const node of directory.entries.values()) {
        if (node instanceof DirectoryNode) settle(node)
        else {
          const survives = node.durable.length + Math.floor(Math.max(0, node.sizeBytes - node.durable.length) * kept)
          const torn = Buffer.concat([node.durable, node.bytes.subarray(node.durable.length, survives)])
          node.bytes = torn
          node.sizeBytes = torn.length
          node.durable = Buffer.from(torn)
        }
      }
    }
    settle(this.#root)
  }

  /** The process dies, the machine lives: locks are free, handles are closed, every written byte is there. */
  killProcess(): void {
    this.#life++
    this.#locks.clear()
    this.openFiles = 0
  }

  #check(operation: DiskOperation, path: string): Failure | undefined {
    this.calls[operation] = (this.calls[operation] ?? 0) + 1
    for (const failure of this.#failures) {
      if (failure.operation !== operation || (failure.path && !failure.path.test(path)) || --failure.left > 0) continue
      const times = failure.times ?? 1
      if (times > 1) Object.assign(failure, { times: times - 1, left: 1 })
      else this.#failures.splice(this.#failures.indexOf(failure), 1)
      return failure
    }
    return undefined
  }
  #checkOrThrow(operation: DiskOperation, path: string): void {
    const ordered = this.#check(operation, path)
    if (ordered) throw failure(ordered.code ?? 'EIO', path, operation)
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      node = node instanceof DirectoryNode ? node.entries.get(name) : undefined
    }
    return node
  }
  #parent(path: string): DirectoryNode {
    const parent = this.#find(dirname(path))
    if (!(parent instanceof DirectoryNode)) throw failure('ENOENT', path, 'no such directory')
    return parent
  }
  #file(path: string): FileNode {
    const node = this.#find(path)
    if (!(node instanceof FileNode)) throw failure(node ? 'EISDIR' : 'ENOENT', path, 'open')
    return node
  }

  open(path: string, mode: 'read' | 'update' | 'create'): DiskFile {
    this.#checkOrThrow('open', path)
    if (mode === 'create' && !this.#find(path)) {
      const made = new FileNode()
      made.modifiedMs = this.#nowMs()
      this.#parent(path).entries.set(basename(path), made)
    }
    this.openFiles++
    return this.#handle(path, this.#file(path))
  }

  #handle(path: string, node: FileNode): DiskFile {
    const life = this.#life
    let isOpen = true
    const use = (operation: DiskOperation): Failure | undefined => {
      if (!isOpen) throw failure('EBADF', path, operation)
      if (life !== this.#life) throw failure('EIO', path, `${operation} after the end of the process`)
      return this.#check(operation, path)
    }
    const useOrThrow = (operation: DiskOperation): void => {
      const ordered = use(operation)
      if (ordered) throw failure(ordered.code ?? 'EIO', path, operation)
    }
    const write = (bytes: Uint8Array, position: number): void => {
      const end = position + bytes.length
      node.reserve(end)
      node.bytes.set(bytes, position)
      node.sizeBytes = Math.max(node.sizeBytes, end)
      node.modifiedMs = this.#nowMs()
    }
    const read = (target: Uint8Array, position: number): number => {
      const end = Math.min(node.sizeBytes, position + target.length)
      if (end <= position) return 0
      target.set(node.bytes.subarray(position, end))
      return end - position
    }
    const makeDurable = (): void => {
      node.durable = Buffer.from(node.bytes.subarray(0, node.sizeBytes))
    }
    return {
      path,
      writeSync: (buffers, position) => {
        const ordered = use('write')
        const bytes = Buffer.concat(buffers)
        write(ordered ? bytes.subarray(0, ordered.partialBytes ?? 0) : bytes, position)
        if (ordered) throw failure(ordered.code ?? 'ENOSPC', path, 'write')
      },
      readSync: (target, position) => {
        useOrThrow('read')
        return read(target, position)
      },
      read: async (target, position) => {
        useOrThrow('read')
        await Promise.resolve()
        return read(target, position)
      },
      truncateSync: (sizeBytes) => {
        useOrThrow('truncate')
        node.reserve(sizeBytes)
        node.bytes.fill(0, Math.min(sizeBytes, node.sizeBytes), Math.max(sizeBytes, node.sizeBytes))
        node.sizeBytes = sizeBytes
      },
      sizeBytes: () => node.sizeBytes,
      sync: async () => {
        useOrThrow('sync')
        makeDurable()
        await this.syncsWaitFor
      },
      syncSync: () => {
        useOrThrow('sync')
        makeDurable()
      },
      close: () => {
        if (!isOpen) throw failure('EBADF', path, 'close')
        isOpen = false
        if (life === this.#life) this.openFiles--
      },
    }
  }

  list(path: string): DiskEntry[] {
    this.#checkOrThrow('list', path)
    const node = this.#find(path)
    if (!(node instanceof DirectoryNode)) throw failure(node ? 'ENOTDIR' : 'ENOENT', path, 'list')
    return [...node.entries]
      .map(([name, entry]) => ({ name, isDirectory: entry instanceof DirectoryNode }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  stat(path: string): DiskStat | undefined {
    const node = this.#find(path)
    if (!node) return undefined
    if (node instanceof DirectoryNode) return { sizeBytes: 0, modifiedMs: 0, isDirectory: true }
    return { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, isDirectory: false }
  }

  makeDirectory(path: string): void {
    this.#checkOrThrow('makeDirectory', path)
    let node: Node = this.#root
    for (const name of path.split('/').filter((part) => part !== '')) {
      if (!(node instanceof DirectoryNode)) throw failure('ENOTDIR', path, 'makeDirectory')
      if (!node.entries.has(name)) node.entries.set(name, new DirectoryNode())
      node = node.entries.get(name)!
    }
  }

  rename(from: string, to: string): void {
    this.#checkOrThrow('rename', from)
    const node = this.#find(from)
    if (!node) throw failure('ENOENT', from, 'rename')
    const target = this.#parent(to)
    const replaced = target.entries.get(basename(to))
    if (replaced instanceof DirectoryNode && replaced.entries.size > 0) throw failure('ENOTEMPTY', to, 'rename')
    this.#parent(from).entries.delete(basename(from))
    target.entries.set(basename(to), node)
  }

  remove(path: string): void {
    this.#checkOrThrow('remove', path)
    if (this.#find(path) instanceof DirectoryNode) throw failure('EISDIR', path, 'remove')
    if (this.#find(path)) this.#parent(path).entries.delete(basename(path))
  }
  removeDirectory(path: string): void {
    this.#checkOrThrow('remove', path)
    if (this.#find(path)) this.#parent(path).entries.delete(basename(path))
  }
  async removeInBackground(path: string): Promise<void> {
    this.removeDirectory(path)
    await Promise.resolve()
  }

  async syncDirectory(path: string): Promise<void> {
    this.#checkOrThrow('syncDirectory', path)
    const node = this.#find(path)
    if (!(node instanceof DirectoryNode)) throw failure('ENOENT', path, 'syncDirectory')
    node.durable = new Map(node.entries)
    await Promise.resolve()
  }

  readFile(path: string): Buffer {
    this.#checkOrThrow('read', path)
    const node = this.#file(path)
    return Buffer.from(node.bytes.subarray(0, node.sizeBytes))
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const file = this.open(`${path}.tmp`, 'create')
    try {
      file.truncateSync(0)
      file.writeSync([bytes], 0)
      await file.sync()
    } finally {
      file.close()
    }
    this.rename(`${path}.tmp`, path)
    await this.syncDirectory(dirname(path))
  }

  lock(path: string): DiskLock {
    if (this.#locks.has(path)) throw Object.assign(new Error(`${path} is held by this process`), { code: 'EBUSY' })
    this.#locks.add(path)
    return { release: () => void this.#locks.delete(path) }
  }

  /** For tests that look at or change what is stored. */
  writeFile(path: string, bytes: Uint8Array): void {
    const made = this.#find(path) ?? new FileNode()
    if (made instanceof DirectoryNode) throw failure('EISDIR', path, 'write')
    made.bytes = Buffer.from(bytes)
    made.sizeBytes = bytes.length
    made.durable = Buffer.from(bytes)
    this.#parent(path).entries.set(basename(path), made)
    this.#parent(path).durable.set(basename(path), made)
  }
}
