import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/** Adds partitions to a transaction, before its producer writes to them. */
export const addPartitionsToTxn = api({
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: '0-1',
  flexible: 'none',
  request: struct({
    transactionalId: string({ entityType: 'transactionalId' }),
    producerId: int64({ entityType: 'producerId' }),
    producerEpoch: int16(),
    topics: array(struct({ name: string({ entityType: 'topicName' }), partitions: array(int32()) })),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(
      struct({ name: string({ entityType: 'topicName' }), results: array(struct({ partitionIndex: int32(), errorCode: int16() })) }),
    ),
  }),
})
