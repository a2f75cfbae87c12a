import type { LogConfig } from '../../log/log-config.ts'
import type { TopicConfig } from './topic-config.ts'

/** A topic's configuration as log/ takes it. */
export const logConfigOf = (topic: TopicConfig): LogConfig => ({
  cleanupPolicy: topic.get('cleanup.policy') as LogConfig['cleanupPolicy'],
  compressionType: topic.get('compression.type') as LogConfig['compressionType'],
  deleteRetentionMs: topic.get('delete.retention.ms'),
  fileDeleteDelayMs: topic.get('file.delete.delay.ms'),
  flushMessages: topic.get('flush.messages'),
  flushMs: topic.get('flush.ms'),
  followerReplicationThrottledReplicas: topic.get('follower.replication.throttled.replicas'),
  indexIntervalBytes: topic.get('index.interval.bytes'),
  leaderReplicationThrottledReplicas: topic.get('leader.replication.throttled.replicas'),
  maxCompactionLagMs: topic.get('max.compaction.lag.ms'),
  maxMessageBytes: topic.get('max.message.bytes'),
  messageDownconversionEnable: topic.get('message.downconversion.enable'),
  messageFormatVersion: topic.get('message.format.version'),
  messageTimestampDifferenceMaxMs: topic.get('message.timestamp.difference.max.ms'),
  messageTimestampType: topic.get('message.timestamp.type') as LogConfig['messageTimestampType'],
  minCleanableDirtyRatio: topic.get('min.cleanable.dirty.ratio'),
  minCompactionLagMs: topic.get('min.compaction.lag.ms'),
  minInsyncReplicas: topic.get('min.insync.replicas'),
  preallocate: topic.get('preallocate'),
  retentionBytes: topic.get('retention.bytes'),
  retentionMs: topic.get('retention.ms'),
  segmentBytes: topic.get('segment.bytes'),
  segmentIndexBytes: topic.get('segment.index.bytes'),
  segmentJitterMs: topic.get('segment.jitter.ms'),
  segmentMs: topic.get('segment.ms'),
  uncleanLeaderElectionEnable: topic.get('unclean.leader.election.enable'),
})
