import { api, array, bool, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Reads the offsets that a group has stored.
 * - v0 from ZooKeeper
 * - v1 from __consumer_offsets
 * - v2 null topics means all; adds errorCode
 * - v3 adds throttleTimeMs
 * - v5 adds committedLeaderEpoch
 * - v6 flexible
 * - v7 waits for open transactions (KIP-447); adds requireStable
 */
export const offsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: '0-7',
  flexible: '6+',
  request: struct({
    groupId: string({ entityType: 'groupId' }),
    topics: array(struct({ name: string({ entityType: 'topicName' }), partitionIndexes: array(int32()) }), { nullable: '2+' }),
    requireStable: bool({ versions: '7+' }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '5+', default: -1, ignorable: true }),
            metadata: string({ nullable: '0+' }),
            errorCode: int16(),
          }),
        ),
      }),
    ),
    errorCode: int16({ versions: '2+', ignorable: true }),
  }),
})
