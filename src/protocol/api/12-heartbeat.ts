import { api, int16, int32, string, struct } from '../schema.ts'

/**
 * Keeps a member in its group.
 * - v1 adds throttleTimeMs
 * - v3 static members (KIP-345); adds groupInstanceId
 * - v4 flexible
 */
export const heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: '0-4',
  flexible: '4+',
  request: struct({
    groupId: string({ entityType: 'groupId' }),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ versions: '3+', nullable: '3+', default: null }),
  }),
  response: struct({ throttleTimeMs: int32({ versions: '1+', ignorable: true }), errorCode: int16() }),
})
