import type { FollowerFetch, Leadership } from './leadership.ts'

/** What a leader knows of one follower. Offsets are -1 while the follower has not fetched from this leader. Times are monotonic ms. */
export type FollowerState = { brokerId: number; logEndOffset: number; logStartOffset: number; lastCaughtUpMs: number }
/** `logEndOffset` and `nowMs` as the leader has them now; `lagTimeMaxMs` is replica.lag.time.max.ms. */
export type LeaderNow = { logEndOffset: number; nowMs: number; lagTimeMaxMs: number }

const UNKNOWN_OFFSET = -1
const NEVER_MS = Number.NEGATIVE_INFINITY

/** A follower is caught up at the time of a fetch that asked from the leader's end; or at its fetch before, when it asks from where the leader ended then. */
class Follower implements FollowerState {
  readonly brokerId: number
  logEndOffset = UNKNOWN_OFFSET
  logStartOffset = UNKNOWN_OFFSET
  lastCaughtUpMs = NEVER_MS
  #leaderEndAtFetch: number
  #fetchedMs: number

  constructor(brokerId: number, leaderEnd: number, nowMs: number) {
    this.brokerId = brokerId
    this.#leaderEndAtFetch = leaderEnd
    this.#fetchedMs = nowMs
  }

  /** A new epoch: an in-sync replica gets the whole time to catch up. */
  restart(isInSync: boolean, leaderEnd: number, nowMs: number): void {
    this.lastCaughtUpMs = isInSync ? nowMs : NEVER_MS
    this.#leaderEndAtFetch = leaderEnd
    this.#fetchedMs = nowMs
  }

  fetched({ fetchOffset, logStartOffset, nowMs }: FollowerFetch, leaderEnd: number): void {
    if (fetchOffset >= leaderEnd) this.lastCaughtUpMs = Math.max(this.lastCaughtUpMs, nowMs)
    else if (fetchOffset >= this.#leaderEndAtFetch) this.lastCaughtUpMs = Math.max(this.lastCaughtUpMs, this.#fetchedMs)
    this.logStartOffset = logStartOffset
    this.logEndOffset = fetchOffset
    this.#leaderEndAtFetch = leaderEnd
    this.#fetchedMs = nowMs
  }
}

/**
 * What a leader believes of its followers in one leader epoch, and what follows from it for the in-sync set and the high watermark. It does no I/O.
 * The rules are those of Kafka 2.6 (kafka.cluster.Partition, Replica), with the set that is being written added as in KIP-497: until its outcome is known,
 * the high watermark counts the old set and the new one.
 */
export class InSyncReplicas {
  readonly #epochStartOffset: number
  readonly #followers: ReadonlyMap<number, Follower>
  #isr: readonly number[]
  #proposed: readonly number[] | undefined

  /** `previous`: this broker has led in the epoch before, too, so what it knows of its followers' logs still holds. */
  constructor(brokerId: number, leadership: Leadership, now: { logEndOffset: number; nowMs: number }, previous?: InSyncReplicas) {
    this.#epochStartOffset = now.logEndOffset
    this.#isr = leadership.isr
    const known = previous && previous.#followers
    this.#followers = new Map(
      leadership.replicas
        .filter((id) => id !== brokerId)
        .map((id) => {
          const follower = known?.get(id) ?? new Follower(id, now.logEndOffset, now.nowMs)
          follower.restart(leadership.isr.includes(id), now.logEndOffset, now.nowMs)
          return [id, follower]
        }),
    )
  }

  /** Where the leader's epoch begins. */
  get epochStartOffset(): number {
    return this.#epochStartOffset
  }
  /** The set that is known to be written. */
  get isr(): readonly number[] {
    return this.#isr
  }
  /** The set that is being written. */
  get proposed(): readonly number[] | undefined {
    return this.#proposed
  }

  follower(brokerId: number): FollowerState | undefined {
    return this.#followers.get(brokerId)
  }
  followers(): Iterable<FollowerState> {
    return this.#followers.values()
  }

  /** `leaderEnd`: the end of the leader's log when it read for the follower. Whether the broker is a follower of this partition. */
  noteFetch(brokerId: number, fetch: FollowerFetch, leaderEnd: number): boolean {
    const follower = this.#followers.get(brokerId)
    follower?.fetched(fetch, leaderEnd)
    return follower !== undefined
  }

  /** A follower that has what consumers may see and everything from before this epoch. */
  canJoin(brokerId: number, highWatermark: number): boolean {
    const follower = this.#followers.get(brokerId)
    if (!follower || this.#isr.includes(brokerId)) return false
    return follower.logEndOffset >= highWatermark && follower.logEndOffset >= this.#epochStartOffset
  }

  /** Those of the in-sync set that are neither at the leader's end nor were lately. */
  outOfSync({ logEndOffset, nowMs, lagTimeMaxMs }: LeaderNow): number[] {
    return this.#isr.filter((id) => {
      const follower = this.#followers.get(id)
      return follower !== undefined && follower.logEndOffset !== logEndOffset && nowMs - follower.lastCaughtUpMs > lagTimeMaxMs
    })
  }

  /**
   * What every replica has that is in sync, or may be already, or has kept up without being in the set: without these the high watermark would run away from a
   * follower that is about to join.
   */
  highWatermark({ logEndOffset, nowMs, lagTimeMaxMs }: LeaderNow): number {
    let offset = logEndOffset
    for (const follower of this.#followers.values()) {
      if (follower.logEndOffset >= offset) continue
      const counts = nowMs - follower.lastCaughtUpMs <= lagTimeMaxMs || this.#mayBeInSync(follower.brokerId)
      if (counts) offset = follower.logEndOffset
    }
    return offset
  }

  /** The first offset of all live replicas' logs: what is below is deleted everywhere. */
  lowWatermark(logStartOffset: number, isAlive: (brokerId: number) => boolean): number {
    let offset = logStartOffset
    for (const follower of this.#followers.values()) {
      if (follower.logStartOffset < offset && isAlive(follower.brokerId)) offset = follower.logStartOffset
    }
    return offset
  }

  propose(isr: readonly number[]): void {
    this.#proposed = isr
  }
  /** `isr` stands in the store. */
  confirm(isr: readonly number[]): void {
    this.#isr = isr
    this.#proposed = undefined
  }
  /** What was proposed is certainly not in the store. */
  withdraw(): void {
    this.#proposed = undefined
  }

  #mayBeInSync(brokerId: number): boolean {
    return this.#isr.includes(brokerId) || (this.#proposed?.includes(brokerId) ?? false)
  }
}
