import { LONG_MAX, atLeast, boolean, double, int, list, long, oneOf, string } from '../key.ts'

const clusterWide = { scope: 'cluster-wide' } as const
const noEffect = { support: 'no effect' } as const
const cleaner = { ...noEffect, ...clusterWide } as const

/** Every release that message formats and inter-broker protocols can name, oldest first. Source: ApiVersion.scala of 2.6. */
const PROTOCOL_VERSIONS = [
  '0.8.0', '0.8.1', '0.8.2', '0.9.0', '0.10.0-IV0', '0.10.0-IV1', '0.10.1-IV0', '0.10.1-IV1', '0.10.1-IV2', '0.10.2-IV0',
  '0.11.0-IV0', '0.11.0-IV1', '0.11.0-IV2', '1.0-IV0', '1.1-IV0', '2.0-IV0', '2.0-IV1', '2.1-IV0', '2.1-IV1', '2.1-IV2',
  '2.2-IV0', '2.2-IV1', '2.3-IV0', '2.3-IV1', '2.4-IV0', '2.4-IV1', '2.5-IV0', '2.6-IV0',
] as const // prettier-ignore
/** A version may be cut to its release: 2.6, 2.6.3 or 0.10.2 name the newest of that line. */
export const protocolVersion = {
  describe: `[${PROTOCOL_VERSIONS.join(', ')}]`,
  check: (value: unknown) =>
    PROTOCOL_VERSIONS.some((version) => String(value) === version || `${String(value)}.`.startsWith(`${version.replace(/-IV\d+$/, '')}.`))
      ? undefined
      : `must be a version of Kafka up to 2.6, such as 2.6 or ${PROTOCOL_VERSIONS.at(-1)}`,
}

