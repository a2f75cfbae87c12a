import type { LogConfig } from '../../log/log-config.ts'
import type { LogManagerConfig } from '../../log/log-manager.ts'
import type { BrokerConfig } from './broker-config.ts'

/** Descriptors of log files at a time, whatever the number of partitions. */
const MAX_OPEN_FILES = 2000

/** The broker's keys that concern all logs, as log/ takes them. */
export const logManagerConfigOf = (config: BrokerConfig, topicDefaults: LogConfig): LogManagerConfig => ({
  topicDefaults,
  retentionCheckIntervalMs: config.get('log.retention.check.interval.ms'),
  flushSchedulerIntervalMs: config.get('log.flush.scheduler.interval.ms'),
  flushOffsetCheckpointIntervalMs: config.get('log.flush.offset.checkpoint.interval.ms'),
  flushStartOffsetCheckpointIntervalMs: config.get('log.flush.start.offset.checkpoint.interval.ms'),
  highWatermarkCheckpointIntervalMs: config.get('replica.high.watermark.checkpoint.interval.ms'),
  producerExpirationMs: config.get('transactional.id.expiration.ms'),
  maxOpenFiles: MAX_OPEN_FILES,
  recoveryThreadsPerDataDir: config.get('num.recovery.threads.per.data.dir'),
  dirtyBudgetBytes: config.get('sofakafka.dirty.max.bytes'),
})
