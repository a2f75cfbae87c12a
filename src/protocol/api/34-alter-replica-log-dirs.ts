import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Moves replicas to other log directories of a broker.
 * Encoded by hand in Kafka 2.6.
 */
export const alterReplicaLogDirs = api({
  key: 34,
  name: 'AlterReplicaLogDirs',
  versions: '0-1',
  flexible: 'none',
  request: struct({
    dirs: array(
      struct({ path: string(), topics: array(struct({ name: string({ entityType: 'topicName' }), partitions: array(int32()) })) }),
    ),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(
      struct({
        topicName: string({ entityType: 'topicName' }),
        partitions: array(struct({ partitionIndex: int32(), errorCode: int16() })),
      }),
    ),
  }),
})
