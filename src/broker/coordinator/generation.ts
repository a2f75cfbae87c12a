import type { Int64 } from '../../protocol/int64.ts'
import type { StoredGroup } from './group-records.ts'
import type { Member } from './member.ts'
import type { Members } from './members.ts'
import { type GroupDescription, type JoinResult, NO_MEMBER_ID, type SyncResult } from './messages.ts'
import { CONSUMER_PROTOCOL_TYPE, subscribedTopics } from './subscription.ts'

/** What the members of a group have last agreed on. */
export class Generation {
  readonly #members: Members
  #number = 0
  #protocolName: string | null = null
  #subscribedTopics: ReadonlySet<string> | undefined
  /** Of the first member; null until there was one. */
  protocolType: string | null = null

  constructor(members: Members) {
    this.#members = members
  }

  get number(): number {
    return this.#number
  }
  /** null while nobody is a member. */
  get protocolName(): string | null {
    return this.#protocolName
  }
  /** The topics that a consumer group reads; undefined where this broker cannot tell. */
  get subscribedTopics(): ReadonlySet<string> | undefined {
    return this.#subscribedTopics
  }

  /** Those who are members now vote. */
  next(): void {
    this.#number++
    this.#protocolName = this.#members.size > 0 ? this.#members.selectProtocol() : null
    this.#noteSubscriptions()
  }

  /** The members come from the log too. */
  restore({ generation, protocolType, protocol, leader, members }: StoredGroup): void {
    this.#number = generation
    this.protocolType = protocolType === '' ? null : protocolType
    this.#protocolName = protocol
    for (const { memberId: id, subscription, assignment, ...fields } of members) {
      const member = this.#members.add({ ...fields, id, protocols: [{ name: protocol ?? '', metadata: subscription }] })
      member.assignment = assignment
      member.heard()
    }
    if (leader !== null && this.#members.get(leader)) this.#members.leader = leader
    this.#noteSubscriptions()
  }

  /** The leader gets the list of all. */
  joined(member: Member): JoinResult {
    const all = this.#members.leader === member.id ? [...this.#members.all()] : []
    return {
      error: 'NONE',
      memberId: member.id,
      generationId: this.#number,
      protocolType: this.protocolType,
      protocolName: this.#protocolName,
      leader: this.#members.leader ?? NO_MEMBER_ID,
      members: all.map((one) => {
        return { memberId: one.id, groupInstanceId: one.groupInstanceId, metadata: one.metadataFor(this.#protocolName) }
      }),
    }
  }

  synced({ assignment }: Member): SyncResult {
    return { error: 'NONE', protocolType: this.protocolType, protocolName: this.#protocolName, assignment }
  }

  toStore(stateTimestamp: Int64, assignmentOf: (member: Member) => Buffer): StoredGroup {
    return {
      protocolType: this.protocolType ?? '',
      generation: this.#number,
      protocol: this.#protocolName,
      leader: this.#members.leader,
      stateTimestamp,
      members: [...this.#members.all()].map((member) => member.stored(this.#protocolName, assignmentOf(member))),
    }
  }

  /** Protocol, metadata and assignments are shown only while they hold. */
  describe(isStable: boolean): Omit<GroupDescription, 'state'> {
    const protocol = isStable ? this.#protocolName : null
    const members = [...this.#members.all()].map((member) => member.describe(protocol))
    return { protocolType: this.protocolType ?? '', protocol: protocol ?? '', members }
  }

  #noteSubscriptions(): void {
    const isConsumer = this.protocolType === CONSUMER_PROTOCOL_TYPE
    const subscriptions = [...this.#members.all()].map((member) => member.metadataFor(this.#protocolName))
    this.#subscribedTopics = isConsumer ? subscribedTopics(subscriptions) : undefined
  }
}
