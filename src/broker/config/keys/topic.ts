import { LONG_MAX, atLeast, between, boolean, double, int, list, long, oneOf, string } from '../key.ts'
import { protocolVersion } from './log.ts'

const noEffect = { support: 'no effect' } as const

const throttledReplicas = {
  describe: '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  check: (value: unknown) =>
    (value as string[]).every((element) => element === '*' || /^\d+:\d+$/.test(element))
      ? undefined
      : 'must be the literal * or a list of PARTITION:BROKER, such as 0:1,0:2',
}

/** Keys of a topic: what one topic may set. Defaults are Kafka's; a broker's own defaults come from the key named in SYNONYMS. */
export const topicKeys = {
  'cleanup.policy': list('delete', 'delete removes old segments, compact keeps the last record per key; compacted topics are kept whole.', {
    validator: oneOf('compact', 'delete'),
  }),
  'compression.type': string('producer', 'The codec of stored batches; producer keeps what was sent.', {
    validator: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
  }),
  'delete.retention.ms': long('86400000', 'How long compaction keeps a tombstone.', { ...noEffect, validator: atLeast(0) }),
  'file.delete.delay.ms': long('60000', 'A deleted segment stays on disk this long under another name.', { validator: atLeast(0) }),
  'flush.messages': long(LONG_MAX, 'Records between two flushes to disk.', { validator: atLeast(0) }),
  'flush.ms': long(LONG_MAX, 'A record is flushed to disk at latest after this time.', { validator: atLeast(0) }),
  'follower.replication.throttled.replicas': list('', 'Replicas whose fetching is throttled.', { validator: throttledReplicas }),
  'index.interval.bytes': int('4096', 'Bytes of records between two index entries.', { validator: atLeast(0) }),
  'leader.replication.throttled.replicas': list('', 'Replicas whose leader throttles them.', { validator: throttledReplicas }),
  'max.compaction.lag.ms': long(LONG_MAX, 'Records older than this are compacted.', { ...noEffect, validator: atLeast(1) }),
  'max.message.bytes': int('1048588', 'The largest record batch.', { validator: atLeast(0) }),
  'message.downconversion.enable': boolean('true', 'Whether fetches of clients older than 0.11 are served by conversion.'),
  'message.format.version': string(
    '2.6-IV0',
    'The format in which records are stored: magic 2, or an older one for releases before 0.11.',
    {
      validator: protocolVersion,
    },
  ),
  'message.timestamp.difference.max.ms': long(LONG_MAX, 'A record whose CreateTime is further off the broker\u2019s clock is refused.', {
    validator: atLeast(0),
  }),
  'message.timestamp.type': string('CreateTime', 'CreateTime keeps the producer\u2019s timestamps, LogAppendTime sets the broker\u2019s.', {
    validator: oneOf('CreateTime', 'LogAppendTime'),
  }),
  'min.cleanable.dirty.ratio': double('0.5', 'Share of uncompacted bytes from which compaction starts.', {
    ...noEffect,
    validator: between(0, 1),
  }),
  'min.compaction.lag.ms': long('0', 'Records younger than this are not compacted.', { ...noEffect, validator: atLeast(0) }),
  'min.insync.replicas': int('1', 'Replicas that must have a record before acks=all is answered.', { validator: atLeast(1) }),
  preallocate: boolean('false', 'Whether the files of a new segment are allocated at once.', noEffect),
  'retention.bytes': long('-1', 'The oldest segments of a partition beyond this size are deleted; -1: no limit.'),
  'retention.ms': long('604800000', 'Records older than this may be deleted; -1: never.', { validator: atLeast(-1) }),
  'segment.bytes': int('1073741824', 'A segment is closed at this size.', { validator: atLeast(14) }),
  'segment.index.bytes': int('10485760', 'The largest offset index; a full one closes its segment.', { validator: atLeast(0) }),
  'segment.jitter.ms': long('0', 'The most that is taken off segment.ms at random.', { validator: atLeast(0) }),
  'segment.ms': long('604800000', 'A segment is closed at this age.', { validator: atLeast(1) }),
  'unclean.leader.election.enable': boolean('false', 'Whether a replica that lacks records may become leader.'),
}
export type TopicKey = keyof typeof topicKeys

/** The broker key that gives a topic key its default. Source: LogConfig.TopicConfigSynonyms. */
export const SYNONYMS = {
  'cleanup.policy': 'log.cleanup.policy',
  'compression.type': 'compression.type',
  'delete.retention.ms': 'log.cleaner.delete.retention.ms',
  'file.delete.delay.ms': 'log.segment.delete.delay.ms',
  'flush.messages': 'log.flush.interval.messages',
  'flush.ms': 'log.flush.interval.ms',
  'index.interval.bytes': 'log.index.interval.bytes',
  'max.compaction.lag.ms': 'log.cleaner.max.compaction.lag.ms',
  'max.message.bytes': 'message.max.bytes',
  'message.downconversion.enable': 'log.message.downconversion.enable',
  'message.format.version': 'log.message.format.version',
  'message.timestamp.difference.max.ms': 'log.message.timestamp.difference.max.ms',
  'message.timestamp.type': 'log.message.timestamp.type',
  'min.cleanable.dirty.ratio': 'log.cleaner.min.cleanable.ratio',
  'min.compaction.lag.ms': 'log.cleaner.min.compaction.lag.ms',
  'min.insync.replicas': 'min.insync.replicas',
  preallocate: 'log.preallocate',
  'retention.bytes': 'log.retention.bytes',
  'retention.ms': 'log.retention.ms',
  'segment.bytes': 'log.segment.bytes',
  'segment.index.bytes': 'log.index.size.max.bytes',
  'segment.jitter.ms': 'log.roll.jitter.ms',
  'segment.ms': 'log.roll.ms',
  'unclean.leader.election.enable': 'unclean.leader.election.enable',
} as const
