import { api, array, bool, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Describes the log directories of a broker and the sizes of the replicas in them.
 * - v2 flexible
 */
export const describeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    topics: array(struct({ topic: string({ entityType: 'topicName' }), partitionIndex: array(int32()) }), { nullable: '0+' }),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(
      struct({
        errorCode: int16(),
        logDir: string(),
        topics: array(
          struct({
            name: string({ entityType: 'topicName' }),
            partitions: array(struct({ partitionIndex: int32(), partitionSize: int64(), offsetLag: int64(), isFutureKey: bool() })),
          }),
        ),
      }),
    ),
  }),
})
