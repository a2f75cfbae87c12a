import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Stores offsets of a group as part of a transaction.
 * - v2 leader epoch (KIP-320); adds committedLeaderEpoch
 * - v3 group membership (KIP-447); flexible; adds generationId, memberId and groupInstanceId
 */
export const txnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: '0-3',
  flexible: '3+',
  request: struct({
    transactionalId: string(),
    groupId: string({ entityType: 'groupId' }),
    producerId: int64({ entityType: 'producerId' }),
    producerEpoch: int16(),
    generationId: int32({ versions: '3+', default: -1 }),
    memberId: string({ versions: '3+' }),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ versions: '2+', default: -1, ignorable: true }),
            committedMetadata: string({ nullable: '0+' }),
          }),
        ),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: int32(),
    topics: array(
      struct({ name: string({ entityType: 'topicName' }), partitions: array(struct({ partitionIndex: int32(), errorCode: int16() })) }),
    ),
  }),
})
