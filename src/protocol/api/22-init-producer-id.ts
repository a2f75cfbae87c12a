import { api, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Gives a producer its id and epoch.
 * - v2 flexible
 * - v3 a producer may resume with its id and epoch (KIP-360); adds producerId and producerEpoch
 */
export const initProducerId = api({
  key: 22,
  name: 'InitProducerId',
  versions: '0-3',
  flexible: '2+',
  request: struct({
    transactionalId: string({ nullable: '0+', entityType: 'transactionalId' }),
    transactionTimeoutMs: int32(),
    producerId: int64({ versions: '3+', default: -1 }),
    producerEpoch: int16({ versions: '3+', default: -1 }),
  }),
  response: struct({
    throttleTimeMs: int32({ ignorable: true }),
    errorCode: int16(),
    producerId: int64({ default: -1, entityType: 'producerId' }),
    producerEpoch: int16(),
  }),
})
