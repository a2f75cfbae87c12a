import type { MonotonicClock } from '../../base/clock.ts'

type Waiting<I, O> = { input: I; resolve: (output: O) => void; reject: (error: unknown) => void }

/** Gathers what is asked for within a short time into one call. Each caller gets the outcome of its own part; when the call fails, all get its error. */
export class Batch<I, O> {
  readonly #send: (inputs: I[]) => Promise<O[]>
  readonly #clock: MonotonicClock
  readonly #delayMs: number
  readonly #maxSize: number
  #waiting: Waiting<I, O>[] = []

  constructor(options: { send: (inputs: I[]) => Promise<O[]>; clock: MonotonicClock; delayMs?: number; maxSize?: number }) {
    this.#send = options.send
    this.#clock = options.clock
    this.#delayMs = options.delayMs ?? 10
    this.#maxSize = options.maxSize ?? 200
  }

  ask(input: I): Promise<O> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ input, resolve, reject })
      if (this.#waiting.length === 1) this.#clock.schedule(this.#delayMs, () => void this.#flush())
      if (this.#waiting.length >= this.#maxSize) void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const batch = this.#waiting
    this.#waiting = []
    if (batch.length === 0) return
    try {
      const outputs = await this.#send(batch.map(({ input }) => input))
      for (const [index, { resolve }] of batch.entries()) resolve(outputs[index]!)
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
