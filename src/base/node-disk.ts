import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from './disk.ts'

const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const readAt = promisify(fs.read)
const FLAGS = { read: fs.constants.O_RDONLY, update: fs.constants.O_RDWR, create: fs.constants.O_RDWR | fs.constants.O_CREAT }
/** Linux writes at most this many buffers by one writev. */
const IOV_MAX = 1024

const writeAll = (fd: number, buffers: readonly Uint8Array[], position: number): void => {
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

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A process that died leaves its lock file behind; the process id inside tells whether its holder lives. */
const lock = (path: string): { release(): void } => {
  const holder = fs.existsSync(path) ? Number(fs.readFileSync(path, 'utf8')) : 0
  if (holder > 0 && holder !== process.pid && isAlive(holder)) {
    throw Object.assign(new Error(`${path} is held by process ${holder}; stop it, or use another directory`), { code: 'EBUSY' })
  }
  fs.writeFileSync(path, String(process.pid))
  return { release: () => fs.rmSync(path, { force: true }) }
}

/** The real disk. */
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
  makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
  rename: (from, to) => fs.renameSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  removeDirectory: (path) => fs.rmSync(path, { recursive: true, force: true }),
  syncDirectory,
  readFile: (path) => fs.readFileSync(path),
  replaceFile: async (path, bytes) => {
    const temporary = join(dirname(path), `${path.slice(dirname(path).length + 1)}.tmp`)
    const file = openFile(temporary, 'create')
    try {
      file.truncateSync(0)
      file.writeSync([bytes], 0)
      await file.sync()
    } finally {
      file.close()
    }
    fs.renameSync(temporary, path)
    await syncDirectory(dirname(path))
  },
  lock,
}
