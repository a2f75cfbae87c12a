import { api, array, bool, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * The controller tells a broker to stop replicas, and to delete them if it says so.
 * - v1 partitions by topic; adds brokerEpoch and topics; drops ungroupedPartitions
 * - v2 flexible
 * - v3 leader epoch of each partition (KIP-570); adds topicStates; drops deletePartitions and topics
 */
export const stopReplica = api({
  key: 5,
  name: 'StopReplica',
  versions: '0-3',
  flexible: '2+',
  request: struct({
    controllerId: int32({ entityType: 'brokerId' }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '1+', default: -1, ignorable: true }),
    deletePartitions: bool({ versions: '0-2' }),
    ungroupedPartitions: array(struct({ topicName: string({ entityType: 'topicName' }), partitionIndex: int32() }), { versions: '0' }),
    topics: array(struct({ name: string({ entityType: 'topicName' }), partitionIndexes: array(int32()) }), { versions: '1-2' }),
    topicStates: array(
      struct({
        topicName: string({ entityType: 'topicName' }),
        partitionStates: array(struct({ partitionIndex: int32(), leaderEpoch: int32({ default: -1 }), deletePartition: bool() })),
      }),
      { versions: '3+' },
    ),
  }),
  response: struct({
    errorCode: int16(),
    partitionErrors: array(struct({ topicName: string({ entityType: 'topicName' }), partitionIndex: int32(), errorCode: int16() })),
  }),
})
