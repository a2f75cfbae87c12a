import { api, array, int16, int32, int8, string, struct } from '../schema.ts'

/**
 * Lists ACL bindings that match a filter.
 * - v1 pattern types (KIP-290); adds patternTypeFilter and patternType
 * - v2 flexible
 */
export const describeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: '0-2',
  flexible: '2+',
  request: struct({
    resourceTypeFilter: int8(),
    resourceNameFilter: string({ nullable: '0+' }),
    patternTypeFilter: int8({ versions: '1+', default: 3 }),
    principalFilter: string({ nullable: '0+' }),
    hostFilter: string({ nullable: '0+' }),
    operation: int8(),
    permissionType: int8(),
  }),
  response: struct({
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: string({ nullable: '0+' }),
    resources: array(
      struct({
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ versions: '1+', default: 3 }),
        acls: array(struct({ principal: string(), host: string(), operation: int8(), permissionType: int8() })),
      }),
    ),
  }),
})
