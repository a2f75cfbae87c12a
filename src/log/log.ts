import type { Int64 } from '../protocol/int64.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogConfig } from './log-config.ts'
import type { AppendInfo, AppendOptions, ReadOptions, ReadResult, TimestampedOffset } from './log-types.ts'

export declare class Log {
  readonly topic: string
  readonly partition: number
  readonly epochs: LeaderEpochs
  config: LogConfig
  get directory(): string
  get logStartOffset(): number
  get logEndOffset(): number
  get highWatermark(): number
  get sizeBytes(): number
  get latestEpoch(): number | undefined
  append(records: Buffer, options: AppendOptions): AppendInfo | Promise<AppendInfo>
  read(offset: number, options: ReadOptions): ReadResult | Promise<ReadResult>
  offsetForTimestamp(timestamp: Int64): Promise<TimestampedOffset | undefined>
  setHighWatermark(offset: number): number
  advanceLogStart(offset: number): number
  truncateTo(offset: number): Promise<void>
  truncateFullyAndStartAt(offset: number): Promise<void>
  flush(): Promise<void>
}
