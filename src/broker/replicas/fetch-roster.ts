import type { MonotonicClock } from '../../base/clock.ts'
import type { FollowedPartition } from './fetch-partition.ts'
import { FollowedSet } from './fetch-set.ts'

/** A partition that failed for another reason than a newer epoch is tried again from the start, so that it heals when its cause is gone. */
const FAILED_RETRY_MS = 10_000
/** How long throttled partitions are left out before the rate is looked at again. */
const HELD_MS = 100

/** The partitions of one fetcher, and which of them have to wait, or to be cut, or to be asked for otherwise than before. */
export class Roster {
  readonly followed = new FollowedSet()
  /** For which the next request may have to say something else than the last one. */
  readonly changed = new Set<FollowedPartition>()
  readonly #clock: MonotonicClock
  readonly #truncating = new Set<FollowedPartition>()
  readonly #delayed = new Set<FollowedPartition>()
  /** Left out because of the throttle. */
  readonly #held = new Set<FollowedPartition>()
  readonly #failed = new Set<FollowedPartition>()

  constructor(clock: MonotonicClock) {
    this.#clock = clock
  }

  get failedCount(): number {
    return this.#failed.size
  }
  /** Somebody is left out only for some time. */
  get isAnyoneWaiting(): boolean {
    return this.#delayed.size > 0 || this.#held.size > 0
  }

  holds(followed: FollowedPartition): boolean {
    return this.followed.holds(followed)
  }

  add(followed: FollowedPartition): void {
    this.followed.add(followed)
    if (followed.isTruncating) this.#truncating.add(followed)
    else this.changed.add(followed)
  }

  remove(followed: FollowedPartition): void {
    if (!this.holds(followed)) return
    this.followed.remove(followed)
    for (const set of [this.#truncating, this.#delayed, this.#held, this.#failed]) set.delete(followed)
    this.changed.add(followed)
  }

  /** Those whose logs can be compared with the leader's now. */
  toTruncate(): FollowedPartition[] {
    if (this.#truncating.size === 0) return []
    return [...this.#truncating].filter((followed) => !this.#delayed.has(followed))
  }

  /** Its log fits the leader's: it may be fetched. */
  truncated(followed: FollowedPartition): void {
    this.#truncating.delete(followed)
    this.changed.add(followed)
    followed.succeeded()
  }

  isFetchable(followed: FollowedPartition): boolean {
    return !followed.isTruncating && !this.#delayed.has(followed)
  }

  /** Left out of one request by the throttle. */
  hold(followed: FollowedPartition): void {
    this.#held.add(followed)
  }
  /** To be looked at anew, for the next request. */
  endHolds(): void {
    for (const followed of this.#held) this.changed.add(followed)
    this.#held.clear()
  }

  delay(followed: FollowedPartition, maxMs: number): void {
    if (!this.holds(followed)) return
    followed.delay(this.#clock.nowMs(), maxMs)
    this.#delayed.add(followed)
    this.changed.add(followed)
  }

  /** Counts as failed. `isFinal`: only another epoch, another object, can help. */
  fail(followed: FollowedPartition, isFinal: boolean): void {
    if (!this.holds(followed)) return
    followed.truncating()
    followed.delayedUntilMs = isFinal ? Infinity : this.#clock.nowMs() + FAILED_RETRY_MS
    for (const set of [this.#failed, this.#delayed, this.#truncating, this.changed]) set.add(followed)
  }

  endDelays(): void {
    if (this.#delayed.size === 0) return
    const nowMs = this.#clock.nowMs()
    for (const followed of this.#delayed) {
      if (followed.delayedUntilMs > nowMs) continue
      this.#delayed.delete(followed)
      this.#failed.delete(followed)
      this.changed.add(followed)
    }
  }

  /** How long until somebody who is left out now may be asked for; Infinity: nobody is. */
  untilNextMs(): number {
    const nowMs = this.#clock.nowMs()
    let untilMs = this.#held.size > 0 ? nowMs + HELD_MS : Infinity
    for (const { delayedUntilMs } of this.#delayed) untilMs = Math.min(untilMs, delayedUntilMs)
    return Math.max(untilMs - nowMs, 0)
  }
}
