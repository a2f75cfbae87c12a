import type { MonotonicClock, Timer } from '../../base/clock.ts'

/** A leader that does not answer delays the others by no more. */
const WAIT_MS = 200

/**
 * The order within one event: whoever leads a partition hears of it first, the others when all these have answered. A follower that came to its leader too early
 * would be refused, and Apache's tries again only after replica.fetch.backoff.ms; a client that the old leader sends away finds the new one ready.
 */
export class LeadersFirst {
  readonly #clock: MonotonicClock
  readonly #untold = new Set<object>()
  readonly #told = Promise.withResolvers<void>()
  #timer: Timer | undefined
  #isOver = false

  constructor(clock: MonotonicClock) {
    this.#clock = clock
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Resolves when every leader has answered, or after a moment. */
  get told(): Promise<void> {
    return this.#told.promise
  }

  expect(leader: object): void {
    this.#untold.add(leader)
  }

  /** After the last `expect`. */
  start(): void {
    if (this.#untold.size === 0) this.#end()
    else this.#timer = this.#clock.schedule(WAIT_MS, () => this.#end())
  }

  hasAnswered(leader: object): void {
    this.#untold.delete(leader)
    if (this.#untold.size === 0) this.#end()
  }

  #end(): void {
    this.#timer?.cancel()
    this.#isOver = true
    this.#untold.clear()
    this.#told.resolve()
  }
}
