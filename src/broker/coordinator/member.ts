import type { MonotonicClock } from '../../base/clock.ts'
import type { StoredMember } from './group-records.ts'
import { Countdown } from './countdown.ts'
import { type JoinResult, type JoinRequest, type MemberDescription, NO_BYTES, type Protocol, type SyncResult } from './messages.ts'

export type MemberFields = Pick<
  JoinRequest,
  'groupInstanceId' | 'clientId' | 'clientHost' | 'rebalanceTimeoutMs' | 'sessionTimeoutMs' | 'protocols'
> & {
  id: string
}

/** One member of a group. Members changes it, nobody else. */
export class Member {
  id: string
  protocols: readonly Protocol[]
  assignment: Buffer = NO_BYTES
  /** Has joined for the first time and was not answered yet: until then it can expire although it waits. */
  isNew = false
  /** Answered when the rebalance is over. */
  join: PromiseWithResolvers<JoinResult> | undefined
  /** Answered when the leader has brought the assignment. */
  sync: PromiseWithResolvers<SyncResult> | undefined
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly rebalanceTimeoutMs: number
  readonly sessionTimeoutMs: number
  /** Runs out when nothing was heard of the member. */
  readonly session: Countdown

  constructor(fields: MemberFields, clock: MonotonicClock, onExpired: (member: Member) => void) {
    this.id = fields.id
    this.protocols = fields.protocols
    this.groupInstanceId = fields.groupInstanceId
    this.clientId = fields.clientId
    this.clientHost = fields.clientHost
    this.rebalanceTimeoutMs = fields.rebalanceTimeoutMs
    this.sessionTimeoutMs = fields.sessionTimeoutMs
    this.session = new Countdown(clock, () => onExpired(this))
  }

  get isStatic(): boolean {
    return this.groupInstanceId !== null
  }

  /** Whoever waits for the group needs no heartbeat. */
  get isExcused(): boolean {
    return !this.isNew && (this.join !== undefined || this.sync !== undefined)
  }

  heard(): void {
    this.session.start(this.sessionTimeoutMs)
  }

  metadataFor(protocol: string | null): Buffer {
    return this.protocols.find(({ name }) => name === protocol)?.metadata ?? NO_BYTES
  }

  /** Names, order and bytes. */
  matches(protocols: readonly Protocol[]): boolean {
    return (
      protocols.length === this.protocols.length &&
      protocols.every(
        ({ name, metadata }, index) => name === this.protocols[index]!.name && metadata.equals(this.protocols[index]!.metadata),
      )
    )
  }

  stored(protocol: string | null, assignment: Buffer): StoredMember {
    const { id: memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs } = this
    const subscription = this.metadataFor(protocol)
    return { memberId, groupInstanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, subscription, assignment }
  }

  describe(protocol: string | null): MemberDescription {
    const { id: memberId, groupInstanceId, clientId, clientHost } = this
    const isKnown = protocol !== null
    const memberAssignment = isKnown ? this.assignment : NO_BYTES
    return { memberId, groupInstanceId, clientId, clientHost, memberMetadata: this.metadataFor(protocol), memberAssignment }
  }
}
