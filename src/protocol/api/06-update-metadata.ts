import { api, array, int16, int32, int64, string, struct } from '../schema.ts'

const partitionState = struct({
  topicName: string({ versions: '0-4', ignorable: true, entityType: 'topicName' }),
  partitionIndex: int32(),
  controllerEpoch: int32(),
  leader: int32({ entityType: 'brokerId' }),
  leaderEpoch: int32(),
  isr: array(int32(), { entityType: 'brokerId' }),
  zkVersion: int32(),
  replicas: array(int32(), { entityType: 'brokerId' }),
  offlineReplicas: array(int32(), { versions: '4+', ignorable: true, entityType: 'brokerId' }),
})

/**
 * The controller tells a broker what to answer to Metadata.
 * - v1 several endpoints of a broker; adds endpoints; drops v0Host and v0Port
 * - v2 adds rack
 * - v3 listener names; adds listener
 * - v4 adds offlineReplicas
 * - v5 partitions by topic; adds brokerEpoch and topicStates; drops ungroupedPartitionStates and topicName
 * - v6 flexible
 */
export const updateMetadata = api({
  key: 6,
  name: 'UpdateMetadata',
  versions: '0-6',
  flexible: '6+',
  request: struct({
    controllerId: int32({ entityType: 'brokerId' }),
    controllerEpoch: int32(),
    brokerEpoch: int64({ versions: '5+', default: -1, ignorable: true }),
    ungroupedPartitionStates: array(partitionState, { versions: '0-4' }),
    topicStates: array(struct({ topicName: string({ entityType: 'topicName' }), partitionStates: array(partitionState) }), {
      versions: '5+',
    }),
    liveBrokers: array(
      struct({
        id: int32({ entityType: 'brokerId' }),
        v0Host: string({ versions: '0', ignorable: true }),
        v0Port: int32({ versions: '0', ignorable: true }),
        endpoints: array(
          struct({ port: int32(), host: string(), listener: string({ versions: '3+', ignorable: true }), securityProtocol: int16() }),
          { versions: '1+', ignorable: true },
        ),
        rack: string({ versions: '2+', nullable: '0+', ignorable: true }),
      }),
    ),
  }),
  response: struct({ errorCode: int16() }),
})
