/** What all logs of a broker have written, and how much of it surely still is in the page cache. */
export class PageCacheShare {
  readonly warmBytes: number
  writtenBytes = 0

  /** `warmBytes`: of the last bytes written by all logs together. */
  constructor(warmBytes: number) {
    this.warmBytes = warmBytes
  }
}

const STEP_BYTES = 16 << 20

/**
 * From which offset on one log's records were written so recently that reading them asks no medium. What was read or written at another time may be in the page cache as
 * well, but nobody can tell, and a read that waits for a medium would stop the event loop.
 */
export class WarmWrites {
  readonly #share: PageCacheShare
  /** Where the log was when so many bytes had been written, ascending. */
  #steps: { offset: number; writtenBytes: number }[] = []
  #bytesSinceStep = 0

  constructor(share: PageCacheShare) {
    this.#share = share
  }

  noteWrite(bytes: number, firstOffset: number): void {
    if (this.#steps.length === 0 || this.#bytesSinceStep >= STEP_BYTES) {
      this.#steps.push({ offset: firstOffset, writtenBytes: this.#share.writtenBytes })
      this.#bytesSinceStep = 0
    }
    this.#bytesSinceStep += bytes
    this.#share.writtenBytes += bytes
  }

  /** The log ends at `offset` now. */
  noteCut(offset: number): void {
    this.#steps = this.#steps.filter((step) => step.offset < offset)
  }

  has(offset: number): boolean {
    const { writtenBytes, warmBytes } = this.#share
    while (this.#steps.length > 0 && this.#steps[0]!.writtenBytes < writtenBytes - warmBytes) this.#steps.shift()
    return this.#steps.length > 0 && offset >= this.#steps[0]!.offset
  }
}
