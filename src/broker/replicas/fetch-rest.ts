import type { MonotonicClock } from '../../base/clock.ts'

/** Where a loop waits for something to do. A call that comes while it works is not lost: the next rest is over at once. */
export class Rest {
  readonly #clock: MonotonicClock
  #called = Promise.withResolvers<void>()

  constructor(clock: MonotonicClock) {
    this.#clock = clock
  }

  /** Until `end` is called, at most `ms`; Infinity: until then. */
  async upTo(ms: number): Promise<void> {
    const timer = Number.isFinite(ms) ? this.#clock.schedule(Math.max(0, ms), () => this.end()) : undefined
    await this.#called.promise
    timer?.cancel()
    this.#called = Promise.withResolvers<void>()
  }

  end(): void {
    this.#called.resolve()
  }
}
