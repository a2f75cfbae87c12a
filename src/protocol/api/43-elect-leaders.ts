import { api, array, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Elects leaders: the preferred replicas or, where none in sync is alive, others; served by the controller.
 * - v1 election types (KIP-460); adds electionType and errorCode
 * - v2 flexible
 */
export const electLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    electionType: int8({ versions: '1+' }),
    topicPartitions: array(struct({ topic: string({ entityType: 'topicName' }), partitionId: array(int32()) }), { nullable: '0+' }),
    timeoutMs: int32({ default: 60000 }),
  }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16({ versions: '1+' }),
    replicaElectionResults: array(
      struct({
        topic: string({ entityType: 'topicName' }),
        partitionResult: array(struct({ partitionId: int32(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) })),
      }),
    ),
  }),
})
