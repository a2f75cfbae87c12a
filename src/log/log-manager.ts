import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import type { LogConfig } from './log-config.ts'
import type { Log } from './log.ts'

/** Broker keys that concern all logs; names as Kafka's keys without `log.`. */
export type LogManagerConfig = {
  topicDefaults: LogConfig
  retentionCheckIntervalMs: number
  flushSchedulerIntervalMs: number
  flushOffsetCheckpointIntervalMs: number
  flushStartOffsetCheckpointIntervalMs: number
  highWatermarkCheckpointIntervalMs: number
  /** Descriptors that logs hold at most. */
  maxOpenFiles: number
  /** Synchronous appends only while fewer bytes than this wait for the medium. */
  dirtyBudgetBytes: number
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
}

export declare class LogManager {
  static open(options: LogManagerOptions): Promise<LogManager>
  getOrCreate(topic: string, partition: number, config: LogConfig, isNew: boolean): Log
  get(topic: string, partition: number): Log | undefined
  logs(): Iterable<Log>
  delete(topic: string, partition: number): Promise<void>
  updateConfig(topic: string, config: LogConfig): void
  close(): Promise<void>
}
