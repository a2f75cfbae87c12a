import { api, array, int16, int32, int64, int8, records, string, struct } from '../schema.ts'

/**
 * Reads record batches from partitions, for consumers and followers, waiting until minBytes are there or maxWait (ms) is over.
 * Encoded by hand in Kafka 2.6.
 * - v1 adds throttleTimeMs
 * - v2 message format v1
 * - v3 partitions are served in the order of the request; adds maxBytes
 * - v4 message format v2, isolation level, aborted transactions; adds isolationLevel, lastStableOffset and aborted
 * - v5 adds logStartOffset
 * - v6 may answer KAFKA_STORAGE_ERROR
 * - v7 sessions (KIP-227); adds sessionId, epoch, forgotten and errorCode
 * - v9 fencing by leader epoch (KIP-320); adds currentLeaderEpoch
 * - v10 zstd (KIP-110)
 * - v11 reading from the nearest replica (KIP-392); adds rackId and preferredReadReplica
 */
export const fetch = api({
  key: 1,
  name: 'Fetch',
  versions: '0-11',
  flexible: 'none',
  request: struct({
    replicaId: int32(),
    maxWait: int32(),
    minBytes: int32(),
    maxBytes: int32({ versions: '3+', default: 0x7fffffff, ignorable: true }),
    isolationLevel: int8({ versions: '4+' }),
    sessionId: int32({ versions: '7+' }),
    epoch: int32({ versions: '7+', default: -1 }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        fetchPartitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ versions: '9+', default: -1, ignorable: true }),
            fetchOffset: int64(),
            logStartOffset: int64({ versions: '5+', default: -1 }),
            maxBytes: int32(),
          }),
        ),
      }),
    ),
    forgotten: array(struct({ name: string({ entityType: 'topicName' }), forgottenPartitionIndexes: array(int32()) }), { versions: '7+' }),
    rackId: string({ versions: '11+', ignorable: true }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16({ versions: '7+' }),
    sessionId: int32({ versions: '7+' }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            highWatermark: int64(),
            lastStableOffset: int64({ versions: '4+', default: -1, ignorable: true }),
            logStartOffset: int64({ versions: '5+', default: -1, ignorable: true }),
            aborted: array(struct({ producerId: int64({ entityType: 'producerId' }), firstOffset: int64() }), {
              versions: '4+',
              nullable: '4+',
              default: null,
              ignorable: true,
            }),
            preferredReadReplica: int32({ versions: '11+', default: -1, ignorable: true }),
            records: records(),
          }),
        ),
      }),
    ),
  }),
})
