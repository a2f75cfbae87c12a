import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Deletes groups that have no members.
 * - v2 flexible
 */
export const deleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: struct({ groupsNames: array(string(), { entityType: 'groupId' }) }),
  response: struct({ throttleTimeMs: int32(), results: array(struct({ groupId: string({ entityType: 'groupId' }), errorCode: int16() })) }),
})
