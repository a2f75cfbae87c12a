import type { Logger } from '../base/logger.ts'

/** What the flusher needs of a log. */
export interface Flushable {
  readonly unsyncedBytes: number
  flush(): Promise<void>
}

/** Flushes that run at a time: enough to keep a disk busy, few enough to leave threads of the pool to reads. */
const CONCURRENCY = 2
/** Unsynced bytes from which the background begins to flush: what one fsync holds up stays small, and the disk always has something to do. */
const STEP_BYTES = 32 << 20

/**
 * Forces logs to the medium in the background, and holds the budget of bytes that wait for it: below it appends are synchronous writes into the page
 * cache; above it the kernel might stop the event loop in a write, so appenders wait for `room`. The logs with the most unsynced bytes are flushed in
 * steps, long before the budget is used up. The kernel writes on its own too, so the count is an upper bound.
 */
export class Flusher {
  readonly #budgetBytes: number
  readonly #stepBytes: number
  readonly #logger: Logger
  readonly #wanted = new Set<Flushable>()
  readonly #dirty = new Set<Flushable>()
  #unsyncedBytes = 0
  #running = 0
  #roomMade = Promise.withResolvers<void>()
  #idle = Promise.withResolvers<void>()

  constructor({ budgetBytes, logger }: { budgetBytes: number; logger: Logger }) {
    this.#budgetBytes = budgetBytes
    this.#stepBytes = Math.min(STEP_BYTES, budgetBytes / 4)
    this.#logger = logger
    this.#idle.resolve()
  }

  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }
  get isFull(): boolean {
    return this.#unsyncedBytes >= this.#budgetBytes
  }

  /** Resolves when appends may write again. */
  async room(): Promise<void> {
    while (this.isFull) await this.#roomMade.promise
  }

  wrote(log: Flushable, bytes: number): void {
    this.#unsyncedBytes += bytes
    this.#dirty.add(log)
    if (this.#unsyncedBytes > this.#stepBytes && this.#wanted.size === 0 && this.#running === 0) this.#drain()
  }

  /** `bytes` of the log are on the medium, or gone with their file. */
  synced(log: Flushable, bytes: number): void {
    if (log.unsyncedBytes === 0) this.#dirty.delete(log)
    if (bytes === 0) return
    this.#unsyncedBytes -= bytes
    if (this.isFull) return
    this.#roomMade.resolve()
    this.#roomMade = Promise.withResolvers<void>()
  }

  /** Flushes soon, off the path of whoever asks. A failure is the log's to report. */
  request(log: Flushable): void {
    this.#wanted.add(log)
    if (this.#running >= CONCURRENCY) return
    if (this.#running === 0) this.#idle = Promise.withResolvers<void>()
    this.#running++
    void this.#work()
  }

  /** Resolves when nothing that was requested is left. */
  idle(): Promise<void> {
    return this.#idle.promise
  }

  #drain(): void {
    const byNeed = [...this.#dirty].sort((a, b) => b.unsyncedBytes - a.unsyncedBytes)
    let left = this.#unsyncedBytes
    for (const log of byNeed) {
      if (left <= this.#stepBytes / 2) return
      left -= log.unsyncedBytes
      this.request(log)
    }
  }

  async #work(): Promise<void> {
    // Whoever asks in this turn is served in the same round.
    await Promise.resolve()
    for (const log of this.#wanted) {
      this.#wanted.delete(log)
      try {
        await log.flush()
      } catch (error) {
        this.#logger.error({ err: error }, 'flush failed')
      }
    }
    this.#running--
    if (this.#running > 0) return
    this.#idle.resolve()
    // What was written meanwhile may fill the budget, and those who wait for room write nothing that would bring us here again.
    if (this.#unsyncedBytes > this.#stepBytes) this.#drain()
  }
}
