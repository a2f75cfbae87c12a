import type { MonotonicClock, Timer } from '../../base/clock.ts'

/** After a call of so many parts, and so shortly after it, there is a burst. */
const LARGE = 10
const BURST_MS = 1000

type Waiting<I, O> = { input: I; resolve: (output: O) => void; reject: (error: unknown) => void }

/**
 * Gathers what is asked for in a burst into one call: it goes when nothing more has come for `quietMs`,
 * and at the latest `maxDelayMs` after its first part. Behind a large call others are waited for so long: more will come. Each caller gets the outcome of its own part; when the call fails, all get its error.
 */
export class Batch<I, O> {
  readonly #send: (inputs: I[]) => Promise<O[]>
  readonly #clock: MonotonicClock
  readonly #quietMs: number
  readonly #maxDelayMs: number
  readonly #maxSize: number
  #waiting: Waiting<I, O>[] = []
  #firstMs = 0
  #burstUntilMs = 0
  #timer: Timer | undefined

  constructor(options: {
    send: (inputs: I[]) => Promise<O[]>
    clock: MonotonicClock
    quietMs?: number
    maxDelayMs?: number
    maxSize?: number
  }) {
    this.#send = options.send
    this.#clock = options.clock
    this.#quietMs = options.quietMs ?? 15
    this.#maxDelayMs = options.maxDelayMs ?? 100
    this.#maxSize = options.maxSize ?? 200
  }

  ask(input: I): Promise<O> {
    return new Promise((resolve, reject) => {
      const nowMs = this.#clock.nowMs()
      if (this.#waiting.length === 0) this.#firstMs = nowMs
      this.#waiting.push({ input, resolve, reject })
      this.#timer?.cancel()
      const quietMs = nowMs < this.#burstUntilMs ? this.#maxDelayMs : this.#quietMs
      const delayMs = Math.min(quietMs, this.#firstMs + this.#maxDelayMs - nowMs)
      if (this.#waiting.length >= this.#maxSize || delayMs <= 0) void this.#flush()
      else this.#timer = this.#clock.schedule(delayMs, () => void this.#flush())
    })
  }

  async #flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    if (batch.length >= LARGE) this.#burstUntilMs = this.#clock.nowMs() + BURST_MS
    try {
      const outputs = await this.#send(batch.map(({ input }) => input))
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index]!)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
