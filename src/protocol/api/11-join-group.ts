import { api, array, bytes, int16, int32, string, struct } from '../schema.ts'

/**
 * Makes a member join its group; answered when the rebalance is over.
 * - v0 sessionTimeoutMs is also the time to rejoin
 * - v1 adds rebalanceTimeoutMs
 * - v2 adds throttleTimeMs
 * - v4 a new member gets its id by MEMBER_ID_REQUIRED and joins again (KIP-394)
 * - v5 static members (KIP-345); adds groupInstanceId
 * - v6 flexible
 * - v7 KIP-559; adds protocolType
 */
export const joinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: '0-7',
  flexible: '6+',
  request: struct({
    groupId: string({ entityType: 'groupId' }),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ versions: '1+', default: -1, ignorable: true }),
    memberId: string(),
    groupInstanceId: string({ versions: '5+', nullable: '5+', default: null }),
    protocolType: string(),
    protocols: array(struct({ name: string(), metadata: bytes() })),
  }),
  response: struct({
    throttleTimeMs: int32({ versions: '2+', ignorable: true }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: string({ versions: '7+', nullable: '7+', default: null, ignorable: true }),
    protocolName: string({ nullable: '7+' }),
    leader: string(),
    memberId: string(),
    members: array(
      struct({ memberId: string(), groupInstanceId: string({ versions: '5+', nullable: '5+', default: null }), metadata: bytes() }),
    ),
  }),
})
