import { errorCode } from '../errors.ts'
import { api, array, int16, int32, type ReplyOf, string, struct } from '../schema.ts'

/**
 * Tells which versions of each API this broker serves, and to the broker which client it is (KIP-511).
 * A version that is not known is answered in version 0 with UNSUPPORTED_VERSION.
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

/** The answer, in version 0, to an ApiVersions request of a version that is not known: it names only the versions of ApiVersions itself (KIP-511). */
export const unsupportedApiVersions = (): ReplyOf<typeof apiVersions> => ({
  errorCode: errorCode('UNSUPPORTED_VERSION'),
  apiKeys: [{ apiKey: apiVersions.key, minVersion: apiVersions.minVersion, maxVersion: apiVersions.maxVersion }],
})
