import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { PartitionMap } from '../base/partition-map.ts'
import type { WorkerPool } from '../base/worker-pool.ts'
import { KafkaError } from '../protocol/errors.ts'
import { Checkpoints } from './checkpoints.ts'
import { deletedDirectoryName, directoryName } from './file-names.ts'
import { Flusher } from './flusher.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { loadDirectory } from './load-directory.ts'
import type { LogConfig } from './log-config.ts'
import { LogDirectory } from './log-directory.ts'
import type { LogContext } from './log-context.ts'
import { LogProducers } from './log-producers.ts'
import { Log } from './log.ts'
import { OpenFiles } from './open-files.ts'
import { Repeat } from './repeat.ts'
import { Segments } from './segments.ts'
import { isMediumFailure } from './storage-guard.ts'
import { Trash } from './trash.ts'
import { PageCacheShare } from './warm-writes.ts'

/** Broker keys that concern all logs; names as Kafka's keys without `log.`. Intervals of 2^31 ms and more mean never. */
export type LogManagerConfig = {
  topicDefaults: LogConfig
  retentionCheckIntervalMs: number
  flushSchedulerIntervalMs: number
  flushOffsetCheckpointIntervalMs: number
  flushStartOffsetCheckpointIntervalMs: number
  highWatermarkCheckpointIntervalMs: number
  /** transactional.id.expiration.ms */
  producerExpirationMs: number
  /** num.recovery.threads.per.data.dir: logs that are loaded at a time. */
  recoveryThreadsPerDataDir: number
  /** Descriptors that logs hold at most. */
  maxOpenFiles: number
  /** Of the last bytes written, so many are taken to be in the page cache: reading them is done at once. */
  warmBytes: number
  /** Synchronous appends only while fewer bytes than this wait for the medium. */
  dirtyBudgetBytes: number
}

/** Kafka's defaults, and two bounds of our own. */
export const defaultLogManagerConfig: Omit<LogManagerConfig, 'topicDefaults'> = {
  retentionCheckIntervalMs: 300_000,
  flushSchedulerIntervalMs: 2 ** 63,
  flushOffsetCheckpointIntervalMs: 60_000,
  flushStartOffsetCheckpointIntervalMs: 60_000,
  highWatermarkCheckpointIntervalMs: 5000,
  producerExpirationMs: 604_800_000,
  recoveryThreadsPerDataDir: 1,
  maxOpenFiles: 2000,
  dirtyBudgetBytes: 1 << 30,
  warmBytes: 64 << 20,
}

export type LogManagerOptions = {
  disk: Disk
  logDirs: readonly string[]
  config: LogManagerConfig
  /** By topic; others have the defaults until getOrCreate. */
  topicConfigs?: ReadonlyMap<string, LogConfig>
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  brokerId: number
  clusterId: string
  /** Threads for recovery and for records that must be decompressed; without it that happens on this thread. Not closed here. */
  pool?: WorkerPool
  random?: () => number
}

const INITIAL_DELAY_MS = 30_000
/** Kafka's LogManager.ProducerIdExpirationCheckIntervalMs. */
const PRODUCER_EXPIRATION_CHECK_MS = 600_000

/**
 * All logs of a broker: opens the directories and loads what is in them, creates and deletes partitions, and does at intervals what Kafka's LogManager
 * does: retention, flush.ms, checkpoints. It owns the directories' locks until close. A partition lives in the directory that had the fewest when it was made.
 */
export class LogManager {
  readonly directories: readonly LogDirectory[]
  readonly flusher: Flusher
  readonly #options: LogManagerOptions
  readonly #contexts: ReadonlyMap<LogDirectory, LogContext>
  readonly #trash: Trash
  readonly #files: OpenFiles
  readonly #logs = new PartitionMap<Log>()
  readonly #checkpoints: Checkpoints
  #repeats: Repeat[] = []

