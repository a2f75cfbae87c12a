import { api, array, bool, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Creates topics; served by the controller.
 * - v1 adds validateOnly and errorMessage
 * - v2 adds throttleTimeMs
 * - v4 numPartitions and replicationFactor may be -1: the broker's defaults (KIP-464)
 * - v5 the configs of the topic (KIP-525); flexible; adds topicConfigErrorCode, numPartitions, replicationFactor and configs
 */
export const createTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: '0-5',
  flexible: '5+',
  request: struct({
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        numPartitions: int32(),
        replicationFactor: int16(),
        assignments: array(struct({ partitionIndex: int32(), brokerIds: array(int32(), { entityType: 'brokerId' }) })),
        configs: array(struct({ name: string(), value: string({ nullable: '0+' }) })),
      }),
    ),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ versions: '1+' }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        errorCode: int16(),
        errorMessage: string({ versions: '1+', nullable: '0+', ignorable: true }),
        topicConfigErrorCode: int16({ versions: '5+', ignorable: true, tag: 0, tagged: '5+' }),
        numPartitions: int32({ versions: '5+', default: -1, ignorable: true }),
        replicationFactor: int16({ versions: '5+', default: -1, ignorable: true }),
        configs: array(
          struct({
            name: string(),
            value: string({ nullable: '5+' }),
            readOnly: bool(),
            configSource: int8({ default: -1, ignorable: true }),
            isSensitive: bool(),
          }),
          { versions: '5+', nullable: '5+', ignorable: true },
        ),
      }),
    ),
  }),
})
