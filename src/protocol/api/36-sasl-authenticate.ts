import { api, bytes, int16, int64, string, struct } from '../schema.ts'

/**
 * Carries one SASL message of the mechanism that SaslHandshake chose.
 * - v1 session lifetime (KIP-368); adds sessionLifetimeMs
 * - v2 flexible
 */
export const saslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: '0-2',
  flexible: '2+',
  request: struct({ authBytes: bytes() }),
  response: struct({
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ versions: '1+', ignorable: true }),
  }),
})
