import { api, array, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Creates ACL bindings.
 * - v1 pattern types (KIP-290); adds resourcePatternType
 * - v2 flexible
 */
export const createAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    creations: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        resourcePatternType: int8({ versions: '1+', default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    ),
  }),
  response: struct({ throttleTimeMs: int32(), results: array(struct({ errorCode: int16(), errorMessage: string({ nullable: '0+' }) })) }),
})
