import { api, array, bool, int16, int32, string, struct } from '../schema.ts'

/**
 * Adds partitions to topics; served by the controller.
 * - v2 flexible
 */
export const createPartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        count: int32(),
        assignments: array(struct({ brokerIds: array(int32(), { entityType: 'brokerId' }) }), { nullable: '0+' }),
      }),
    ),
    timeoutMs: int32(),
    validateOnly: bool(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(
      struct({ name: string({ entityType: 'topicName' }), errorCode: int16(), errorMessage: string({ nullable: '0+', default: null }) }),
    ),
  }),
})
