/** Those who wait until offsets are replicated; in the order of the offsets, which is that of the appends. */
export class ReplicatedWaiters {
  #waiting: { offset: number; resolve: () => void; reject: (error: Error) => void }[] = []

  get size(): number {
    return this.#waiting.length
  }

  /** Resolves when the high watermark reaches `offset`. */
  wait(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter = { offset, resolve, reject }
      const after = this.#waiting.findLastIndex((other) => other.offset <= offset)
      this.#waiting.splice(after + 1, 0, waiter)
    })
  }

  reached(highWatermark: number): void {
    if (this.#waiting.length === 0 || this.#waiting[0]!.offset > highWatermark) return
    const firstLater = this.#waiting.findIndex(({ offset }) => offset > highWatermark)
    const done = this.#waiting.splice(0, firstLater < 0 ? this.#waiting.length : firstLater)
    for (const { resolve } of done) resolve()
  }

  fail(error: Error): void {
    const failed = this.#waiting
    this.#waiting = []
    for (const { reject } of failed) reject(error)
  }
}
