import { api, bytes, int16, int32, int64, struct } from '../schema.ts'

/**
 * Ends a delegation token, now or later.
 * - v2 flexible
 */
export const expireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: '0-2',
  flexible: '2+',
  request: struct({ hmac: bytes(), expiryTimePeriodMs: int64() }),
  response: struct({ errorCode: int16(), expiryTimestampMs: int64(), throttleTimeMs: int32() }),
})
