import { api, array, bool, int16, int32, string, struct } from '../schema.ts'

/**
 * Tells the brokers, the controller, and the topics with their partitions, leaders and replicas.
 * - v0 no topics means all
 * - v1 null means all topics, an empty list none; adds rack, controllerId and isInternal
 * - v2 the cluster id; adds clusterId
 * - v3 adds throttleTimeMs
 * - v4 adds allowAutoTopicCreation
 * - v5 offline replicas; adds offlineReplicas
 * - v7 adds leaderEpoch
 * - v8 authorized operations (KIP-430); adds includeClusterAuthorizedOperations, includeTopicAuthorizedOperations, topicAuthorizedOperations and clusterAuthorizedOperations
 * - v9 flexible
 */
export const metadata = api({
  key: 3,
  name: 'Metadata',
  versions: '0-9',
  flexible: '9+',
  request: struct({
    topics: array(struct({ name: string({ entityType: 'topicName' }) }), { nullable: '1+' }),
    allowAutoTopicCreation: bool({ versions: '4+', default: true }),
    includeClusterAuthorizedOperations: bool({ versions: '8+' }),
    includeTopicAuthorizedOperations: bool({ versions: '8+' }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '3+', ignorable: true }),
    brokers: array(
      struct({
        nodeId: int32({ entityType: 'brokerId' }),
        host: string(),
        port: int32(),
        rack: string({ versions: '1+', nullable: '1+', default: null, ignorable: true }),
      }),
    ),
    clusterId: string({ versions: '2+', nullable: '2+', default: null, ignorable: true }),
    controllerId: int32({ versions: '1+', default: -1, ignorable: true, entityType: 'brokerId' }),
    topics: array(
      struct({
        errorCode: int16(),
        name: string({ entityType: 'topicName' }),
        isInternal: bool({ versions: '1+', ignorable: true }),
        partitions: array(
          struct({
            errorCode: int16(),
            partitionIndex: int32(),
            leaderId: int32({ entityType: 'brokerId' }),
            leaderEpoch: int32({ versions: '7+', default: -1, ignorable: true }),
            replicaNodes: array(int32(), { entityType: 'brokerId' }),
            isrNodes: array(int32()),
            offlineReplicas: array(int32(), { versions: '5+', ignorable: true }),
          }),
        ),
        topicAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
      }),
    ),
    clusterAuthorizedOperations: int32({ versions: '8+', default: -2147483648 }),
  }),
})
