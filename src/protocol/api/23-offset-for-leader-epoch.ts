import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Tells the end offset of a leader epoch, so that a replica or consumer sees where its log diverges.
 * Encoded by hand in Kafka 2.6.
 * - v1 the epoch that was found (KIP-279); adds leaderEpoch
 * - v2 fencing (KIP-320); adds currentLeaderEpoch and throttleTimeMs
 * - v3 adds replicaId
 */
export const offsetForLeaderEpoch = api({
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: '0-3',
  flexible: 'none',
  request: struct({
    replicaId: int32({ versions: '3+', default: -2, ignorable: true }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
            leaderEpoch: int32(),
          }),
        ),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderEpoch: int32({ versions: '1+', default: -1, ignorable: true }),
            endOffset: int64(),
          }),
        ),
      }),
    ),
  }),
})
