import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Starts and cancels moves of partitions to other brokers (KIP-455); served by the controller.
 * - v0 flexible
 */
export const alterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: struct({
    timeoutMs: int32({ default: 60000 }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(struct({ partitionIndex: int32(), replicas: array(int32(), { nullable: '0+', default: null }) })),
      }),
    ),
  }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    responses: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(struct({ partitionIndex: int32(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) })),
      }),
    ),
  }),
})
