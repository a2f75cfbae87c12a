import { api, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Finds the broker that coordinates a group (keyType 0) or a transactional id (1).
 * - v1 adds keyType, throttleTimeMs and errorMessage
 * - v3 flexible
 */
export const findCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-3',
  flexible: '3+',
  request: struct({ key: string(), keyType: int8({ versions: '1+' }) }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    errorCode: int16(),
    errorMessage: string({ versions: '1+', nullable: '1+', ignorable: true }),
    nodeId: int32({ entityType: 'brokerId' }),
    host: string(),
    port: int32(),
  }),
})
