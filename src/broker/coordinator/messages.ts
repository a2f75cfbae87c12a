import type { ErrorName } from '../../protocol/errors.ts'

export type Protocol = { name: string; metadata: Buffer }
export type JoinRequest = {
  /** '': a new member. */
  memberId: string
  groupInstanceId: string | null
  /** A new member without instance id gets its id first and joins with it then (KIP-394). */
  requiresKnownMemberId: boolean
  clientId: string
  clientHost: string
  rebalanceTimeoutMs: number
  sessionTimeoutMs: number
  protocolType: string
  protocols: readonly Protocol[]
}
export type JoinedMember = { memberId: string; groupInstanceId: string | null; metadata: Buffer }
export type JoinResult = {
  error: ErrorName
  memberId: string
  generationId: number
  protocolType: string | null
  protocolName: string | null
  leader: string
  /** For the leader only. */
  members: readonly JoinedMember[]
}

/** Who speaks: the fields that heartbeats, syncs and commits have in common. */
export type Speaker = { memberId: string; groupInstanceId: string | null; generationId: number }
export type SyncRequest = Speaker & {
  /** null: the client did not say. */
  protocolType: string | null
  protocolName: string | null
  /** Of the leader; by member id. */
  assignments: ReadonlyMap<string, Buffer>
}
export type SyncResult = { error: ErrorName; protocolType: string | null; protocolName: string | null; assignment: Buffer }
export type Leaver = { memberId: string; groupInstanceId: string | null }

export type MemberDescription = {
  memberId: string
  groupInstanceId: string | null
  clientId: string
  clientHost: string
  memberMetadata: Buffer
  memberAssignment: Buffer
}
/** PreparingRebalance: members join; CompletingRebalance: the leader assigns; Dead: on its way out of this broker. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'
export type GroupDescription = { state: GroupState; protocolType: string; protocol: string; members: readonly MemberDescription[] }

export const NO_BYTES = Buffer.alloc(0)
export const NO_MEMBER_ID = ''
export const NO_GENERATION = -1

export const joinFailed = (memberId: string, error: ErrorName): JoinResult => ({
  error,
  memberId,
  generationId: NO_GENERATION,
  protocolType: null,
  protocolName: null,
  leader: NO_MEMBER_ID,
  members: [],
})
export const syncFailed = (error: ErrorName): SyncResult => ({ error, protocolType: null, protocolName: null, assignment: NO_BYTES })
