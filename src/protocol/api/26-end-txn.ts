import { api, bool, int16, int32, int64, string, struct } from '../schema.ts'

/** Commits or aborts a transaction. */
export const endTxn = api({
  key: 26,
  name: 'EndTxn',
  versions: '0-1',
  flexible: 'none',
  request: struct({
    transactionalId: string({ entityType: 'transactionalId' }),
    producerId: int64({ entityType: 'producerId' }),
    producerEpoch: int16(),
    committed: bool(),
  }),
  response: struct({ throttleTimeMs: int32(), errorCode: int16() }),
})
