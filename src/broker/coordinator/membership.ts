import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { type ErrorName, KafkaError } from '../../protocol/errors.ts'
import type { Int64 } from '../../protocol/int64.ts'
import { Generation } from './generation.ts'
import type { StoredGroup } from './group-records.ts'
import { JoinPhase } from './join-phase.ts'
import type { Member } from './member.ts'
import { Members } from './members.ts'
import {
  type GroupDescription,
  type GroupState,
  joinFailed,
  type JoinRequest,
  type JoinResult,
  type Leaver,
  NO_BYTES,
  NO_MEMBER_ID,
  type Protocol,
  type Speaker,
  syncFailed,
  type SyncRequest,
  type SyncResult,
} from './messages.ts'
import { groupStoreError } from './store-errors.ts'

export type MembershipPorts = {
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  limits: () => { initialRebalanceDelayMs: number; maxSize: number }
  /** Resolves when the log has it, replicated. KafkaError as Partition.append and Partition.replicated. */
  store: (group: StoredGroup) => Promise<void>
  /** Unique text. */
  newId: () => string
}

/** A new member that waits to join is dropped when the others do not come for this long. Source: GroupCoordinator.NewMemberJoinTimeoutMs. */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000

/**
 * Who belongs to a group, and how far it is with agreeing on an assignment. Requests are decided here and take effect at once; what must survive this broker is
 * stored at the end of each rebalance. Rules: kafka.coordinator.group.GroupCoordinator of 2.6.3.
 */
export class Membership {
  readonly #group: string
  readonly #ports: MembershipPorts
  readonly #members: Members
  readonly #generation: Generation
  readonly #joinPhase: JoinPhase
  #state: GroupState = 'Empty'
  #stateTimestamp: Int64

  constructor(group: string, ports: MembershipPorts) {
    const { monotonic, wall } = ports.clocks
    this.#group = group
    this.#ports = ports
    this.#members = new Members(monotonic, (member) => this.#expire(member))
    this.#generation = new Generation(this.#members)
    this.#joinPhase = new JoinPhase(monotonic, () => this.#completeJoin())
    this.#stateTimestamp = wall.nowMs()
  }

  get state(): GroupState {
    return this.#state
  }
  /** ms since 1970 of the last change of state; -1: not known. */
  get stateTimestamp(): Int64 {
    return this.#stateTimestamp
  }
  get generation(): Pick<Generation, 'number' | 'protocolType' | 'subscribedTopics'> {
    return this.#generation
  }
  /** Nobody belongs to the group or was promised to. */
  get isVacant(): boolean {
    return this.#state === 'Empty' && this.#members.pendingCount === 0
  }

