import { api, array, bool, int16, int32, int64, string, struct } from '../schema.ts'

const partitionState = struct({
  topicName: string({ versions: '0-1', ignorable: true, entityType: 'topicName' }),
  partitionIndex: int32(),
  controllerEpoch: int32(),
  leader: int32({ entityType: 'brokerId' }),
  leaderEpoch: int32(),
  isr: array(int32()),
  zkVersion: int32(),
  replicas: array(int32()),
  addingReplicas: array(int32(), { versions: '3+', ignorable: true }),
  removingReplicas: array(int32(), { versions: '3+', ignorable: true }),
  isNew: bool({ versions: '1+', ignorable: true }),
})

/**
 * The controller tells a broker which partitions it leads and follows.
 * - v1 adds isNew
 * - v2 partitions by topic; adds brokerEpoch and topicStates; drops ungroupedPartitionStates and topicName
 * - v3 reassignment (KIP-455); adds addingReplicas and removingReplicas
 * - v4 flexible
 */
export const leaderAndIsr = api({
  key: 4,
  name: 'LeaderAndIsr',
  versions: '0-4',
  flexible: '4+',
  request: struct({
    controllerId: int32({ entityType: 'brokerId' }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '2+', default: -1, ignorable: true }),
    ungroupedPartitionStates: array(partitionState, { versions: '0-1' }),
    topicStates: array(struct({ topicName: string({ entityType: 'topicName' }), partitionStates: array(partitionState) }), {
      versions: '2+',
    }),
    liveLeaders: array(struct({ brokerId: int32({ entityType: 'brokerId' }), hostName: string(), port: int32() })),
  }),
  response: struct({
    errorCode: int16(),
    partitionErrors: array(struct({ topicName: string({ entityType: 'topicName' }), partitionIndex: int32(), errorCode: int16() })),
  }),
})
