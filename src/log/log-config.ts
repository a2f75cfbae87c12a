/**
 * The settings of one topic, parsed: every topic key of Kafka 2.6 in camel case. Times in ms, sizes in bytes; -1 is "no limit" where Kafka says so.
 * Values up to 2^63 - 1 are numbers here: they are only compared. Parsing and printing belong to the table of the broker's keys.
 * Source: kafka.log.LogConfig of 2.6.3; a test compares names and defaults.
 */
export type LogConfig = {
  cleanupPolicy: readonly ('delete' | 'compact')[]
  compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  deleteRetentionMs: number
  fileDeleteDelayMs: number
  flushMessages: number
  flushMs: number
  followerReplicationThrottledReplicas: readonly string[]
  indexIntervalBytes: number
  leaderReplicationThrottledReplicas: readonly string[]
  maxCompactionLagMs: number
  maxMessageBytes: number
  messageDownconversionEnable: boolean
  /** A version as Kafka prints it: '2.6-IV0'. */
  messageFormatVersion: string
  messageTimestampDifferenceMaxMs: number
  messageTimestampType: 'CreateTime' | 'LogAppendTime'
  minCleanableDirtyRatio: number
  minCompactionLagMs: number
  minInsyncReplicas: number
  /** Accepted without effect: files grow as they are written. */
  preallocate: boolean
  retentionBytes: number
  retentionMs: number
  segmentBytes: number
  segmentIndexBytes: number
  segmentJitterMs: number
  segmentMs: number
  uncleanLeaderElectionEnable: boolean
}

/** Long.MAX_VALUE, Kafka's "never". */
const NEVER = 2 ** 63

export const defaultLogConfig: LogConfig = {
  cleanupPolicy: ['delete'],
  compressionType: 'producer',
  deleteRetentionMs: 86_400_000,
  fileDeleteDelayMs: 60_000,
  flushMessages: NEVER,
  flushMs: NEVER,
  followerReplicationThrottledReplicas: [],
  indexIntervalBytes: 4096,
  leaderReplicationThrottledReplicas: [],
  maxCompactionLagMs: NEVER,
  maxMessageBytes: 1_048_588,
  messageDownconversionEnable: true,
  messageFormatVersion: '2.6-IV0',
  messageTimestampDifferenceMaxMs: NEVER,
  messageTimestampType: 'CreateTime',
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  minInsyncReplicas: 1,
  preallocate: false,
  retentionBytes: -1,
  retentionMs: 604_800_000,
  segmentBytes: 1_073_741_824,
  segmentIndexBytes: 10_485_760,
  segmentJitterMs: 0,
  segmentMs: 604_800_000,
  uncleanLeaderElectionEnable: false,
}

export const isCompacted = (config: LogConfig): boolean => config.cleanupPolicy.includes('compact')
/** A compacted topic is kept whole until compaction exists, unless its policy says delete too. */
export const deletesOld = (config: LogConfig): boolean => config.cleanupPolicy.includes('delete')
/** When a segment is rolled by age; compaction needs closed segments in time. */
export const maxSegmentMs = (config: LogConfig): number =>
  isCompacted(config) && config.maxCompactionLagMs > 0 ? Math.min(config.maxCompactionLagMs, config.segmentMs) : config.segmentMs

/** By how much a segment is rolled earlier than segment.ms says, so that not all partitions roll at once. `random` gives 0 <= x < 1. */
export const segmentJitterMs = (config: LogConfig, random: () => number): number => {
  const maxMs = Math.min(config.segmentJitterMs, config.segmentMs)
  return maxMs > 0 ? Math.floor(random() * maxMs) : 0
}