/** Where and how records are kept; the defaults of topics. */
export const logKeys = {
  'log.dirs': string(null, 'Comma-separated directories for partitions; log.dir when absent.'),
  'log.dir': string('/tmp/kafka-logs', 'The directory for partitions where log.dirs is absent.'),
  'log.segment.bytes': int('1073741824', 'A segment is closed at this size; default of segment.bytes.', {
    ...clusterWide,
    validator: atLeast(14),
  }),
  'log.roll.ms': long(null, 'A segment is closed at this age; default of segment.ms. log.roll.hours when absent.', clusterWide),
  'log.roll.hours': int('168', 'A segment is closed at this age where log.roll.ms is absent.', { validator: atLeast(1) }),
  'log.roll.jitter.ms': long(null, 'The most that is taken off the age at random, so that segments do not all close at once.', clusterWide),
  'log.roll.jitter.hours': int('0', 'log.roll.jitter.ms in hours, where that is absent.', { validator: atLeast(0) }),
  'log.retention.ms': long(null, 'Records older than this may be deleted; default of retention.ms. -1: never.', clusterWide),
  'log.retention.minutes': int(null, 'log.retention.ms in minutes, where that is absent.'),
  'log.retention.hours': int('168', 'log.retention.ms in hours, where it and log.retention.minutes are absent.'),
  'log.retention.bytes': long('-1', 'The oldest segments of a partition beyond this size are deleted; -1: no limit.', clusterWide),
  'log.retention.check.interval.ms': long('300000', 'How often retention looks for segments to delete.', { validator: atLeast(1) }),
  'log.cleanup.policy': list('delete', 'delete, compact or both; default of cleanup.policy. Compacted topics are kept whole.', {
    ...clusterWide,
    validator: oneOf('compact', 'delete'),
  }),
  'log.segment.delete.delay.ms': long('60000', 'A deleted segment stays on disk this long under another name.', {
    ...clusterWide,
    validator: atLeast(0),
  }),
  'log.index.size.max.bytes': int('10485760', 'The largest offset index; a full one closes its segment.', {
    ...clusterWide,
    validator: atLeast(4),
  }),
  'log.index.interval.bytes': int('4096', 'Bytes of records between two index entries.', { ...clusterWide, validator: atLeast(0) }),
  'log.flush.interval.messages': long(LONG_MAX, 'Records of a partition between two flushes to disk.', {
    ...clusterWide,
    validator: atLeast(1),
  }),
  'log.flush.interval.ms': long(
    null,
    'A record is flushed to disk at latest after this time; log.flush.scheduler.interval.ms when absent.',
    clusterWide,
  ),
  'log.flush.scheduler.interval.ms': long(LONG_MAX, 'How often logs are checked for records due to be flushed.'),
  'log.flush.offset.checkpoint.interval.ms': int('60000', 'How often recovery points are written.', { validator: atLeast(0) }),
  'log.flush.start.offset.checkpoint.interval.ms': int('60000', 'How often log start offsets are written.', { validator: atLeast(0) }),
  'log.preallocate': boolean('false', 'Whether the files of a new segment are allocated at once.', { ...noEffect, ...clusterWide }),
  'log.message.format.version': string(
    '2.6-IV0',
    'The format in which records are stored: magic 2, or an older one for releases before 0.11.',
    { validator: protocolVersion },
  ),
  'log.message.timestamp.type': string(
    'CreateTime',
    'CreateTime keeps the producer\u2019s timestamps, LogAppendTime sets the broker\u2019s.',
    {
      ...clusterWide,
      validator: oneOf('CreateTime', 'LogAppendTime'),
    },
  ),
  'log.message.timestamp.difference.max.ms': long(
    LONG_MAX,
    'A record whose CreateTime is further off the broker\u2019s clock is refused.',
    clusterWide,
  ),
  'log.message.downconversion.enable': boolean('true', 'Whether fetches of clients older than 0.11 are served by conversion.', clusterWide),
  'compression.type': string('producer', 'The codec of stored batches; producer keeps what was sent.', clusterWide),
  'message.max.bytes': int('1048588', 'The largest record batch.', { ...clusterWide, validator: atLeast(0) }),
  'min.insync.replicas': int('1', 'Replicas that must have a record before acks=all is answered.', {
    ...clusterWide,
    validator: atLeast(1),
  }),
  'unclean.leader.election.enable': boolean('false', 'Whether a replica that lacks records may become leader.', clusterWide),
  'num.recovery.threads.per.data.dir': int('1', 'Segments recovered at a time, per directory.', { ...clusterWide, validator: atLeast(1) }),
  'num.replica.alter.log.dirs.threads': int(null, 'Threads that move replicas between directories.', noEffect),
  'log.cleaner.enable': boolean('true', 'Whether compaction runs; it does not exist yet.', noEffect),
  'log.cleaner.threads': int('1', 'Threads of compaction.', { ...cleaner, validator: atLeast(0) }),
  'log.cleaner.io.max.bytes.per.second': double('1.7976931348623157E308', 'Bytes that compaction reads and writes per second.', cleaner),
  'log.cleaner.dedupe.buffer.size': long('134217728', 'Memory of compaction.', cleaner),
  'log.cleaner.io.buffer.size': int('524288', 'Buffers of compaction.', { ...cleaner, validator: atLeast(0) }),
  'log.cleaner.io.buffer.load.factor': double('0.9', 'How full compaction\u2019s table may be.', cleaner),
  'log.cleaner.backoff.ms': long('15000', 'Pause of compaction without work.', { ...cleaner, validator: atLeast(0) }),
  'log.cleaner.min.cleanable.ratio': double('0.5', 'Share of uncompacted bytes from which compaction starts.', cleaner),
  'log.cleaner.delete.retention.ms': long('86400000', 'How long compaction keeps a tombstone.', cleaner),
  'log.cleaner.min.compaction.lag.ms': long('0', 'Records younger than this are not compacted.', cleaner),
  'log.cleaner.max.compaction.lag.ms': long(LONG_MAX, 'Records older than this are compacted.', cleaner),
}