  /** After the replay: members go on from where the log has them, with a whole session time-out to be heard. */
  resume(stored: StoredGroup): void {
    this.#generation.restore(stored)
    this.#stateTimestamp = stored.stateTimestamp
    this.#state = this.#members.size > 0 ? 'Stable' : 'Empty'
    if (this.#members.size > this.#ports.limits().maxSize) this.#prepareRebalance('the group has more members than group.max.size')
  }

  /** The group is deleted, or leaves this broker: whoever waits is told. */
  die(error: ErrorName): void {
    this.#setState('Dead')
    this.#joinPhase.cancel()
    this.#members.stopTimers()
    for (const member of this.#members.all()) {
      this.#members.answerJoin(member, joinFailed(member.id, error))
      this.#members.answerSync(member, syncFailed(error))
    }
  }

  /** The deletion of an empty group could not be stored. */
  revive(): void {
    this.#state = 'Empty'
  }

  join(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const reply = this.#decideJoin(request)
    this.#endJoinPhaseIfComplete()
    return reply
  }

  #decideJoin(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const { memberId, protocolType, protocols } = request
    if (!this.#hasRoomFor(request)) {
      const member = this.#members.get(memberId)
      if (member) this.#members.remove(member)
      return joinFailed(NO_MEMBER_ID, 'GROUP_MAX_SIZE_REACHED')
    }
    if (this.#state === 'Dead') return joinFailed(memberId, 'COORDINATOR_NOT_AVAILABLE')
    if (!this.#supports(protocolType, protocols)) return joinFailed(memberId, 'INCONSISTENT_GROUP_PROTOCOL')
    return memberId === NO_MEMBER_ID ? this.#joinAnew(request) : this.#joinAgain(request)
  }

  #hasRoomFor({ memberId, groupInstanceId }: JoinRequest): boolean {
    if (this.#state === 'Empty' || this.#state === 'Dead') return true
    const { maxSize } = this.#ports.limits()
    const known = this.#members.get(memberId) ?? this.#members.ofInstance(groupInstanceId)
    if (this.#state === 'PreparingRebalance') return known?.join !== undefined || this.#members.awaitingJoin < maxSize
    return known !== undefined || this.#members.size < maxSize
  }

  #supports(protocolType: string, protocols: readonly Protocol[]): boolean {
    if (this.#state === 'Empty') return protocolType !== '' && protocols.length > 0
    return this.#generation.protocolType === protocolType && this.#members.shareOneOf(protocols)
  }

  #joinAnew(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const { groupInstanceId, clientId, sessionTimeoutMs, requiresKnownMemberId } = request
    const id = `${groupInstanceId ?? clientId}-${this.#ports.newId()}`
    const instance = this.#members.ofInstance(groupInstanceId)
    if (instance) return this.#replace(instance, id, request.protocols)
    if (!requiresKnownMemberId) return this.#admit(id, request)
    this.#members.addPending(id, sessionTimeoutMs, () => this.#endJoinPhaseIfComplete())
    return joinFailed(id, 'MEMBER_ID_REQUIRED')
  }

  #joinAgain(request: JoinRequest): JoinResult | Promise<JoinResult> {
    const { memberId, groupInstanceId, protocols } = request
    if (groupInstanceId === null && this.#members.isPending(memberId)) return this.#admit(memberId, request)
    if (this.#members.isFenced(memberId, groupInstanceId)) return joinFailed(memberId, 'FENCED_INSTANCE_ID')
    const member = this.#members.get(memberId)
    const isUnknownInstance = groupInstanceId !== null && !this.#members.ofInstance(groupInstanceId)
    if (!member || isUnknownInstance || this.#state === 'Empty') return joinFailed(memberId, 'UNKNOWN_MEMBER_ID')
    // A member that asks again with the same words did not get its answer; the leader of a stable group wants a new assignment.
    const isRepeated = member.matches(protocols)
    if (this.#state === 'CompletingRebalance' && isRepeated) return this.#generation.joined(member)
    if (this.#state === 'Stable' && isRepeated && this.#members.leader !== memberId) return this.#generation.joined(member)
    this.#members.setProtocols(member, protocols)
    const reply = this.#members.awaitJoin(member)
    this.#maybePrepareRebalance('a member joins again')
    return reply
  }

  #admit(id: string, request: JoinRequest): Promise<JoinResult> {
    if (this.#members.size === 0) this.#generation.protocolType = request.protocolType
    if (this.#state === 'PreparingRebalance' && this.#generation.number === 0) this.#joinPhase.noteNewMember()
    const member = this.#members.add({ ...request, id })
    member.isNew = true
    member.session.start(NEW_MEMBER_JOIN_TIMEOUT_MS)
    const reply = this.#members.awaitJoin(member)
    this.#maybePrepareRebalance('a new member joins')
    return reply
  }

  /** A static member has started again. Nothing need be assigned anew while the group would choose the same protocol. */
  #replace(member: Member, id: string, protocols: readonly Protocol[]): Promise<JoinResult> {
    const before = { id: member.id, protocols: member.protocols, leader: this.#members.leader ?? NO_MEMBER_ID }
    this.#members.rename(member, id)
    member.heard()
    this.#members.setProtocols(member, protocols)
    const reply = this.#members.awaitJoin(member)
    if (this.#state === 'CompletingRebalance') this.#prepareRebalance('a static member has started again')
    else if (this.#state === 'Stable' && this.#members.selectProtocol() === this.#generation.protocolName)
      void this.#storeReplaced(member, before)
    else this.#maybePrepareRebalance('a static member has started again with other protocols')
    return reply
  }

  /** The old leader's id goes out, so that the leader, when it was the one that started again, does not assign what nobody would get. */
  async #storeReplaced(member: Member, before: { id: string; protocols: readonly Protocol[]; leader: string }): Promise<void> {
    const generation = this.#generation.number
    const error = await this.#store((one) => one.assignment)
    const isOvertaken = this.#state !== 'Stable' || this.#generation.number !== generation || this.#members.get(member.id) !== member
    if (isOvertaken) return
    member.heard()
    if (error === 'NONE')
      return this.#members.answerJoin(member, { ...this.#generation.joined(member), leader: before.leader, members: [] })
    this.#members.answerJoin(member, joinFailed(NO_MEMBER_ID, error))
    this.#members.setProtocols(member, before.protocols)
    this.#members.rename(member, before.id)
  }

  #maybePrepareRebalance(reason: string): void {
    if (this.#state === 'Empty' || this.#state === 'Stable' || this.#state === 'CompletingRebalance') this.#prepareRebalance(reason)
  }

  #prepareRebalance(reason: string): void {
    if (this.#state === 'CompletingRebalance') this.#refuseSyncs('REBALANCE_IN_PROGRESS')
    const isFirst = this.#state === 'Empty'
    this.#setState('PreparingRebalance')
    this.#ports.logger.info({ group: this.#group, generation: this.#generation.number, reason }, 'group rebalances')
    const { rebalanceTimeoutMs } = this.#members
    if (isFirst) return this.#joinPhase.beginInitial(this.#ports.limits().initialRebalanceDelayMs, rebalanceTimeoutMs)
    this.#joinPhase.begin(rebalanceTimeoutMs)
    this.#endJoinPhaseIfComplete()
  }

  #endJoinPhaseIfComplete(): void {
    if (this.#members.haveAllJoined) this.#joinPhase.endEarly()
  }

  /** Members that did not come back are out, static ones only when their session ends. */
  #completeJoin(): void {
    for (const member of this.#members.all()) if (!member.join && !member.isStatic) this.#members.remove(member)
    if (!this.#members.electJoinedLeader() && this.#members.size > 0) return this.#joinPhase.begin(this.#members.rebalanceTimeoutMs)
    this.#generation.next()
    this.#ports.logger.info(
      { group: this.#group, generation: this.#generation.number, members: this.#members.size },
      'group has a new generation',
    )
    if (this.#members.size === 0) {
      this.#setState('Empty')
      void this.#store(() => NO_BYTES)
      return
    }
    this.#setState('CompletingRebalance')
    for (const member of this.#members.all()) {
      this.#members.answerJoin(member, this.#generation.joined(member))
      member.isNew = false
      member.heard()
    }
  }

  sync(request: SyncRequest): SyncResult | Promise<SyncResult> {
    const member = this.#speaker(request)
    const { protocolType, protocolName } = request
    if (protocolType !== null && protocolType !== this.#generation.protocolType) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
    if (protocolName !== null && protocolName !== this.#generation.protocolName) throw new KafkaError('INCONSISTENT_GROUP_PROTOCOL')
    if (this.#state === 'PreparingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS')
    if (this.#state === 'Stable') {
      member.heard()
      return this.#generation.synced(member)
    }
    const reply = this.#members.awaitSync(member)
    if (this.#members.leader === member.id) void this.#assign(request.assignments)
    return reply
  }

  /** Members that the leader forgot get an empty assignment. */
  async #assign(assignments: ReadonlyMap<string, Buffer>): Promise<void> {
    const generation = this.#generation.number
    const assignmentOf = ({ id }: Member): Buffer => assignments.get(id) ?? NO_BYTES
    const error = await this.#store(assignmentOf)
    if (this.#state !== 'CompletingRebalance' || this.#generation.number !== generation) return
    if (error !== 'NONE') {
      this.#refuseSyncs(error)
      return this.#prepareRebalance('the assignment could not be stored')
    }
    this.#setState('Stable')
    for (const member of this.#members.all()) {
      member.assignment = assignmentOf(member)
      if (this.#members.answerSync(member, this.#generation.synced(member))) member.heard()
    }
  }

  #refuseSyncs(error: ErrorName): void {
    for (const member of this.#members.all()) {
      member.assignment = NO_BYTES
      if (this.#members.answerSync(member, syncFailed(error))) member.heard()
    }
  }

  /** KafkaError REBALANCE_IN_PROGRESS: join again. */
  heartbeat(speaker: Speaker): void {
    this.#speaker(speaker).heard()
    if (this.#state === 'PreparingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS')
  }

  /** One answer for each; NONE: it is out. */
  leave(leavers: readonly Leaver[]): ErrorName[] {
    if (this.#state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    return leavers.map((leaver) => this.#leave(leaver))
  }

  /** A static member may be named by its instance alone. */
  #leave({ memberId, groupInstanceId }: Leaver): ErrorName {
    if (memberId !== NO_MEMBER_ID && this.#members.isFenced(memberId, groupInstanceId)) return 'FENCED_INSTANCE_ID'
    if (groupInstanceId === null && this.#members.isPending(memberId)) {
      this.#members.removePending(memberId)
      this.#endJoinPhaseIfComplete()
      return 'NONE'
    }
    const member = this.#members.ofInstance(groupInstanceId) ?? this.#members.get(memberId)
    if (!member) return 'UNKNOWN_MEMBER_ID'
    this.#remove(member, 'a member leaves')
    return 'NONE'
  }

  #expire(member: Member): void {
    if (member.isExcused || this.#state === 'Dead') return
    this.#ports.logger.info({ group: this.#group, member: member.id }, 'a member was not heard of in time')
    this.#remove(member, 'a member was not heard of in time')
  }

  #remove(member: Member, reason: string): void {
    this.#members.remove(member)
    this.#maybePrepareRebalance(reason)
    this.#endJoinPhaseIfComplete()
  }

  /** Whether this one may commit now: a member, or a client that manages its partitions itself (generation below 0) while nobody is a member. */
  checkCommit(speaker: Speaker): void {
    if (speaker.generationId < 0 && this.#state === 'Empty') return
    const member = this.#speaker(speaker)
    if (this.#state === 'CompletingRebalance') throw new KafkaError('REBALANCE_IN_PROGRESS')
    member.heard()
  }

  describe(): GroupDescription {
    return { state: this.#state, ...this.#generation.describe(this.#state === 'Stable') }
  }

  #speaker({ memberId, groupInstanceId, generationId }: Speaker): Member {
    if (this.#state === 'Dead') throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    if (this.#members.isFenced(memberId, groupInstanceId)) throw new KafkaError('FENCED_INSTANCE_ID')
    const member = this.#members.get(memberId)
    if (!member) throw new KafkaError('UNKNOWN_MEMBER_ID')
    if (generationId !== this.#generation.number) throw new KafkaError('ILLEGAL_GENERATION')
    return member
  }

  async #store(assignmentOf: (member: Member) => Buffer): Promise<ErrorName> {
    const stored = this.#generation.toStore(this.#stateTimestamp, assignmentOf)
    try {
      await this.#ports.store(stored)
      return 'NONE'
    } catch (err) {
      this.#ports.logger.warn({ err, group: this.#group, generation: stored.generation }, 'a group could not be stored')
      return groupStoreError(err)
    }
  }

  #setState(state: GroupState): void {
    this.#state = state
    this.#stateTimestamp = this.#ports.clocks.wall.nowMs()
  }
}
