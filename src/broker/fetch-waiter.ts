import type { MonotonicClock, Timer } from '../base/clock.ts'

/** Partitions whose readable end moved in this turn; who waits for them is woken once, at its end. */
export class WakeQueue {
  #dirty: Set<FetchWaiter> | undefined

  wake(waiters: Iterable<FetchWaiter>): void {
    if (!this.#dirty) {
      this.#dirty = new Set()
      setImmediate(() => {
        const woken = this.#dirty!
        this.#dirty = undefined
        for (const waiter of woken) waiter.wake()
      })
    }
    for (const waiter of waiters) this.#dirty.add(waiter)
  }
}

/** What a waiter can be registered with. */
export interface Watched {
  readonly waiters: Set<FetchWaiter>
}

/** A Fetch that waits for more records in any of its partitions, until its time is over or its connection ends. At most one per connection. */
export class FetchWaiter {
  readonly #watched: readonly Watched[]
  readonly #signal: AbortSignal
  readonly #timer: Timer
  readonly #abort = (): void => this.#expire()
  #isExpired = false
  #changed = Promise.withResolvers<void>()

  constructor(watched: readonly Watched[], options: { clock: MonotonicClock; maxWaitMs: number; signal: AbortSignal }) {
    this.#watched = watched
    this.#signal = options.signal
    for (const { waiters } of watched) waiters.add(this)
    this.#timer = options.clock.schedule(options.maxWaitMs, () => this.#expire())
    if (options.signal.aborted) this.#expire()
    else options.signal.addEventListener('abort', this.#abort, { once: true })
  }

  get isExpired(): boolean {
    return this.#isExpired
  }

  /** Resolves when a partition changed since the last call, or the waiter expired. */
  async changed(): Promise<void> {
    await this.#changed.promise
    if (!this.#isExpired) this.#changed = Promise.withResolvers<void>()
  }

  wake(): void {
    this.#changed.resolve()
  }

  /** Must be called at the end. */
  end(): void {
    this.#timer.cancel()
    this.#signal.removeEventListener('abort', this.#abort)
    for (const { waiters } of this.#watched) waiters.delete(this)
  }

  #expire(): void {
    this.#isExpired = true
    this.#changed.resolve()
  }
}
