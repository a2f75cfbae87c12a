import { api, array, int16, string, struct } from '../schema.ts'

/**
 * Chooses the SASL mechanism.
 * Versions cannot be added: clients up to 2.4 negotiate it wrongly (KAFKA-9577).
 * - v0 raw SASL frames follow, without headers
 * - v1 SaslAuthenticate requests follow
 */
export const saslHandshake = api({
  key: 17,
  name: 'SaslHandshake',
  versions: '0-1',
  flexible: 'none',
  request: struct({ mechanism: string() }),
  response: struct({ errorCode: int16(), mechanisms: array(string()) }),
})
