import { INT_MAX, LONG_MAX, atLeast, boolean, className, int, list, long, short, string } from '../key.ts'
import { protocolVersion } from './log.ts'

const clusterWide = { scope: 'cluster-wide' } as const
const noEffect = { support: 'no effect' } as const
const replication = noEffect
/** The value of replica.selector.class that lets consumers read in their own rack (KIP-392). */
export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'

/** What can be set at run time, for one broker, and in no file. Source: DynamicConfig.Broker of 2.6.3. */
export const throttleKeys = {
  'leader.replication.throttled.rate': long(LONG_MAX, 'Bytes per second that a leader sends to throttled replicas.', {
    scope: 'per-broker',
    validator: atLeast(0),
  }),
  'follower.replication.throttled.rate': long(LONG_MAX, 'Bytes per second that a follower fetches for throttled replicas.', {
    scope: 'per-broker',
    validator: atLeast(0),
  }),
  'replica.alter.log.dirs.io.max.bytes.per.second': long(LONG_MAX, 'Bytes per second of moves between directories.', {
    ...noEffect,
    scope: 'per-broker',
    validator: atLeast(0),
  }),
}

/** Identity, topics, replication, controller. */
export const clusterKeys = {
  'broker.id': int('-1', 'The identity of this broker in its cluster; -1 takes a generated one.'),
  'broker.id.generation.enable': boolean('true', 'Whether a broker without an id gets one above reserved.broker.max.id.'),
  'reserved.broker.max.id': int('1000', 'The largest id that a person may choose; generated ones are above.', { validator: atLeast(0) }),
  'broker.rack': string(null, 'The rack or zone of this broker.'),
  'num.partitions': int('1', 'Partitions of a topic that is created without a number.', { validator: atLeast(1) }),
  'default.replication.factor': int('1', 'Replicas of a topic that is created without a number.'),
  'auto.create.topics.enable': boolean('true', 'Whether a topic that a client asks for is created.'),
  'delete.topic.enable': boolean('true', 'Whether topics can be deleted.'),
  'create.topic.policy.class.name': className(null, 'A Java class that allows or refuses new topics.', {
    refusal: 'Java classes cannot be loaded; leave the key out and limit topic creation by ACLs',
  }),
  'alter.config.policy.class.name': className(null, 'A Java class that allows or refuses configuration changes.', {
    refusal: 'Java classes cannot be loaded; leave the key out and limit configuration changes by ACLs',
  }),
  'inter.broker.protocol.version': string('2.6-IV0', 'The release that brokers of one cluster speak with each other; always 2.6 here.', {
    ...noEffect,
    validator: protocolVersion,
  }),
  'controlled.shutdown.enable': boolean('true', 'Whether a stopping broker hands its leaderships over first.'),
  'controlled.shutdown.max.retries': int('3', 'Tries of a controlled shutdown.'),
  'controlled.shutdown.retry.backoff.ms': long('5000', 'Pause between two tries of a controlled shutdown.'),
  'controller.socket.timeout.ms': int('30000', 'How long the controller waits for a broker\u2019s answer.'),
  'auto.leader.rebalance.enable': boolean('true', 'Whether leaderships go back to preferred replicas by themselves.'),
  'leader.imbalance.per.broker.percentage': int('10', 'Share of leaderships away from their preferred broker that starts a rebalance.'),
  'leader.imbalance.check.interval.seconds': long('300', 'How often the balance of leaderships is looked at.'),
  'replica.lag.time.max.ms': long('30000', 'A follower that did not catch up for this long leaves the in-sync set.'),
  'replica.socket.timeout.ms': int('30000', 'How long a follower waits for its leader\u2019s answer.'),
  'replica.socket.receive.buffer.bytes': int('65536', 'Receive buffer of a follower\u2019s socket.', replication),
  'replica.fetch.max.bytes': int('1048576', 'Bytes that a follower asks for per partition.', { validator: atLeast(0) }),
  'replica.fetch.wait.max.ms': int('500', 'How long a leader may hold a follower\u2019s fetch.'),
  'replica.fetch.min.bytes': int('1', 'Bytes that a leader waits for before it answers a follower.'),
  'replica.fetch.response.max.bytes': int('10485760', 'Bytes that a follower asks for per fetch.', { validator: atLeast(0) }),
  'replica.fetch.backoff.ms': int('1000', 'The longest pause of a follower after an error; the first ones are shorter.', {
    validator: atLeast(0),
  }),
  'replica.high.watermark.checkpoint.interval.ms': long('5000', 'How often high watermarks are written to disk.'),
  'replica.selector.class': string(null, 'Picks the replica that a consumer reads from: the leader, or one in the rack of client.rack.', {
    served: [RACK_AWARE_SELECTOR, 'org.apache.kafka.common.replica.LeaderSelector'],
    refusal: `Java classes cannot be loaded; write ${RACK_AWARE_SELECTOR}, or leave the key out: consumers then read from the leader`,
  }),
  'num.replica.fetchers': int('1', 'Connections that a follower keeps to each leader.', clusterWide),
  'quota.producer.default': long(LONG_MAX, 'Deprecated; bytes per second of a producer without a quota of its own.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'quota.consumer.default': long(LONG_MAX, 'Deprecated; bytes per second of a consumer without a quota of its own.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'quota.window.num': int('11', 'Windows over which quotas are measured.', { ...noEffect, validator: atLeast(1) }),
  'quota.window.size.seconds': int('1', 'Length of a window of quotas.', { ...noEffect, validator: atLeast(1) }),
  'replication.quota.window.num': int('11', 'Windows over which replication throttles are measured.', { validator: atLeast(1) }),
  'replication.quota.window.size.seconds': int('1', 'Length of a window of replication throttles.', { validator: atLeast(1) }),
  'alter.log.dirs.replication.quota.window.num': int('11', 'Windows over which moves between directories are measured.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'alter.log.dirs.replication.quota.window.size.seconds': int('1', 'Length of a window of moves between directories.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'client.quota.callback.class': className(null, 'A Java class that computes quotas.', {
    refusal: 'Java classes cannot be loaded; leave the key out',
  }),
  'metric.reporters': list('', 'Java classes that report metrics; ours are on the HTTP listener.', { ...noEffect, ...clusterWide }),
  'metrics.num.samples': int('2', 'Samples of a metric.', { ...noEffect, validator: atLeast(1) }),
  'metrics.sample.window.ms': long('30000', 'Length of a sample of a metric.', { ...noEffect, validator: atLeast(1) }),
  'metrics.recording.level': string('INFO', 'How many metrics are recorded.', noEffect),
  'kafka.metrics.polling.interval.secs': int('10', 'How often Java reporters are called.', { ...noEffect, validator: atLeast(1) }),
  'kafka.metrics.reporters': list('', 'Java classes that report metrics; ours are on the HTTP listener.', noEffect),
}

/** Groups, offsets, transactions. */
export const coordinatorKeys = {
  'group.min.session.timeout.ms': int('6000', 'The shortest session time-out that a member of a group may ask for.'),
  'group.max.session.timeout.ms': int('1800000', 'The longest session time-out that a member of a group may ask for.'),
  'group.initial.rebalance.delay.ms': int('3000', 'How long the first rebalance of an empty group waits for more members.'),
  'group.max.size': int(INT_MAX, 'Members that a group may have.', { validator: atLeast(1) }),
  'offset.metadata.max.bytes': int('4096', 'The longest text that a client may store with an offset.'),
  'offsets.load.buffer.size': int('5242880', 'Bytes read at a time while stored groups are loaded.', { validator: atLeast(1) }),
  'offsets.topic.num.partitions': int('50', 'Partitions of __consumer_offsets; not to be changed later.', { validator: atLeast(1) }),
  'offsets.topic.replication.factor': short('3', 'Replicas of __consumer_offsets.', { validator: atLeast(1) }),
  'offsets.topic.segment.bytes': int('104857600', 'Segment size of __consumer_offsets.', { validator: atLeast(1) }),
  'offsets.topic.compression.codec': int('0', 'Codec of records in __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.'),
  'offsets.retention.minutes': int('10080', 'Offsets of an empty group are kept this long.', { validator: atLeast(1) }),
  'offsets.retention.check.interval.ms': long('600000', 'How often expired offsets are looked for.', { validator: atLeast(1) }),
  'offsets.commit.timeout.ms': int('5000', 'A commit that the replicas did not get within this time fails.', { validator: atLeast(1) }),
  'offsets.commit.required.acks': short('-1', 'Acknowledgements that a commit waits for; anything but -1 can lose commits.', {
    refusal: 'a commit is answered only when every in-sync replica has it; leave the key out',
  }),
  'transactional.id.expiration.ms': int('604800000', 'An unused transactional id is forgotten after this time.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'transaction.max.timeout.ms': int('900000', 'The longest transaction that a producer may ask for.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'transaction.state.log.num.partitions': int('50', 'Partitions of __transaction_state.', { ...noEffect, validator: atLeast(1) }),
  'transaction.state.log.replication.factor': short('3', 'Replicas of __transaction_state.', { ...noEffect, validator: atLeast(1) }),
  'transaction.state.log.segment.bytes': int('104857600', 'Segment size of __transaction_state.', { ...noEffect, validator: atLeast(1) }),
  'transaction.state.log.min.isr': int('2', 'min.insync.replicas of __transaction_state.', { ...noEffect, validator: atLeast(1) }),
  'transaction.state.log.load.buffer.size': int('5242880', 'Bytes read at a time while transactions are loaded.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': int('10000', 'How often overdue transactions are looked for.', {
    ...noEffect,
    validator: atLeast(1),
  }),
  'transaction.remove.expired.transaction.cleanup.interval.ms': int('3600000', 'How often expired transactional ids are looked for.', {
    ...noEffect,
    validator: atLeast(1),
  }),
}
