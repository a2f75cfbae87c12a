import { api, int16, int32, int64, string, struct } from '../schema.ts'

/** Adds the offsets of a group to a transaction, before TxnOffsetCommit. */
export const addOffsetsToTxn = api({
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: '0-1',
  flexible: 'none',
  request: struct({
    transactionalId: string({ entityType: 'transactionalId' }),
    producerId: int64({ entityType: 'producerId' }),
    producerEpoch: int16(),
    groupId: string({ entityType: 'groupId' }),
  }),
  response: struct({ throttleTimeMs: int32(), errorCode: int16() }),
})
