import type { MonotonicClock, Timer } from '../base/clock.ts'

/** Longer than any timer reaches: never. */
const NEVER_MS = 2 ** 31 - 1

/** Runs `work` again and again, `intervalMs` after its last end; the first time after `delayMs`. Resolves `stop` when what runs is done. */
export class Repeat {
  readonly #clock: MonotonicClock
  readonly #intervalMs: number
  readonly #work: () => Promise<void>
  #timer: Timer | undefined
  #running = Promise.resolve()
  #isStopped = false

  constructor(
    clock: MonotonicClock,
    { intervalMs, delayMs = intervalMs }: { intervalMs: number; delayMs?: number },
    work: () => Promise<void>,
  ) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#work = work
    this.#schedule(delayMs)
  }

  #schedule(ms: number): void {
    if (this.#isStopped || this.#intervalMs >= NEVER_MS) return
    this.#timer = this.#clock.schedule(ms, () => {
      this.#running = this.#work().finally(() => this.#schedule(this.#intervalMs))
    })
  }

  stop(): Promise<void> {
    this.#isStopped = true
    this.#timer?.cancel()
    return this.#running
  }
}