  private constructor(options: LogManagerOptions) {
    const { disk, clocks, logger, config } = options
    this.#options = options
    this.#files = new OpenFiles(disk, config.maxOpenFiles)
    this.flusher = new Flusher({ budgetBytes: config.dirtyBudgetBytes, logger })
    this.#trash = new Trash({ disk, clock: clocks.monotonic, logger })
    this.directories = options.logDirs.map((path) => new LogDirectory({ path, disk, logger }))
    const { producerExpirationMs } = config
    const pageCache = new PageCacheShare(config.warmBytes)
    const shared = { files: this.#files, flusher: this.flusher, trash: this.#trash, pageCache, clocks, logger, producerExpirationMs }
    const random = options.random ?? Math.random
    this.#contexts = new Map(this.directories.map((store) => [store, { ...shared, store, random, pool: options.pool }]))
    this.#checkpoints = new Checkpoints(this.directories, () => this.logs())
  }

  /**
   * Locks and loads all directories. Errors: an Error in words where a directory belongs to another broker or cluster, is in use (EBUSY), or holds a
   * partition twice; the disk's own where no directory is left. A directory that fails while others work is offline.
   */
  static async open(options: LogManagerOptions): Promise<LogManager> {
    const manager = new LogManager(options)
    try {
      for (const store of manager.directories) await manager.#openDirectory(store)
      if (!manager.directories.some((store) => store.isOnline)) throw await manager.#noneLeft()
    } catch (error) {
      for (const store of manager.directories) store.unlock()
      throw error
    }
    manager.#startRepeats()
    return manager
  }

  async #openDirectory(store: LogDirectory): Promise<void> {
    const { brokerId, clusterId, config, topicConfigs } = this.#options
    const configOf = (topic: string): LogConfig => topicConfigs?.get(topic) ?? config.topicDefaults
    try {
      await store.open({ brokerId, clusterId })
      const threads = config.recoveryThreadsPerDataDir
      for (const log of await loadDirectory(store, this.#contexts.get(store)!, { configOf, threads })) this.#add(log)
      await store.removeCleanMark()
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined || code === 'EBUSY') throw error
      store.fail(error as Error)
    }
  }

  async #noneLeft(): Promise<Error> {
    const causes = await Promise.all(this.directories.map(async ({ path, failed }) => `${path}: ${(await failed).message}`))
    return new Error(`no log directory works: ${causes.join('; ')}`)
  }

