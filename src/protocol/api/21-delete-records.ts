import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Deletes records before an offset: moves the start of the log; offset -1 is the high watermark.
 * - v2 flexible
 */
export const deleteRecords = api({
  key: 21,
  name: 'DeleteRecords',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    topics: array(
      struct({ name: string({ entityType: 'topicName' }), partitions: array(struct({ partitionIndex: int32(), offset: int64() })) }),
    ),
    timeoutMs: int32(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(struct({ partitionIndex: int32(), lowWatermark: int64(), errorCode: int16() })),
      }),
    ),
  }),
})
