import { api, array, bool, int16, int32, int64, string, struct } from '../schema.ts'

/** The transaction coordinator lets leaders write commit and abort markers. */
export const writeTxnMarkers = api({
  key: 27,
  name: 'WriteTxnMarkers',
  versions: '0',
  flexible: 'none',
  request: struct({
    markers: array(
      struct({
        producerId: int64({ entityType: 'producerId' }),
        producerEpoch: int16(),
        transactionResult: bool(),
        topics: array(struct({ name: string({ entityType: 'topicName' }), partitionIndexes: array(int32()) })),
        coordinatorEpoch: int32(),
      }),
    ),
  }),
  response: struct({
    markers: array(
      struct({
        producerId: int64({ entityType: 'producerId' }),
        topics: array(
          struct({ name: string({ entityType: 'topicName' }), partitions: array(struct({ partitionIndex: int32(), errorCode: int16() })) }),
        ),
      }),
    ),
  }),
})
