import * as fs from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Disk, DiskFile } from '../../src/base/disk.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'

export type DiskFault = 'full' | 'write' | 'sync' | 'read'

const failure = (code: 'ENOSPC' | 'EIO', operation: string, path: string): Error =>
  Object.assign(new Error(`${code}: ordered failure, ${operation} '${path}'`), { code, path, syscall: operation })

/** A file on the real disk, and what of it would survive. */
class FileNode {
  /** Where its bytes are now: below the directory, or in the attic while only a durable name still leads to it. */
  place: string
  durableBytes: number
  /** Bytes that were overwritten or cut off since the last sync, oldest first. */
  undo: { position: number; bytes: Buffer }[] = []
  /** What running syncs make durable: nothing beyond the least size since they began. */
  readonly syncs = new Set<{ bytes: number; undone: number }>()

  constructor(place: string, durableBytes: number) {
    this.place = place
    this.durableBytes = durableBytes
  }

  get guardedBytes(): number {
    return Math.max(this.durableBytes, ...[...this.syncs].map(({ bytes }) => bytes))
  }
}
class DirectoryNode {
  entries = new Map<string, Node>()
  /** What a power loss leaves of the names. */
  durable = new Map<string, Node>()
}
type Node = FileNode | DirectoryNode

const scan = (path: string): Node => {
  if (!fs.statSync(path).isDirectory()) return new FileNode(path, fs.statSync(path).size)
  const directory = new DirectoryNode()
  for (const name of fs.readdirSync(path)) directory.entries.set(name, scan(join(path, name)))
  directory.durable = new Map(directory.entries)
  return directory
}

const readRange = (path: string, from: number, to: number): Buffer => {
  const bytes = Buffer.alloc(to - from)
  const fd = fs.openSync(path, 'r')
  const read = fs.readSync(fd, bytes, 0, bytes.length, from)
  fs.closeSync(fd)
  return bytes.subarray(0, read)
}

/**
 * The real disk below one root directory, with a memory of what was synced: `losePower` leaves of each file the synced bytes and of each directory the synced names, on the real
 * disk, stricter than real file systems are. What is there when it is made counts as synced. Paths outside the root are passed on. Fails on order, per log directory.
 */
export class FaultDisk implements Disk {
  readonly #root: string
  readonly #attic: string
  readonly #tree: DirectoryNode
  readonly #faults = new Map<string, DiskFault>()
  #stored = 0
  #isLost = false

  /** `root` exists; `attic` is a directory beside it on the same file system, of this disk alone. */
  constructor(root: string, attic: string) {
    this.#root = root
    this.#attic = attic
    fs.rmSync(attic, { recursive: true, force: true })
    fs.mkdirSync(attic)
    this.#tree = scan(root) as DirectoryNode
  }

  /** Calls on paths that begin with `prefix` fail until `heal`. */
  fail(prefix: string, fault: DiskFault): void {
    this.#faults.set(prefix, fault)
  }
  heal(): void {
    this.#faults.clear()
  }

