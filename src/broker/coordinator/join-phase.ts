import type { MonotonicClock, Timer } from '../../base/clock.ts'

/** Decides when a rebalance has waited long enough for members to join. Source: DelayedJoin and InitialDelayedJoin of 2.6.3. */
export class JoinPhase {
  readonly #clock: MonotonicClock
  readonly #onEnd: () => void
  #timer: Timer | undefined
  /** The first rebalance of an empty group waits for its delay even when all known members are there. */
  #isInitial = false
  #hasNewMember = false

  constructor(clock: MonotonicClock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  begin(timeoutMs: number): void {
    this.#isInitial = false
    this.#restart(timeoutMs, () => this.end())
  }

  /** Each new member makes it wait another `delayMs`, as long as the members' rebalance time-out allows. */
  beginInitial(delayMs: number, rebalanceTimeoutMs: number): void {
    this.#isInitial = true
    this.#hasNewMember = false
    this.#waitInitially(delayMs, { delayMs, remainingMs: Math.max(rebalanceTimeoutMs - delayMs, 0) })
  }

  noteNewMember(): void {
    this.#hasNewMember = true
  }

  /** All members are there. */
  endEarly(): void {
    if (this.#timer && !this.#isInitial) this.end()
  }

  end(): void {
    this.cancel()
    this.#onEnd()
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #waitInitially(waitMs: number, { delayMs, remainingMs }: { delayMs: number; remainingMs: number }): void {
    this.#restart(waitMs, () => {
      if (!this.#hasNewMember || remainingMs === 0) return this.end()
      this.#hasNewMember = false
      const nextMs = Math.min(delayMs, remainingMs)
      this.#waitInitially(nextMs, { delayMs, remainingMs: Math.max(remainingMs - waitMs, 0) })
    })
  }

  #restart(ms: number, onEnd: () => void): void {
    this.cancel()
    this.#timer = this.#clock.schedule(ms, onEnd)
  }
}
