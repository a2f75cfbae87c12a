import { missingText } from '../definitions.ts'
import type { Step } from './steps.ts'

/** Fields that the API server drops: the Cluster may be Ready, and still not be what somebody wrote. */
export const definitions: Step = {
  name: 'definitions',
  run: async ({ environment }) => {
    const message = missingText(environment.missingFields())
    return message === undefined ? undefined : { warnings: [{ reason: 'DefinitionsOutdated', message }] }
  },
}
