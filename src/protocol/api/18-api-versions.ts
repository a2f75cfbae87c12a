import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Tells which versions of each API this broker serves, and to the broker which client it is (KIP-511).
 * A version that is not known is answered in version 0 with UNSUPPORTED_VERSION and the versions of ApiVersions alone (KIP-511).
 * - v1 adds throttleTimeMs
 * - v3 the response header stays in its first version; flexible; adds clientSoftwareName and clientSoftwareVersion
 */
export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-3',
  flexible: '3+',
  request: struct({
    clientSoftwareName: string({ versions: '3+', ignorable: true }),
    clientSoftwareVersion: string({ versions: '3+', ignorable: true }),
  }),
  response: struct({
    errorCode: int16(),
    apiKeys: array(struct({ apiKey: int16(), minVersion: int16(), maxVersion: int16() })),
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
  }),
})
