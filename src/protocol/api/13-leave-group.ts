import { api, array, int16, int32, string, struct } from '../schema.ts'

/**
 * Takes members out of their group.
 * - v1 adds throttleTimeMs
 * - v3 several members at once (KIP-345); adds members; drops memberId
 * - v4 flexible
 */
export const leaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-4',
  flexible: '4+',
  request: struct({
    groupId: string({ entityType: 'groupId' }),
    memberId: string({ versions: '0-2' }),
    members: array(struct({ memberId: string(), groupInstanceId: string({ nullable: '3+', default: null }) }), { versions: '3+' }),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    members: array(struct({ memberId: string(), groupInstanceId: string({ nullable: '3+' }), errorCode: int16() }), { versions: '3+' }),
  }),
})
