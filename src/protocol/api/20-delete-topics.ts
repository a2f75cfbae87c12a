import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Deletes topics; served by the controller.
 * - v1 adds throttleTimeMs
 * - v3 may answer TOPIC_DELETION_DISABLED
 * - v4 flexible
 */
export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '0-4',
  flexible: '4+',
  request: struct({ topicNames: array(string(), { entityType: 'topicName' }), timeoutMs: int32() }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    responses: array(struct({ name: string({ entityType: 'topicName' }), errorCode: int16() })),
  }),
})
