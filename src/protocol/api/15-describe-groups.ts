import { api, array, bool, bytes, int16, int32, string, struct } from '../schema.ts'

/**
 * Describes groups: state, protocol, members and their assignments.
 * - v1 adds throttleTimeMs
 * - v3 authorized operations (KIP-430); adds includeAuthorizedOperations and authorizedOperations
 * - v4 static members (KIP-345); adds groupInstanceId
 * - v5 flexible
 */
export const describeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: '0-5',
  flexible: '5+',
  request: struct({ groups: array(string(), { entityType: 'groupId' }), includeAuthorizedOperations: bool({ versions: '3+' }) }),
  response: struct({
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
    groups: array(
      struct({
        errorCode: int16(),
        groupId: string({ entityType: 'groupId' }),
        groupState: string(),
        protocolType: string(),
        protocolData: string(),
        members: array(
          struct({
            memberId: string(),
            groupInstanceId: string({ versions: '4+', nullable: '4+', default: null, ignorable: true }),
            clientId: string(),
            clientHost: string(),
            memberMetadata: bytes(),
            memberAssignment: bytes(),
          }),
        ),
        authorizedOperations: int32({ versions: '3+', default: -2147483648 }),
      }),
    ),
  }),
})
