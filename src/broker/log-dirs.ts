import type { LogManager } from '../log/log-manager.ts'
import type { Log } from '../log/log.ts'
import type { LogDirState } from './ports.ts'
import type { PartitionTable } from './partition-table.ts'

export type LogDirsOptions = {
  logs: LogManager
  partitions: Pick<PartitionTable, 'get' | 'offline'>
  /** Tells the controller that a directory failed; it then asks for the replicas of this broker and learns which are lost. */
  report: () => Promise<void>
}

/** DescribeLogDirsResponse.INVALID_OFFSET_LAG: no replica that is served here has this log. */
const UNKNOWN_LAG = -1

/** The log directories of this broker: what is in them, and what follows when one fails. */
export class LogDirs {
  readonly #options: LogDirsOptions
  /** Resolves with the reason when no directory is left: the broker has nothing to serve then. */
  readonly lost: Promise<string>

  constructor(options: LogDirsOptions) {
    this.#options = options
    this.lost = this.#watch()
  }

  all(): LogDirState[] {
    const { directories } = this.#options.logs
    const logs = Map.groupBy(this.#options.logs.logs(), ({ logDir }) => logDir)
    return directories.map(({ path, isOnline }) => ({
      path,
      isOnline,
      replicas: isOnline ? (logs.get(path) ?? []).map((log) => this.#describe(log)) : [],
    }))
  }

  #describe({ topic, partition, sizeBytes, highWatermark, logEndOffset }: Log): LogDirState['replicas'][number] {
    const isServed = this.#options.partitions.get(topic, partition) !== undefined
    return { topic, partition, sizeBytes, offsetLag: isServed ? Math.max(highWatermark - logEndOffset, 0) : UNKNOWN_LAG }
  }

  async #watch(): Promise<string> {
    const { directories } = this.#options.logs
    await Promise.all(directories.map((directory) => this.#watchOne(directory)))
    return `all log directories failed: ${directories.map(({ path }) => path).join(', ')}`
  }

  /** A directory that failed at the start is told by the first answer to the controller; when none is left, the end of the registration tells all. */
  async #watchOne(directory: LogManager['directories'][number]): Promise<void> {
    const { logs, partitions, report } = this.#options
    const wasOnline = directory.isOnline
    await directory.failed
    await partitions.offline(directory.path)
    if (wasOnline && logs.directories.some(({ isOnline }) => isOnline)) void report()
  }
}
