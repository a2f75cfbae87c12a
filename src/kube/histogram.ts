/** Upper bounds in seconds: from a look that finds nothing to do up to a deadline. */
const BOUNDS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120] as const
/** How long `max` remembers at least; at most twice as long. */
const WINDOW_MS = 60_000

export type HistogramBucket = { le: string; count: number }

/** How long things took, in a fixed amount of memory. `max` is that of the last one to two minutes. */
export class Histogram {
  readonly #counts = Array.from({ length: BOUNDS_S.length + 1 }, () => 0)
  #sum = 0
  #count = 0
  #window = { startMs: -Infinity, max: 0, before: 0 }

  add(seconds: number, nowMs: number): void {
    const at = BOUNDS_S.findIndex((bound) => seconds <= bound)
    this.#counts[at < 0 ? BOUNDS_S.length : at]!++
    this.#sum += seconds
    this.#count++
    this.#turn(nowMs)
    this.#window.max = Math.max(this.#window.max, seconds)
  }

  get sum(): number {
    return this.#sum
  }

  get count(): number {
    return this.#count
  }

  maxSeconds(nowMs: number): number {
    this.#turn(nowMs)
    return Math.max(this.#window.max, this.#window.before)
  }

  /** Cumulative, as Prometheus wants them; the last one is +Inf. */
  buckets(): HistogramBucket[] {
    let count = 0
    return [...BOUNDS_S.map(String), '+Inf'].map((le, index) => ({ le, count: (count += this.#counts[index]!) }))
  }

  #turn(nowMs: number): void {
    const { startMs, max } = this.#window
    if (nowMs - startMs < WINDOW_MS) return
    this.#window = { startMs: nowMs, max: 0, before: nowMs - startMs < 2 * WINDOW_MS ? max : 0 }
  }
}
