import { api, array, int16, int32, int64, int8, string, struct } from '../schema.ts'

/**
 * Finds the offset of a timestamp in partitions; timestamp -1 is the end, -2 the start.
 * Encoded by hand in Kafka 2.6.
 * - v1 one offset instead of a list; adds timestamp and offset; drops maxNumOffsets and oldStyleOffsets
 * - v2 isolation level; adds isolationLevel and throttleTimeMs
 * - v4 leader epoch (KIP-320); adds currentLeaderEpoch and leaderEpoch
 * - v5 may answer OFFSET_NOT_AVAILABLE
 */
export const listOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: '0-5',
  flexible: 'none',
  request: struct({
    replicaId: int32({ entityType: 'brokerId' }),
    isolationLevel: int8({ versions: '2+' }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            currentLeaderEpoch: int32({ versions: '4+', default: -1, ignorable: true }),
            timestamp: int64(),
            maxNumOffsets: int32({ versions: '0' }),
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
            partitionIndex: int32(),
            errorCode: int16(),
            oldStyleOffsets: array(int64(), { versions: '0' }),
            timestamp: int64({ versions: '1+', default: -1 }),
            offset: int64({ versions: '1+', default: -1 }),
            leaderEpoch: int32({ versions: '4+', default: -1, ignorable: true }),
          }),
        ),
      }),
    ),
  }),
})
