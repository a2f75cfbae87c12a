import { dirname, join } from 'node:path'
import type { Disk, DiskLock } from '../base/disk.ts'
import { partitionKey } from '../base/topic-partition.ts'
import type { Logger } from '../base/logger.ts'
import { formatProperties, parseProperties } from '../base/properties.ts'
import { KafkaError } from '../protocol/errors.ts'
import { formatOffsets, parseOffsets, type PartitionOffset } from './checkpoint-file.ts'
import { Shared } from './turns.ts'

const CLEAN_MARK = '.kafka_cleanshutdown'
export type Checkpoint = 'recovery-point-offset-checkpoint' | 'replication-offset-checkpoint' | 'log-start-offset-checkpoint'

export type Identity = { brokerId: number; clusterId: string }

/**
 * One directory of log.dirs: its lock, whose it is (meta.properties), the mark of a clean stop, the checkpoints, and whether it still works.
 * A directory that failed once stays offline until the next start: what it holds beyond the last good fsync is not known any more.
 */
export class LogDirectory {
  readonly path: string
  readonly disk: Disk
  readonly #logger: Logger
  #lock: DiskLock | undefined
  #cause: Error | undefined
  readonly #failed = Promise.withResolvers<Error>()
  /** The last text per checkpoint: an unchanged one is not written again. */
  readonly #written = new Map<Checkpoint, string>()
  #writing = Promise.resolve()
  readonly #syncs = new Shared(() => this.#sync())

  constructor({ path, disk, logger }: { path: string; disk: Disk; logger: Logger }) {
    this.path = path
    this.disk = disk
    this.#logger = logger
  }

  /** Locks the directory and checks or writes whose it is. Errors: an Error in words for a directory of another broker or cluster; the disk's own. */
  async open(identity: Identity): Promise<void> {
    if (!this.disk.stat(this.path)) {
      this.disk.makeDirectory(this.path)
      await this.disk.syncDirectory(dirname(this.path))
    }
    this.#lock = this.disk.lock(join(this.path, '.lock'))
    try {
      await this.#identify(identity)
    } catch (error) {
      this.unlock()
      throw error
    }
  }

  async #identify({ brokerId, clusterId }: Identity): Promise<void> {
    const path = join(this.path, 'meta.properties')
    if (!this.disk.stat(path)) {
      const properties = [
        ['version', '0'],
        ['broker.id', String(brokerId)],
        ['cluster.id', clusterId],
      ] as const
      return this.disk.replaceFile(path, Buffer.from(`#\n${formatProperties(properties)}`))
    }
    const found = parseProperties(this.disk.readFile(path).toString('latin1'))
    if (found.get('version') !== '0') throw new Error(`${path} has version ${found.get('version')}; known is 0`)
    for (const [key, wanted] of Object.entries({ 'broker.id': String(brokerId), 'cluster.id': clusterId })) {
      const actual = found.get(key)
      if (actual !== undefined && actual !== wanted) {
        throw new Error(`${path} belongs to ${key} ${actual}, this broker has ${wanted}; set the former, or use another log directory`)
      }
    }
  }

  get isOnline(): boolean {
    return this.#cause === undefined
  }
  /** Resolves with the cause when the directory goes offline. */
  get failed(): Promise<Error> {
    return this.#failed.promise
  }

  /** KAFKA_STORAGE_ERROR once the directory is offline. */
  assertOnline(): void {
    if (this.#cause) throw new KafkaError('KAFKA_STORAGE_ERROR', `log directory ${this.path} is offline`, { cause: this.#cause })
  }

  fail(cause: Error): void {
    if (this.#cause) return
    this.#cause = cause
    this.#logger.error(
      { directory: this.path, err: cause },
      'log directory offline: its partitions answer KAFKA_STORAGE_ERROR until the broker restarts',
    )
    this.#failed.resolve(cause)
  }

  /** Whether the last stop was clean. The mark counts once: it goes when the logs are loaded. */
  get wasStoppedCleanly(): boolean {
    return this.disk.stat(join(this.path, CLEAN_MARK)) !== undefined
  }
  async removeCleanMark(): Promise<void> {
    if (!this.wasStoppedCleanly) return
    this.disk.remove(join(this.path, CLEAN_MARK))
    await this.disk.syncDirectory(this.path)
  }
  async writeCleanMark(): Promise<void> {
    this.disk.open(join(this.path, CLEAN_MARK), 'create').close()
    await this.disk.syncDirectory(this.path)
  }

  /** By partitionKey. A file that cannot be read counts as empty: recovery then begins earlier, and the high watermark at the log's start. */
  readCheckpoint(name: Checkpoint): Map<string, number> {
    const path = join(this.path, name)
    if (!this.disk.stat(path)) return new Map()
    try {
      return new Map(parseOffsets(this.disk.readFile(path)).map((entry) => [partitionKey(entry), entry.offset]))
    } catch (error) {
      this.#logger.warn({ path, err: error }, 'checkpoint unreadable, taken as empty')
      return new Map()
    }
  }

  /** One after the other; a failure takes the directory offline. */
  writeCheckpoint(name: Checkpoint, entries: readonly PartitionOffset[]): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write(name, formatOffsets(entries)))
    return this.#writing
  }

  async #write(name: Checkpoint, bytes: Buffer): Promise<void> {
    const text = bytes.toString('latin1')
    if (!this.isOnline || this.#written.get(name) === text) return
    try {
      await this.disk.replaceFile(join(this.path, name), bytes)
      this.#written.set(name, text)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Names in the directory changed: forces them to the medium; a failure takes the directory offline. */
  sync(): Promise<void> {
    return this.#syncs.run()
  }
  async #sync(): Promise<void> {
    if (!this.isOnline) return
    await this.disk.syncDirectory(this.path).catch((error: Error) => this.fail(error))
  }

  unlock(): void {
    this.#lock?.release()
    this.#lock = undefined
  }
}