  /** Leaves on the real disk what was synced. The process has to end at once: every later change is refused. */
  losePower(): void {
    this.#isLost = true
    const after = `${this.#attic}.after`
    fs.rmSync(after, { recursive: true, force: true })
    this.#rebuild(this.#tree, after)
    fs.rmSync(this.#root, { recursive: true, force: true })
    fs.renameSync(after, this.#root)
    fs.rmSync(this.#attic, { recursive: true, force: true })
  }

  #rebuild(directory: DirectoryNode, target: string): void {
    fs.mkdirSync(target)
    for (const [name, node] of directory.durable) {
      const path = join(target, name)
      if (node instanceof DirectoryNode) this.#rebuild(node, path)
      else this.#restore(node, path)
    }
  }

  #restore(node: FileNode, path: string): void {
    // A copy: a file may have two durable names after a rename between two directories of which one was synced.
    fs.copyFileSync(node.place, path)
    const fd = fs.openSync(path, 'r+')
    for (const { position, bytes } of node.undo.toReversed()) fs.writeSync(fd, bytes, 0, bytes.length, position)
    fs.ftruncateSync(fd, node.durableBytes)
    fs.closeSync(fd)
  }

  #partsOf(path: string): string[] | undefined {
    if (path === this.#root) return []
    return path.startsWith(`${this.#root}/`) ? path.slice(this.#root.length + 1).split('/') : undefined
  }
  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#partsOf(path) && this.#tree
    for (const name of this.#partsOf(path) ?? []) node = node instanceof DirectoryNode ? node.entries.get(name) : undefined
    return node
  }
  #parent(path: string): DirectoryNode | undefined {
    const node = this.#find(dirname(path))
    return node instanceof DirectoryNode ? node : undefined
  }

  #check(operation: 'write' | 'sync' | 'read', path: string): void {
    if (this.#isLost) throw failure('EIO', operation, path)
    for (const [prefix, fault] of this.#faults) {
      if (!path.startsWith(prefix)) continue
      if (fault === 'full' && operation === 'write') throw failure('ENOSPC', operation, path)
      if (fault === operation) throw failure('EIO', operation, path)
    }
  }

  /** The name is about to go; what it leads to stays on the disk as long as a durable name may still lead there. */
  #keep(path: string): void {
    const node = this.#find(path)
    if (!node) return
    const isSafe = this.#parent(path)?.durable.get(basename(path)) === undefined
    if (isSafe && node instanceof FileNode) return
    this.#store(node)
  }
  #store(node: Node): void {
    if (node instanceof DirectoryNode) {
      for (const inner of new Set([...node.entries.values(), ...node.durable.values()])) this.#store(inner)
      return
    }
    if (node.place.startsWith(`${this.#attic}/`)) return
    const stored = join(this.#attic, String(this.#stored++))
    fs.linkSync(node.place, stored)
    node.place = stored
  }
  /** After a rename, the places of all files below follow. */
  #moved(node: Node, path: string): void {
    if (node instanceof DirectoryNode) for (const [name, inner] of node.entries) this.#moved(inner, join(path, name))
    else if (!node.place.startsWith(`${this.#attic}/`)) node.place = path
  }

  open(path: string, mode: 'read' | 'update' | 'create'): DiskFile {
    this.#check(mode === 'create' ? 'write' : 'read', path)
    const file = nodeDisk.open(path, mode)
    const parts = this.#partsOf(path)
    if (!parts) return file
    let node = this.#find(path)
    if (!(node instanceof FileNode)) {
      node = new FileNode(path, 0)
      this.#parent(path)?.entries.set(basename(path), node)
    }
    return this.#track(file, node)
  }

  #track(file: DiskFile, node: FileNode): DiskFile {
    const { path } = file
    const remember = (from: number, to: number): void => {
      const end = Math.min(to, node.guardedBytes)
      if (from < end) node.undo.push({ position: from, bytes: readRange(node.place, from, end) })
    }
    const begin = () => {
      this.#check('sync', path)
      const sync = { bytes: file.sizeBytes(), undone: node.undo.length }
      node.syncs.add(sync)
      return sync
    }
    const done = (sync: { bytes: number; undone: number }): void => {
      node.syncs.delete(sync)
      node.durableBytes = Math.max(node.durableBytes, sync.bytes)
      node.undo.splice(0, sync.undone)
      for (const other of node.syncs) other.undone = Math.max(0, other.undone - sync.undone)
    }
    return {
      path,
      writeSync: (buffers, position) => {
        this.#check('write', path)
        remember(position, position + buffers.reduce((sum, { length }) => sum + length, 0))
        file.writeSync(buffers, position)
      },
      readSync: (target, position) => {
        this.#check('read', path)
        return file.readSync(target, position)
      },
      read: async (target, position) => {
        this.#check('read', path)
        return file.read(target, position)
      },
      truncateSync: (sizeBytes) => {
        this.#check('write', path)
        remember(sizeBytes, Infinity)
        file.truncateSync(sizeBytes)
      },
      sizeBytes: () => file.sizeBytes(),
      sync: async () => {
        const sync = begin()
        try {
          await file.sync()
          this.#check('sync', path)
          done(sync)
        } finally {
          node.syncs.delete(sync)
        }
      },
      syncSync: () => {
        const sync = begin()
        file.syncSync()
        done(sync)
      },
      close: () => file.close(),
    }
  }

  list(path: string) {
    this.#check('read', path)
    return nodeDisk.list(path)
  }
  stat(path: string) {
    return nodeDisk.stat(path)
  }

  makeDirectory(path: string, options?: { mode?: number }): void {
    this.#check('write', path)
    nodeDisk.makeDirectory(path, options)
    let node: Node = this.#tree
    for (const name of this.#partsOf(path) ?? []) {
      if (!(node instanceof DirectoryNode)) return
      if (!node.entries.has(name)) node.entries.set(name, new DirectoryNode())
      node = node.entries.get(name)!
    }
  }

  rename(from: string, to: string): void {
    this.#check('write', from)
    const node = this.#find(from)
    if (this.#find(to)) this.#keep(to)
    nodeDisk.rename(from, to)
    if (!node) return
    this.#parent(from)?.entries.delete(basename(from))
    this.#parent(to)?.entries.set(basename(to), node)
    this.#moved(node, to)
  }

  #forget(path: string): void {
    this.#check('write', path)
    this.#keep(path)
    this.#parent(path)?.entries.delete(basename(path))
  }
  remove(path: string): void {
    this.#forget(path)
    nodeDisk.remove(path)
  }
  removeDirectory(path: string): void {
    this.#forget(path)
    nodeDisk.removeDirectory(path)
  }
  async removeInBackground(path: string): Promise<void> {
    this.#forget(path)
    await nodeDisk.removeInBackground(path)
  }

  async syncDirectory(path: string): Promise<void> {
    this.#check('sync', path)
    const node = this.#find(path)
    const names = node instanceof DirectoryNode ? new Map(node.entries) : undefined
    await nodeDisk.syncDirectory(path)
    this.#check('sync', path)
    if (!(node instanceof DirectoryNode) || !names) return
    const before = node.durable
    node.durable = names
    for (const gone of before.values()) this.#sweep(gone)
  }
  /** Bytes that only the attic holds and no name leads to any more. */
  #sweep(node: Node): void {
    if (!(node instanceof FileNode) || !node.place.startsWith(`${this.#attic}/`)) return
    if (!this.#isNamed(this.#tree, node)) fs.rmSync(node.place, { force: true })
  }
  #isNamed(directory: DirectoryNode, file: FileNode): boolean {
    for (const node of [...directory.entries.values(), ...directory.durable.values()]) {
      if (node === file || (node instanceof DirectoryNode && this.#isNamed(node, file))) return true
    }
    return false
  }

  readFile(path: string): Buffer {
    this.#check('read', path)
    return nodeDisk.readFile(path)
  }

  async replaceFile(path: string, bytes: Uint8Array, options?: { mode?: number }): Promise<void> {
    const temporary = `${path}.tmp`
    const file = this.open(temporary, 'create')
    try {
      if (options?.mode !== undefined) fs.chmodSync(temporary, options.mode)
      file.truncateSync(0)
      file.writeSync([bytes], 0)
      await file.sync()
    } finally {
      file.close()
    }
    this.rename(temporary, path)
    await this.syncDirectory(dirname(path))
  }

  lock(path: string) {
    return nodeDisk.lock(path)
  }
}
