import type { apiVersions } from '../../protocol/api/18-api-versions.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Handler, Refusal, Served } from '../handler.ts'

type Api = typeof apiVersions

/** KIP-511: the words may be shown in metrics, so only plain ones are taken. */
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/
const SOFTWARE_SINCE = 3

/** Answers from the table of what is served, and nothing else. */
export const handleApiVersions =
  (served: readonly Served[]): Handler<Api> =>
  ({ clientSoftwareName, clientSoftwareVersion }, { apiVersion }) => {
    if (apiVersion >= SOFTWARE_SINCE && !(SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion))) {
      throw new KafkaError('INVALID_REQUEST')
    }
    return { apiKeys: served.map(({ api }) => ({ apiKey: api.key, minVersion: api.minVersion, maxVersion: api.maxVersion })) }
  }

export const refuseApiVersions: Refusal<Api> = (_request, { code }) => ({ errorCode: code })
