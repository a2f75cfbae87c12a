import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from './disk.ts'
import { lockFile } from './lock-file.ts'

const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const readAt = promisify(fs.read)
const remove = promisify(fs.rm)
const FLAGS = { read: fs.constants.O_RDONLY, update: fs.constants.O_RDWR, create: fs.constants.O_RDWR | fs.constants.O_CREAT }
/** Linux writes at most this many buffers by one writev. */
const IOV_MAX = 1024

const writeOne = (fd: number, bytes: Uint8Array, position: number): void => {
  let done = 0
  while (done < bytes.length) done += fs.writeSync(fd, bytes, done, bytes.length - done, position + done)
}

const writeAll = (fd: number, buffers: readonly Uint8Array[], position: number): void => {
  if (buffers.length === 1) return writeOne(fd, buffers[0]!, position)
  let at = position
  for (let first = 0; first < buffers.length; first += IOV_MAX) {
    let pending = buffers.slice(first, first + IOV_MAX)
    while (pending.length > 0) {
      let written = fs.writevSync(fd, pending as NodeJS.ArrayBufferView[], at)
      at += written
      while (pending.length > 0 && written >= pending[0]!.length) written -= pending.shift()!.length
      if (written > 0) pending = [pending[0]!.subarray(written), ...pending.slice(1)]
    }
  }
}

const openFile = (path: string, mode: keyof typeof FLAGS): DiskFile => {
  const fd = fs.openSync(path, FLAGS[mode], 0o644)
  return {
    path,
    writeSync: (buffers, position) => writeAll(fd, buffers, position),
    readSync: (target, position) => fs.readSync(fd, target, 0, target.length, position),
    read: async (target, position) => (await readAt(fd, target, 0, target.length, position)).bytesRead,
    truncateSync: (sizeBytes) => fs.ftruncateSync(fd, sizeBytes),
    sizeBytes: () => fs.fstatSync(fd).size,
    sync: () => fdatasync(fd),
    syncSync: () => fs.fdatasyncSync(fd),
    close: () => fs.closeSync(fd),
  }
}

const syncDirectory = async (path: string): Promise<void> => {
  const fd = fs.openSync(path, fs.constants.O_RDONLY)
  try {
    await fsync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** The real disk. */
const isDirectory = (path: string): boolean => fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false

/** With its parents. Node's own way never ends where a parent is there and the system says ENOENT all the same, as below /proc. */
const makeDirectory = (path: string, options: { mode?: number }): void => {
  if (isDirectory(path)) return
  const parent = dirname(path)
  if (parent !== path) makeDirectory(parent, options)
  try {
    fs.mkdirSync(path, options)
  } catch (error) {
    if (!isDirectory(path)) throw error
  }
}

export const nodeDisk: Disk = {
  open: openFile,
  list: (path) =>
    fs
      .readdirSync(path, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  stat: (path) => {
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    return stat && { sizeBytes: stat.size, modifiedMs: stat.mtimeMs, isDirectory: stat.isDirectory() }
  },
  makeDirectory: (path, options) => makeDirectory(path, options?.mode ? { mode: options.mode } : {}),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  removeDirectory: (path) => fs.rmSync(path, { recursive: true, force: true }),
  removeInBackground: (path) => remove(path, { recursive: true, force: true }),
  syncDirectory,
  readFile: (path) => fs.readFileSync(path),
  replaceFile: async (path, bytes, options) => {
    const temporary = join(dirname(path), `${path.slice(dirname(path).length + 1)}.tmp`)
    const file = openFile(temporary, 'create')
    try {
      if (options?.mode !== undefined) fs.chmodSync(temporary, options.mode)
      file.truncateSync(0)
      file.writeSync([bytes], 0)
      await file.sync()
    } finally {
      file.close()
    }
    fs.renameSync(temporary, path)
    await syncDirectory(dirname(path))
  },
  lock: lockFile,
}
