import type { MonotonicClock, Timer } from '../base/clock.ts'

/** A connection that holds bytes of a budget. */
export interface Holder {
  readonly heldBytes: number
  /** Monotonic ms when the held bytes last changed. */
  readonly progressMs: number
  /** Called when the budget has room again. */
  resume(): void
  close(reason: string): void
}

const CHECK_MS = 1000
/** Under pressure a holder that stands still for so long gives its memory back by being closed. */
const STALLED_MS = 10_000

/**
 * Bytes that all connections hold together, of requests or of responses. The limit is a soft one: who is over it waits, and what one step of one
 * connection brings is always taken in, so the limit can be passed by that much per connection. So that waiting ends, one holder at a time may go on
 * although the budget is used up (`mayGoOn`), and holders that stand still meanwhile are closed.
 */
export class MemoryBudget {
  readonly limitBytes: number
  readonly #name: string
  readonly #clock: MonotonicClock
  #usedBytes = 0
  #waiting = new Set<Holder>()
  readonly #holders = new Set<Holder>()
  #favoured: Holder | undefined
  #pendingCheck: Timer | undefined

  constructor(options: { name: string; limitBytes: number; clock: MonotonicClock }) {
    this.#name = options.name
    this.limitBytes = options.limitBytes
    this.#clock = options.clock
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get isUsedUp(): boolean {
    return this.#usedBytes > this.limitBytes
  }

  /** Whether this holder may take more in: there is room, or it is the one that may go on without. */
  mayGoOn(holder: Holder): boolean {
    if (!this.isUsedUp) return true
    this.#favoured ??= holder
    return this.#favoured === holder
  }

  /** The holder has what it needed; another one may go on. */
  settle(holder: Holder): void {
    if (this.#favoured !== holder) return
    const [next] = this.#waiting
    this.#favoured = next
    if (!next) return
    this.#waiting.delete(next)
    next.resume()
  }

  add(bytes: number): void {
    this.#usedBytes += bytes
  }

  /** Gives bytes back and wakes who waits, when there is room. */
  release(bytes: number): void {
    this.#usedBytes -= bytes
    if (this.#waiting.size === 0 || this.isUsedUp) return
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const holder of waiting) {
      if (this.isUsedUp) this.#waiting.add(holder)
      else holder.resume()
    }
  }

  /** `holder.resume` is called when there is room; a holder that waits is in the list of those that may be closed. */
  wait(holder: Holder): void {
    this.#waiting.add(holder)
    this.#pendingCheck ??= this.#clock.schedule(CHECK_MS, () => this.#closeStalled())
  }

  /** Makes a holder known, as long as it holds bytes. */
  enter(holder: Holder): void {
    this.#holders.add(holder)
  }

  leave(holder: Holder): void {
    this.#holders.delete(holder)
    this.#waiting.delete(holder)
    this.settle(holder)
  }

  #closeStalled(): void {
    this.#pendingCheck?.cancel()
    this.#pendingCheck = undefined
    if (!this.isUsedUp) return
    const stalledBefore = this.#clock.nowMs() - STALLED_MS
    const stalled = [...this.#holders].filter((holder) => holder.heldBytes > 0 && holder.progressMs <= stalledBefore)
    let excessBytes = this.#usedBytes - this.limitBytes
    for (const holder of stalled.sort((a, b) => b.heldBytes - a.heldBytes)) {
      if (excessBytes <= 0) break
      excessBytes -= holder.heldBytes
      holder.close(`stood still for ${STALLED_MS} ms while all ${this.limitBytes} bytes for ${this.#name} were in use`)
    }
    if (this.#waiting.size > 0) this.#pendingCheck ??= this.#clock.schedule(CHECK_MS, () => this.#closeStalled())
  }
}
