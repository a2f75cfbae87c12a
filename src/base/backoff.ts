/** Exponential backoff with full jitter between half and the whole of the delay. `random` returns 0 <= x < 1. */
export class Backoff {
  readonly #baseMs: number
  readonly #maxMs: number
  readonly #random: () => number
  #attempt = 0

  constructor(options: { baseMs: number; maxMs: number; random?: () => number }) {
    this.#baseMs = options.baseMs
    this.#maxMs = options.maxMs
    this.#random = options.random ?? Math.random
  }

  /** The delay before the next attempt. */
  nextMs(): number {
    const fullMs = Math.min(this.#maxMs, this.#baseMs * 2 ** Math.min(this.#attempt++, 30))
    return fullMs / 2 + (fullMs / 2) * this.#random()
  }

  reset(): void {
    this.#attempt = 0
  }
}
