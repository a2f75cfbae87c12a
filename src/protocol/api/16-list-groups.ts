import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Lists the groups that this broker coordinates.
 * - v1 adds throttleTimeMs
 * - v3 flexible
 * - v4 states (KIP-518); adds statesFilter and groupState
 */
export const listGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-4',
  flexible: '3+',
  request: struct({ statesFilter: array(string(), { versions: '4+' }) }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    groups: array(
      struct({
        groupId: string({ entityType: 'groupId' }),
        protocolType: string(),
        groupState: string({ versions: '4+', ignorable: true }),
      }),
    ),
  }),
})
