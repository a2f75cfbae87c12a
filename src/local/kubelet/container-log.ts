import { join } from 'node:path'
import type { WallClock } from '../../base/clock.ts'
import type { Disk, DiskFile } from '../../base/disk.ts'

export type LogStream = 'stdout' | 'stderr'

/** One file holds at most this much; then it becomes `<file>.1` and a new one starts: a container's log takes at most twice this. */
const LOG_FILE_BYTES = 10 * 1024 * 1024
/** A line longer than this is cut into several entries, as container runtimes do. */
const LINE_BYTES = 16 * 1024

const NEWLINE = 0x0a

/**
 * Log of one run of a container, in the form of the container runtime interface: `<RFC 3339 time> <stream> <F|P> <line>`; P = the line goes on in the next entry.
 * Bytes without an end of line are held until it comes, the container ends, or the line is long.
 */
export class ContainerLog {
  readonly path: string
  readonly #disk: Disk
  readonly #clock: WallClock
  readonly #maxBytes: number
  #file: DiskFile
  #sizeBytes: number
  readonly #open: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  #isClosed = false

  constructor(options: { disk: Disk; clock: WallClock; path: string; maxBytes?: number }) {
    this.path = options.path
    this.#disk = options.disk
    this.#clock = options.clock
    this.#maxBytes = options.maxBytes ?? LOG_FILE_BYTES
    options.disk.makeDirectory(join(options.path, '..'))
    this.#file = options.disk.open(options.path, 'create')
    this.#sizeBytes = this.#file.sizeBytes()
  }

  write(stream: LogStream, chunk: Buffer): void {
    if (this.#isClosed) return
    const bytes = this.#open[stream].length > 0 ? Buffer.concat([this.#open[stream], chunk]) : chunk
    const entries: Buffer[] = []
    let start = 0
    for (;;) {
      const end = bytes.indexOf(NEWLINE, start)
      const lineBytes = (end < 0 ? bytes.length : end) - start
      if (lineBytes >= LINE_BYTES) {
        entries.push(this.#entry(stream, 'P', bytes.subarray(start, start + LINE_BYTES)))
        start += LINE_BYTES
      } else if (end >= 0) {
        entries.push(this.#entry(stream, 'F', bytes.subarray(start, end)))
        start = end + 1
      } else break
    }
    this.#open[stream] = Buffer.from(bytes.subarray(start))
    this.#append(entries)
  }

  close(): void {
    if (this.#isClosed) return
    const streams = (['stdout', 'stderr'] as const).filter((stream) => this.#open[stream].length > 0)
    this.#append(streams.map((stream) => this.#entry(stream, 'F', this.#open[stream])))
    this.#isClosed = true
    this.#file.close()
  }

  #entry(stream: LogStream, tag: 'F' | 'P', line: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`${new Date(this.#clock.nowMs()).toISOString()} ${stream} ${tag} `), line, Buffer.from('\n')])
  }

  #append(entries: Buffer[]): void {
    if (entries.length === 0) return
    const bytes = entries.reduce((sum, entry) => sum + entry.length, 0)
    if (this.#sizeBytes > 0 && this.#sizeBytes + bytes > this.#maxBytes) this.#rotate()
    this.#file.writeSync(entries, this.#sizeBytes)
    this.#sizeBytes += bytes
  }

  #rotate(): void {
    this.#file.close()
    this.#disk.rename(this.path, `${this.path}.1`)
    this.#file = this.#disk.open(this.path, 'create')
    this.#sizeBytes = 0
  }
}

export type LogEntry = { time: string; isWhole: boolean; line: Buffer }

/** Entries of a log file's bytes; a torn last line is left out. `length` is the bytes that the entries took. */
export const parseLog = (bytes: Buffer): { entries: LogEntry[]; length: number } => {
  const entries: LogEntry[] = []
  let start = 0
  for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
    const afterTime = bytes.indexOf(0x20, start)
    const afterStream = bytes.indexOf(0x20, afterTime + 1)
    if (afterTime > start && afterStream > afterTime && afterStream + 3 <= end) {
      const time = bytes.toString('latin1', start, afterTime)
      entries.push({ time, isWhole: bytes[afterStream + 1] === 0x46, line: bytes.subarray(afterStream + 3, end) })
    }
    start = end + 1
  }
  return { entries, length: start }
}
