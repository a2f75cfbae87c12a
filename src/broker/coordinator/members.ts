import type { MonotonicClock } from '../../base/clock.ts'
import { Countdown } from './countdown.ts'
import { Member, type MemberFields } from './member.ts'
import { joinFailed, type JoinResult, type Protocol, type SyncResult, syncFailed } from './messages.ts'

/** Ids that were handed out and not yet used; beyond, the oldest is forgotten and its client asks again. */
const MAX_PENDING = 10_000

/** The members of one group, their leader, the ids that were promised, and who waits for an answer. */
export class Members {
  readonly #clock: MonotonicClock
  readonly #onExpired: (member: Member) => void
  readonly #members = new Map<string, Member>()
  readonly #instances = new Map<string, string>()
  readonly #pending = new Map<string, Countdown>()
  /** How many members support a protocol. */
  readonly #supporters = new Map<string, number>()
  #awaitingJoin = 0
  leader: string | null = null

  constructor(clock: MonotonicClock, onExpired: (member: Member) => void) {
    this.#clock = clock
    this.#onExpired = onExpired
  }

  get size(): number {
    return this.#members.size
  }
  get pendingCount(): number {
    return this.#pending.size
  }
  get awaitingJoin(): number {
    return this.#awaitingJoin
  }
  get haveAllJoined(): boolean {
    return this.#awaitingJoin === this.#members.size && this.#pending.size === 0
  }
  /** The longest that one of them asks for; 0 without members. */
  get rebalanceTimeoutMs(): number {
    let longest = 0
    for (const member of this.#members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
    return longest
  }

  all(): IterableIterator<Member> {
    return this.#members.values()
  }
  get(id: string): Member | undefined {
    return this.#members.get(id)
  }
  isPending(id: string): boolean {
    return this.#pending.has(id)
  }
  ofInstance(groupInstanceId: string | null): Member | undefined {
    if (groupInstanceId === null) return undefined
    const id = this.#instances.get(groupInstanceId)
    return id === undefined ? undefined : this.#members.get(id)
  }
  /** Another member has taken the instance over. */
  isFenced(memberId: string, groupInstanceId: string | null): boolean {
    const owner = this.ofInstance(groupInstanceId)
    return owner !== undefined && owner.id !== memberId
  }

  /** The first one leads. */
  add(fields: MemberFields): Member {
    const member = new Member(fields, this.#clock, this.#onExpired)
    this.removePending(member.id)
    this.#members.set(member.id, member)
    if (member.groupInstanceId !== null) this.#instances.set(member.groupInstanceId, member.id)
    this.leader ??= member.id
    this.#count(member.protocols, 1)
    return member
  }

  /** Whoever waits on its behalf is told that it is no member any more. */
  remove(member: Member): void {
    this.answerJoin(member, joinFailed('', 'UNKNOWN_MEMBER_ID'))
    this.answerSync(member, syncFailed('UNKNOWN_MEMBER_ID'))
    member.session.stop()
    this.#members.delete(member.id)
    if (member.groupInstanceId !== null) this.#instances.delete(member.groupInstanceId)
    this.#count(member.protocols, -1)
    if (this.leader === member.id) this.leader = this.#members.keys().next().value ?? null
  }

  /** A promised id; forgotten when nobody joins with it in time. */
  addPending(id: string, timeoutMs: number, onExpired: () => void): void {
    const oldest = this.#pending.keys().next().value
    if (this.#pending.size >= MAX_PENDING && oldest !== undefined) this.removePending(oldest)
    const countdown = new Countdown(this.#clock, () => {
      this.#pending.delete(id)
      onExpired()
    })
    this.#pending.set(id, countdown)
    countdown.start(timeoutMs)
  }

  removePending(id: string): void {
    this.#pending.get(id)?.stop()
    this.#pending.delete(id)
  }

  /** A static member came back under another id: requests under the old one are fenced. */
  rename(member: Member, id: string): void {
    this.answerJoin(member, joinFailed(member.id, 'FENCED_INSTANCE_ID'))
    this.answerSync(member, syncFailed('FENCED_INSTANCE_ID'))
    this.#members.delete(member.id)
    if (this.leader === member.id) this.leader = id
    member.id = id
    this.#members.set(id, member)
    if (member.groupInstanceId !== null) this.#instances.set(member.groupInstanceId, id)
  }

  setProtocols(member: Member, protocols: readonly Protocol[]): void {
    this.#count(member.protocols, -1)
    member.protocols = protocols
    this.#count(protocols, 1)
  }

  /** A member that asks twice waits once. */
  awaitJoin(member: Member): Promise<JoinResult> {
    if (!member.join) {
      member.join = Promise.withResolvers()
      this.#awaitingJoin++
    }
    return member.join.promise
  }

  answerJoin(member: Member, result: JoinResult): void {
    if (!member.join) return
    member.join.resolve(result)
    member.join = undefined
    this.#awaitingJoin--
  }

  awaitSync(member: Member): Promise<SyncResult> {
    member.sync ??= Promise.withResolvers()
    return member.sync.promise
  }

  /** Whether somebody waited. */
  answerSync(member: Member, result: SyncResult): boolean {
    if (!member.sync) return false
    member.sync.resolve(result)
    member.sync = undefined
    return true
  }

  /** Whether all members support one of these. */
  shareOneOf(protocols: readonly Protocol[]): boolean {
    return protocols.some(({ name }) => (this.#supporters.get(name) ?? 0) === this.#members.size)
  }

  /** Each member votes for the first of its protocols that all support; most votes win. At least one member. */
  selectProtocol(): string {
    const votes = new Map<string, number>()
    for (const { protocols } of this.#members.values()) {
      const choice = protocols.find(({ name }) => this.#supporters.get(name) === this.#members.size)
      if (choice) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    const [winner] = [...votes].sort(([, a], [, b]) => b - a)
    if (!winner) throw new Error('the members of a group share no protocol')
    return winner[0]
  }

  /** A leader that did not come back loses its office to one that did; false when nobody came. */
  electJoinedLeader(): boolean {
    const leader = this.leader === null ? undefined : this.#members.get(this.leader)
    if (!leader) return false
    if (leader.join) return true
    const joined = [...this.#members.values()].find(({ join }) => join)
    if (joined) this.leader = joined.id
    return joined !== undefined
  }

  stopTimers(): void {
    for (const { session } of this.#members.values()) session.stop()
    for (const countdown of this.#pending.values()) countdown.stop()
    this.#pending.clear()
  }

  #count(protocols: readonly Protocol[], by: 1 | -1): void {
    for (const name of new Set(protocols.map(({ name }) => name))) {
      const count = (this.#supporters.get(name) ?? 0) + by
      if (count === 0) this.#supporters.delete(name)
      else this.#supporters.set(name, count)
    }
  }
}
