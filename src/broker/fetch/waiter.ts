import type { MonotonicClock, Timer } from '../../base/clock.ts'

/** What moved in a partition: the end of its log, which its followers read; or what consumers see of it. */
export type Moved = 'logEnd' | 'visible'

/** Who waits for what moved in this turn; all of them are woken once, at its end. */
export class WakeQueue {
  #dirty: Set<FetchWaiter> | undefined

  /** Without `moved`, whoever waits has to look again. */
  wake(waiters: Iterable<FetchWaiter>, moved?: Moved): void {
    for (const waiter of waiters) if (moved === undefined || waiter.awaits === moved) this.#wakeSoon(waiter)
  }

  #wakeSoon(waiter: FetchWaiter): void {
    if (!this.#dirty) {
      this.#dirty = new Set()
      setImmediate(() => {
        const woken = this.#dirty!
        this.#dirty = undefined
        for (const one of woken) one.wake()
      })
    }
    this.#dirty.add(waiter)
  }
}

/** What a waiter can be registered with. */
export interface Watched {
  readonly waiters: Set<FetchWaiter>
}

/** A Fetch that waits for more records in any of its partitions, until its time is over or its connection ends. At most one per connection. */
export class FetchWaiter {
  readonly awaits: Moved
  readonly #watched: readonly Watched[]
  readonly #signal: AbortSignal
  readonly #timer: Timer
  readonly #abort = (): void => this.#expire()
  #isExpired = false
  #changed = Promise.withResolvers<void>()

  constructor(watched: readonly Watched[], options: { awaits: Moved; clock: MonotonicClock; maxWaitMs: number; signal: AbortSignal }) {
    this.awaits = options.awaits
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
