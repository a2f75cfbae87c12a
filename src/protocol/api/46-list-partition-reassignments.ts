import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Lists moves of partitions that are under way (KIP-455); served by the controller.
 * - v0 flexible
 */
export const listPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: '0',
  flexible: '0+',
  request: struct({
    timeoutMs: int32({ default: 60000 }),
    topics: array(struct({ name: string({ entityType: 'topicName' }), partitionIndexes: array(int32()) }), {
      nullable: '0+',
      default: null,
    }),
  }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({ partitionIndex: int32(), replicas: array(int32()), addingReplicas: array(int32()), removingReplicas: array(int32()) }),
        ),
      }),
    ),
  }),
})
