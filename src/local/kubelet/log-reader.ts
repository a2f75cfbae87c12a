import { join } from 'node:path'
import type { Disk } from '../../base/disk.ts'
import { parseLog, type LogEntry } from './container-log.ts'

export type LogQuery = {
  follow: boolean
  previous: boolean
  timestamps: boolean
  tailLines?: number
  sinceMs?: number
  limitBytes?: number
}

/** Runs of a container that have a log, oldest first. */
const runsOf = (disk: Disk, directory: string): number[] => {
  if (!disk.stat(directory)) return []
  return disk
    .list(directory)
    .map(({ name }) => /^(\d+)\.log$/.exec(name)?.[1])
    .filter((run) => run !== undefined)
    .map(Number)
    .sort((a, b) => a - b)
}

/** The path of the present run's log, or of the one before; undefined where there is none. */
export const logPath = (disk: Disk, directory: string, previous: boolean): string | undefined => {
  const run = runsOf(disk, directory).at(previous ? -2 : -1)
  return run === undefined ? undefined : join(directory, `${run}.log`)
}

const bytesOf = (disk: Disk, path: string): Buffer => (disk.stat(path) ? disk.readFile(path) : Buffer.alloc(0))

const text = ({ time, isWhole, line }: LogEntry, timestamps: boolean): Buffer =>
  Buffer.concat([Buffer.from(timestamps ? `${time} ` : ''), line, Buffer.from(isWhole ? '\n' : '')])

/** What there is now, as the caller wants to see it, and up to which byte of the file that was. */
export const readLog = (disk: Disk, path: string, query: LogQuery): { bytes: Buffer; position: number } => {
  const now = bytesOf(disk, path)
  const { entries: recent, length } = parseLog(now)
  const all = [...parseLog(bytesOf(disk, `${path}.1`)).entries, ...recent]
  const since = query.sinceMs === undefined ? all : all.filter(({ time }) => Date.parse(time) >= query.sinceMs!)
  const tail = query.tailLines === undefined ? since : query.tailLines === 0 ? [] : since.slice(-query.tailLines)
  const bytes = Buffer.concat(tail.map((entry) => text(entry, query.timestamps)))
  return { bytes: query.limitBytes === undefined ? bytes : bytes.subarray(0, query.limitBytes), position: length }
}

/** What came after `position`; a file that is shorter than that was rotated and is read from its start. */
export const readMore = (disk: Disk, path: string, position: number, timestamps: boolean): { bytes: Buffer; position: number } => {
  const sizeBytes = disk.stat(path)?.sizeBytes ?? 0
  if (sizeBytes === position) return { bytes: Buffer.alloc(0), position }
  const start = sizeBytes < position ? 0 : position
  const file = disk.open(path, 'read')
  try {
    const target = Buffer.alloc(Math.min(sizeBytes - start, 1024 * 1024))
    const { entries, length } = parseLog(target.subarray(0, file.readSync(target, start)))
    return { bytes: Buffer.concat(entries.map((entry) => text(entry, timestamps))), position: start + length }
  } finally {
    file.close()
  }
}
