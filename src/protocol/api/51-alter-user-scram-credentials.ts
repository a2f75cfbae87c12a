import { api, array, bytes, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Creates, changes and deletes SCRAM credentials of users (KIP-554); from Kafka 2.7.
 * - v0 flexible
 */
export const alterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: '0',
  flexible: '0+',
  request: struct({
    deletions: array(struct({ name: string(), mechanism: int8() })),
    upsertions: array(struct({ name: string(), mechanism: int8(), iterations: int32(), salt: bytes(), saltedPassword: bytes() })),
  }),
  response: struct({
    throttleTimeMs: int32(),
    results: array(struct({ user: string(), errorCode: int16(), errorMessage: string({ nullable: '0+' }) })),
  }),
})
