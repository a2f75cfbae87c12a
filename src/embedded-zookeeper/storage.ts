import { dirname, join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { Disk, DiskFile, DiskLock } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { JuteReader, JuteWriter } from '../zookeeper/jute.ts'
import { transaction, type Transaction } from './change.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'
import { ZooKeeperState } from './state.ts'

const DIRECTORY = 'embedded-zookeeper'
const LOG_SUFFIX = '.skzlog'
const SNAPSHOT_SUFFIX = '.skzsnap'
const MAGIC = Buffer.from('SKZLOG01')
const HEADER_BYTES = 8
/** A log file is closed by a snapshot at the latest when it is this large. */
const MAX_LOG_BYTES = 64 * 1024 * 1024

export class StorageError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'StorageError'
  }
}

type Options = { dataDir: string; dataLogDir: string; snapCount: number; snapRetainCount: number; disk: Disk; logger: Logger }

const fileName = (zxid: bigint, suffix: string): string => zxid.toString(16).padStart(16, '0') + suffix
const zxidOf = (name: string): bigint => BigInt(`0x${name.slice(0, 16)}`)

export const encodeRecord = (value: Transaction): Buffer => {
  const to = new JuteWriter()
  to.int(0)
  to.int(0)
  transaction.write(to, value)
  const bytes = to.done()
  bytes.writeInt32BE(bytes.length - HEADER_BYTES, 0)
  bytes.writeUInt32BE(crc32(bytes.subarray(HEADER_BYTES)), 4)
  return bytes
}

/** The transactions of a log file, and where the first byte is that belongs to none. */
const readLog = (bytes: Buffer): { transactions: Transaction[]; validBytes: number } => {
  const transactions: Transaction[] = []
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return { transactions, validBytes: 0 }
  let at = MAGIC.length
  while (at + HEADER_BYTES <= bytes.length) {
    const length = bytes.readInt32BE(at)
    const body = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + Math.max(length, 0))
    if (length <= 0 || body.length < length || crc32(body) !== bytes.readUInt32BE(at + 4)) break
    transactions.push(transaction.read(new JuteReader(body)))
    at += HEADER_BYTES + length
  }
  return { transactions, validBytes: at }
}

/** With every name on the way to it on disk. */
const makeDirectory = async (disk: Disk, path: string): Promise<void> => {
  if (disk.stat(path)) return
  if (!disk.stat(dirname(path))) await makeDirectory(disk, dirname(path))
  disk.makeDirectory(path)
  await disk.syncDirectory(dirname(path))
}

/**
 * The directory `embedded-zookeeper` below dataDir and dataLogDir. Not Apache's format.
 * `<first zxid, 16 hex digits>.skzlog`: the magic `SKZLOG01`, then records {int32 length, CRC-32 of the body, body = a transaction in Jute}.
 * `<zxid>.skzsnap`: see encodeSnapshot. The state is the newest readable snapshot and every transaction after it. A snapshot closes its log file.
 * Bytes after the last whole record of the last log file were never answered for, and are cut off at the start.
 */
export class Storage {
  readonly #options: Options
  readonly #snapshots: string
  readonly #logs: string
  readonly #lock: DiskLock
  #log: DiskFile | undefined
  #logBytes = 0
  #sinceSnapshot = 0
  #snapshotting: Promise<void> = Promise.resolve()

  private constructor(options: Options) {
    this.#options = options
    this.#snapshots = join(options.dataDir, DIRECTORY)
    this.#logs = join(options.dataLogDir, DIRECTORY)
    this.#lock = options.disk.lock(join(this.#snapshots, 'lock'))
  }

  /** Throws StorageError when what is there is not one whole history; EBUSY when another process has it open. */
  static async open(options: Options): Promise<{ storage: Storage; state: ZooKeeperState }> {
    for (const directory of new Set([options.dataDir, options.dataLogDir])) await makeDirectory(options.disk, join(directory, DIRECTORY))
    const storage = new Storage(options)
    try {
      return { storage, state: await storage.#recover() }
    } catch (error) {
      storage.#lock.release()
      throw error
    }
  }

  /** Writes the records and waits for the disk. `state` is the one after the last of them. After a failure nothing may be written any more. */
  async append(records: readonly Buffer[], state: ZooKeeperState): Promise<void> {
    this.#sinceSnapshot += records.length
    const isDue = this.#sinceSnapshot >= this.#options.snapCount || this.#logBytes >= MAX_LOG_BYTES
    // Before anything is waited for: the state goes on meanwhile.
    const due = isDue ? { zxid: state.zxid, bytes: encodeSnapshot(state) } : undefined
    this.#log ??= await this.#startLog(state.zxid - BigInt(records.length) + 1n)
    this.#log.writeSync(records, this.#logBytes)
    for (const record of records) this.#logBytes += record.length
    await this.#log.sync()
    if (!due) return
    this.#log.close()
    this.#log = undefined
    this.#sinceSnapshot = 0
    this.#snapshotting = this.#snapshotting.then(() => this.#keepSnapshot(due))
  }

  async close(): Promise<void> {
    await this.#snapshotting
    this.#log?.close()
    this.#lock.release()
  }

  async #startLog(firstZxid: bigint): Promise<DiskFile> {
    const log = this.#options.disk.open(join(this.#logs, fileName(firstZxid, LOG_SUFFIX)), 'create')
    log.truncateSync(0)
    log.writeSync([MAGIC], 0)
    this.#logBytes = MAGIC.length
    await log.sync()
    await this.#options.disk.syncDirectory(this.#logs)
    return log
  }

