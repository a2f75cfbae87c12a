import type { MonotonicClock, Timer } from '../../base/clock.ts'

/** Calls back once when it was not started again in time. Starting again is cheap, since the timer under it is left to run out. */
export class Countdown {
  readonly #clock: MonotonicClock
  readonly #onEnd: () => void
  #endsMs = Infinity
  #timer: Timer | undefined
  #timerEndsMs = Infinity

  constructor(clock: MonotonicClock, onEnd: () => void) {
    this.#clock = clock
    this.#onEnd = onEnd
  }

  get isRunning(): boolean {
    return this.#endsMs < Infinity
  }

  start(ms: number): void {
    this.#endsMs = this.#clock.nowMs() + ms
    if (this.#timer && this.#timerEndsMs <= this.#endsMs) return
    this.#timer?.cancel()
    this.#schedule(ms)
  }

  stop(): void {
    this.#endsMs = Infinity
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #schedule(ms: number): void {
    this.#timerEndsMs = this.#clock.nowMs() + ms
    this.#timer = this.#clock.schedule(ms, () => this.#fire())
  }

  #fire(): void {
    this.#timer = undefined
    const leftMs = this.#endsMs - this.#clock.nowMs()
    if (leftMs > 0) return this.#schedule(leftMs)
    this.#endsMs = Infinity
    this.#onEnd()
  }
}
