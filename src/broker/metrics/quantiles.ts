/** Bucket borders grow by this factor, so a quantile is wrong by at most five per cent. */
const GROWTH = 1.1
const SMALLEST_MS = 0.01
const BUCKETS = 240
const WINDOW_MS = 60_000

const bucketOf = (valueMs: number): number =>
  valueMs <= SMALLEST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log(valueMs / SMALLEST_MS) / Math.log(GROWTH)))
const valueOf = (bucket: number): number => (bucket === 0 ? SMALLEST_MS : SMALLEST_MS * GROWTH ** (bucket - 0.5))

/** Times in ms, counted in buckets: the quantiles are those of the last one to two minutes, the count is that of all time. Fixed memory, about 2 KB. */
export class Quantiles {
  #current = new Uint32Array(BUCKETS)
  #previous = new Uint32Array(BUCKETS)
  #startedMs: number
  count = 0

  constructor(nowMs: number) {
    this.#startedMs = nowMs
  }

  add(valueMs: number, nowMs: number): void {
    this.#turn(nowMs)
    this.#current[bucketOf(valueMs)]!++
    this.count++
  }

  /** NaN where nothing was counted lately. */
  quantile(q: number, nowMs: number): number {
    this.#turn(nowMs)
    const total = this.#current.reduce((sum, count, index) => sum + count + this.#previous[index]!, 0)
    let left = Math.ceil(q * total)
    if (total === 0) return Number.NaN
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.#current[bucket]! + this.#previous[bucket]!
      if (left <= 0) return valueOf(bucket)
    }
    return valueOf(BUCKETS - 1)
  }

  #turn(nowMs: number): void {
    const elapsed = nowMs - this.#startedMs
    if (elapsed < WINDOW_MS) return
    this.#previous = elapsed < 2 * WINDOW_MS ? this.#current : new Uint32Array(BUCKETS)
    this.#current = new Uint32Array(BUCKETS)
    this.#startedMs = nowMs
  }
}
