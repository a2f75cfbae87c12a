import { api, bytes, int16, int32, int64, struct } from '../schema.ts'

/**
 * Prolongs a delegation token.
 * - v2 flexible
 */
export const renewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: struct({ hmac: bytes(), renewPeriodMs: int64() }),
  response: struct({ errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() }),
})