  #add(log: Log): void {
    const twin = this.get(log.topic, log.partition)
    if (twin) {
      throw new Error(
        `${log.topic}-${log.partition} is in ${twin.directory} and in ${log.directory}: delete the one that is in the way, usually that of the directory that failed last`,
      )
    }
    this.#logs.set(log.topic, log.partition, log)
  }

  get(topic: string, partition: number): Log | undefined {
    return this.#logs.get(topic, partition)
  }

  logs(): Generator<Log, void, undefined> {
    return this.#logs.values()
  }

  /** Descriptors that are open now. */
  get openFiles(): number {
    return this.#files.size
  }

  /**
   * The partition's log, which takes `config`. Where there is none it is made; unless `isNew`, not while a directory is offline that might hold it:
   * KAFKA_STORAGE_ERROR.
   */
  getOrCreate(topic: string, partition: number, config: LogConfig, isNew: boolean): Log {
    const found = this.get(topic, partition)
    if (found) {
      found.config = config
      return found
    }
    const online = this.directories.filter((store) => store.isOnline)
    if (online.length === 0 || (!isNew && online.length < this.directories.length)) {
      throw new KafkaError('KAFKA_STORAGE_ERROR', `no log for ${topic}-${partition}: a log directory is offline`)
    }
    const log = this.#createInOneOf(online, topic, partition, config)
    this.#add(log)
    return log
  }

  #createInOneOf(online: readonly LogDirectory[], topic: string, partition: number, config: LogConfig): Log {
    const store = this.#emptiest(online)
    try {
      return this.#create(topic, partition, config, store)
    } catch (cause) {
      if (isMediumFailure(cause)) store.fail(cause as Error)
      const left = online.filter(({ isOnline }) => isOnline)
      if (!store.isOnline && left.length > 0) return this.#createInOneOf(left, topic, partition, config)
      throw new KafkaError('KAFKA_STORAGE_ERROR', `no log for ${topic}-${partition}: ${(cause as Error).message}`, { cause })
    }
  }

  #emptiest(stores: readonly LogDirectory[]): LogDirectory {
    if (stores.length === 1) return stores[0]!
    const counts = new Map<string, number>()
    for (const log of this.logs()) counts.set(log.logDir, (counts.get(log.logDir) ?? 0) + 1)
    return stores.reduce((best, store) => ((counts.get(store.path) ?? 0) < (counts.get(best.path) ?? 0) ? store : best))
  }

  #create(topic: string, partition: number, config: LogConfig, store: LogDirectory): Log {
    const context = this.#contexts.get(store)!
    const directory = { path: join(store.path, directoryName(topic, partition)) }
    const segments = new Segments(directory, [], context)
    try {
      this.#options.disk.makeDirectory(directory.path)
      segments.add(0)
    } catch (cause) {
      this.#trash.removeLater([directory.path], 0)
      throw cause
    }
    void store.sync()
    const offsets = { logStartOffset: 0, logEndOffset: 0, highWatermark: 0, recoveryPoint: 0 }
    const producers = new LogProducers({ name: `${topic}-${partition}`, directory, context })
    return new Log({ topic, partition, config, segments, epochs: new LeaderEpochs(), producers, ...offsets }, context)
  }

  /** The directory gets another name now and is removed after file.delete.delay.ms. Resolves when neither a crash nor a checkpoint can bring the partition back. */
  async delete(topic: string, partition: number): Promise<void> {
    const log = this.get(topic, partition)
    if (!log) return
    const path = join(log.logDir, deletedDirectoryName(topic, partition, randomBytes(16).toString('hex')))
    log.markDeleted(path)
    this.#logs.delete(topic, partition)
    this.#trash.removeLater([path], log.config.fileDeleteDelayMs)
    await this.directories.find((store) => store.path === log.logDir)!.sync()
    await this.#checkpoints.writeAll()
  }

  updateConfig(topic: string, config: LogConfig): void {
    for (const log of this.#logs.valuesOf(topic)) log.config = config
  }

  /** retention.ms, retention.bytes and deleted records, on all logs. Gives the number of segments. */
  async deleteOldSegments(): Promise<number> {
    let deleted = 0
    for (const log of this.logs()) {
      try {
        deleted += log.deleteOldSegments()
      } catch (error) {
        this.#options.logger.warn({ topic: log.topic, partition: log.partition, err: error }, 'retention failed')
      }
      await this.#breathe()
    }
    return deleted
  }

  #breathedMs = 0
  /** Lets the event loop go round after some milliseconds of work. */
  async #breathe(): Promise<void> {
    const { monotonic } = this.#options.clocks
    if (monotonic.nowMs() - this.#breathedMs < 5) return
    await monotonic.sleep(0)
    this.#breathedMs = monotonic.nowMs()
  }

  #startRepeats(): void {
    const { config, clocks } = this.#options
    const repeat = (intervalMs: number, work: () => Promise<unknown>, delayMs = intervalMs) =>
      new Repeat(clocks.monotonic, { intervalMs, delayMs }, () => this.#quietly(work))
    this.#repeats = [
      repeat(config.retentionCheckIntervalMs, () => this.deleteOldSegments(), Math.min(INITIAL_DELAY_MS, config.retentionCheckIntervalMs)),
      repeat(config.flushSchedulerIntervalMs, async () => {
        for (const log of this.logs()) log.flushIfDue()
      }),
      repeat(config.highWatermarkCheckpointIntervalMs, () => this.#checkpoints.writeHighWatermarks()),
      repeat(config.flushStartOffsetCheckpointIntervalMs, () => this.#checkpoints.writeStartOffsets()),
      repeat(config.flushOffsetCheckpointIntervalMs, () => this.checkpointRecoveryPoints()),
      repeat(PRODUCER_EXPIRATION_CHECK_MS, async () => {
        for (const log of this.logs()) log.producers.expire()
      }),
    ]
  }

  async #quietly(work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#options.logger.error({ err: error }, 'log maintenance failed')
    }
  }

  /** Flushes what waits for the medium, so that a recovery has little to look at, and writes down how far that is. */
  async checkpointRecoveryPoints(): Promise<void> {
    for (const log of this.logs()) if (log.recoveryPoint < log.logEndOffset) this.flusher.request(log)
    await this.flusher.idle()
    const recoveryPoints = [...this.logs()].map((log) => ({ log, recoveryPoint: log.recoveryPoint }))
    await this.#checkpoints.writeRecoveryPoints()
    for (const { log, recoveryPoint } of recoveryPoints) log.forgetSnapshots(recoveryPoint)
  }

  writeHighWatermarks(): Promise<void> {
    return this.#checkpoints.writeHighWatermarks()
  }

  /** Flushes, writes all checkpoints, marks each directory clean that works, and lets the locks go. Appends must have ended. */
  async close(): Promise<void> {
    await Promise.all(this.#repeats.map((each) => each.stop()))
    await this.flusher.idle()
    const failed = new Set<string>()
    const queue = this.logs()
    const closeSome = async (): Promise<void> => {
      for (const log of queue) await log.close().catch(() => void failed.add(log.logDir))
    }
    await Promise.all(Array.from({ length: 4 }, closeSome))
    await this.#checkpoints.writeAll()
    for (const store of this.directories) {
      if (store.isOnline && !failed.has(store.path)) await store.writeCleanMark().catch((error: Error) => store.fail(error))
      store.unlock()
    }
    await this.#trash.close()
  }
}
