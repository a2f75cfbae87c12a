import { api, array, bytes, int16, int32, int64, string, struct } from '../schema.ts'

/**
 * Creates a delegation token.
 * - v2 flexible
 */
export const createDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: struct({ renewers: array(struct({ principalType: string(), principalName: string() })), maxLifetimeMs: int64() }),
  response: struct({
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  }),
})
