import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Stores the offsets that a group has consumed up to.
 * - v1 group membership; adds generationId, memberId and commitTimestamp
 * - v2 retention by the request; adds retentionTimeMs; drops commitTimestamp
 * - v3 adds throttleTimeMs
 * - v5 retention by the broker only; drops retentionTimeMs
 * - v6 leader epoch (KIP-320); adds committedLeaderEpoch
 * - v7 static members (KIP-345); adds groupInstanceId
 * - v8 flexible
 */
export const offsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: '0-8',
  flexible: '8+',
  request: struct({
    groupId: string({ entityType: 'groupId' }),
    generationId: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string({ versions: '1+', ignorable: true }),
    groupInstanceId: string({ versions: '7+', nullable: '7+', default: null }),
    retentionTimeMs: int64({ versions: '2-4', default: -1, ignorable: true }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '6+', default: -1, ignorable: true }),
            commitTimestamp: int64({ versions: '1', default: -1 }),
            committedMetadata: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    topics: array(
      struct({ name: string({ entityType: 'topicName' }), partitions: array(struct({ partitionIndex: int32(), errorCode: int16() })) }),
    ),
  }),
})