  /** A snapshot that cannot be written costs disk space, not data: the logs before it stay. */
  async #keepSnapshot({ zxid, bytes }: { zxid: bigint; bytes: Buffer }): Promise<void> {
    try {
      await this.#options.disk.replaceFile(join(this.#snapshots, fileName(zxid, SNAPSHOT_SUFFIX)), bytes)
      this.#purge()
    } catch (cause) {
      this.#options.logger.error({ err: cause, zxid: zxid.toString(16) }, 'a snapshot could not be written')
    }
  }

  /** Keeps the newest snapshots and the logs that the oldest of them needs. */
  #purge(): void {
    const kept = this.#files(this.#snapshots, SNAPSHOT_SUFFIX)
    const extra = kept.splice(0, Math.max(0, kept.length - this.#options.snapRetainCount))
    for (const name of extra) this.#options.disk.remove(join(this.#snapshots, name))
    const logs = this.#files(this.#logs, LOG_SUFFIX)
    logs.forEach((name, index) => {
      const next = logs[index + 1]
      if (kept[0] && next && zxidOf(next) <= zxidOf(kept[0]) + 1n) this.#options.disk.remove(join(this.#logs, name))
    })
  }

  #files(directory: string, suffix: string): string[] {
    const names = this.#options.disk.list(directory).map(({ name }) => name)
    return names.filter((name) => name.length === 16 + suffix.length && name.endsWith(suffix)).sort()
  }

  async #recover(): Promise<ZooKeeperState> {
    const state = this.#newestSnapshot()
    const logs = this.#files(this.#logs, LOG_SUFFIX)
    for (const [index, name] of logs.entries()) {
      const next = logs[index + 1]
      if (next && zxidOf(next) <= state.zxid + 1n) continue
      const bytes = this.#options.disk.readFile(join(this.#logs, name))
      const { transactions, validBytes } = readLog(bytes)
      if (validBytes < bytes.length && next) throw new StorageError(`${name} is damaged at byte ${validBytes}, and ${next} comes after it`)
      this.#replay(state, transactions, name)
      if (!next) await this.#continueLog(name, validBytes, bytes.length)
    }
    return state
  }

  #newestSnapshot(): ZooKeeperState {
    const names = this.#files(this.#snapshots, SNAPSHOT_SUFFIX)
    for (const name of names.toReversed()) {
      try {
        return decodeSnapshot(this.#options.disk.readFile(join(this.#snapshots, name)))
      } catch (cause) {
        this.#options.logger.error({ err: cause, snapshot: name }, 'a snapshot cannot be read; an older one and more of the log are used')
      }
    }
    return new ZooKeeperState()
  }

  #replay(state: ZooKeeperState, transactions: readonly Transaction[], name: string): void {
    for (const one of transactions) {
      if (one.zxid <= state.zxid) continue
      if (one.zxid !== state.zxid + 1n) {
        const from = (state.zxid + 1n).toString(16)
        throw new StorageError(
          `transactions 0x${from} to 0x${(one.zxid - 1n).toString(16)} are missing before ${name}: restore the directory`,
        )
      }
      state.replay(one)
      this.#sinceSnapshot++
    }
  }

  async #continueLog(name: string, validBytes: number, sizeBytes: number): Promise<void> {
    const path = join(this.#logs, name)
    if (validBytes === 0) {
      this.#options.logger.warn({ log: name, sizeBytes }, 'the last log file was never begun; it is removed')
      this.#options.disk.remove(path)
      return this.#options.disk.syncDirectory(this.#logs)
    }
    this.#log = this.#options.disk.open(path, 'update')
    this.#logBytes = validBytes
    if (validBytes < sizeBytes) {
      this.#options.logger.warn(
        { log: name, cutBytes: sizeBytes - validBytes },
        'the end of the last log file was not written whole; it is cut off',
      )
      this.#log.truncateSync(validBytes)
    }
    // What was read may have been in memory only when the last process died.
    await this.#log.sync()
  }
}
