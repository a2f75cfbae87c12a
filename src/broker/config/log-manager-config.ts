import type { LogConfig } from '../../log/log-config.ts'
import type { LogManagerConfig } from '../../log/log-manager.ts'
import type { BrokerConfig } from './broker-config.ts'

/** Descriptors of log files at a time, whatever the number of partitions. */
const MAX_OPEN_FILES = 2000

/** The last bytes written of which nobody doubts that the system still has them, as a part of the memory. */
const WARM_PART = 4

/** The broker's keys that concern all logs, as log/ takes them. `memoryBytes`: what this process and its page cache may use. */
export const logManagerConfigOf = (config: BrokerConfig, topicDefaults: LogConfig, memoryBytes: number): LogManagerConfig => ({
  topicDefaults,
  retentionCheckIntervalMs: config.get('log.retention.check.interval.ms'),
  flushSchedulerIntervalMs: config.get('log.flush.scheduler.interval.ms'),
  flushOffsetCheckpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
  flushStartOffsetCheckpointIntervalMs: config.get('log.flush.start.offset.checkpoint.interval.ms'),
  highWatermarkCheckpointIntervalMs: config.get('replica.high.watermark.checkpoint.interval.ms'),
  producerExpirationMs: config.get('transactional.id.expiration.ms'),
  maxOpenFiles: MAX_OPEN_FILES,
  warmBytes: Math.floor(memoryBytes / WARM_PART),
  recoveryThreadsPerDataDir: config.get('num.recovery.threads.per.data.dir'),
  dirtyBudgetBytes: config.get('sofakafka.dirty.max.bytes'),
})
