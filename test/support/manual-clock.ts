import type { MonotonicClock, Timer, WallClock } from '../../src/base/clock.ts'

/** Lets promises and real sockets get on with what is ready. */
export const settle = async (turns = 3): Promise<void> => {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve))
}

type Waiting = { atMs: number; order: number; run: () => void }

/** Time that stands still until a test moves it. */
export class ManualClock implements MonotonicClock {
  #nowMs: number
  #order = 0
  #waiting: Waiting[] = []

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** How many timers wait. */
  get timers(): number {
    return this.#waiting.length
  }

  schedule(ms: number, run: () => void): Timer {
    const waiting = { atMs: this.#nowMs + Math.max(0, ms), order: this.#order++, run }
    this.#waiting.push(waiting)
    return { cancel: () => void (this.#waiting = this.#waiting.filter((other) => other !== waiting)) }
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const timer = this.schedule(ms, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason as Error)
      })
    })
  }

  /** Moves on step by step: each timer runs at its own time, and what follows from it before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#take(untilMs); next; next = this.#take(untilMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.run()
      await settle()
    }
    this.#nowMs = untilMs
  }

  /** Time passes while this process does not run: no timer runs at its own time, all that are due run afterwards. */
  async stall(ms: number): Promise<void> {
    this.#nowMs += ms
    await this.advance(0)
  }

  #take(untilMs: number): Waiting | undefined {
    const due = this.#waiting.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0]
    if (due) this.#waiting = this.#waiting.filter((other) => other !== due)
    return due
  }
}

/** Wall time in step with a monotonic clock. */
export const wallOf = (clock: MonotonicClock, startMs = 1_700_000_000_000): WallClock => ({
  nowMs: () => startMs + Math.floor(clock.nowMs()),
})
