import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * A broker that is about to stop asks the controller to move its leaderships away.
 * - v0 its request header has no client id
 * - v2 adds brokerEpoch
 * - v3 flexible
 */
export const controlledShutdown = api({
  key: 7,
  name: 'ControlledShutdown',
  versions: '0-3',
  flexible: '3+',
  request: struct({ brokerId: int32({ entityType: 'brokerId' }), brokerEpoch: int64({ versions: '2+', default: -1, ignorable: true }) }),
  response: struct({
    errorCode: int16(),
    remainingPartitions: array(struct({ topicName: string({ entityType: 'topicName' }), partitionIndex: int32() })),
  }),
})
