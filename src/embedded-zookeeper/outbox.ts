import { encodeRecord, type Storage } from './storage.ts'
import type { Transaction } from './change.ts'
import type { ZooKeeperState } from './state.ts'

/** Where answers go: a connection. `undefined` ends it after what came before. */
export interface Sink {
  deliver(bytes: Buffer | undefined): void
}

type Held = { after: number; sink: Sink; bytes: Buffer | undefined }

/**
 * Holds every answer and event until the transactions before it are on disk: nobody is told of a change, or shown it by a read, that a power loss could
 * take back. All transactions of an event-loop turn share one fsync, and so do all that come while one is under way.
 */
export class Outbox {
  readonly #storage: Storage
  readonly #state: ZooKeeperState
  readonly #failed: (cause: Error) => void
  #records: Buffer[] = []
  #held: Held[] = []
  /** The first of `#held` that is not yet delivered. */
  #head = 0
  #appended = 0
  #durable = 0
  #flushing: Promise<void> | undefined
  #isBroken = false

  /** `failed` is called once when the disk does not take the log; nothing is delivered from then on. */
  constructor(storage: Storage, state: ZooKeeperState, failed: (cause: Error) => void) {
    this.#storage = storage
    this.#state = state
    this.#failed = failed
  }

  /** The transaction is applied already; whatever is sent from now on waits for it. */
  append(transaction: Transaction): void {
    if (this.#isBroken) return
    this.#records.push(encodeRecord(transaction))
    this.#appended++
    this.#flushing ??= this.#flush()
  }

  send(sink: Sink, bytes: Buffer | undefined): void {
    if (this.#isBroken) return
    if (this.#durable === this.#appended && this.#head === this.#held.length) sink.deliver(bytes)
    else this.#held.push({ after: this.#appended, sink, bytes })
  }

  /** Resolves when all that was appended is on disk, or the disk failed. */
  async settled(): Promise<void> {
    await this.#flushing
  }

  async #flush(): Promise<void> {
    try {
      // The other connections of this turn get their say first.
      await new Promise((resolve) => setImmediate(resolve))
      while (this.#records.length > 0) {
        const records = this.#records
        const appended = this.#appended
        this.#records = []
        await this.#storage.append(records, this.#state)
        this.#durable = appended
        this.#release()
      }
    } catch (cause) {
      this.#isBroken = true
      this.#held = []
      this.#head = 0
      this.#records = []
      this.#failed(cause as Error)
    } finally {
      this.#flushing = undefined
    }
  }

  /** A delivery may let its connection read on and send more, which goes behind what is still held. */
  #release(): void {
    for (let next = this.#held[this.#head]; next && next.after <= this.#durable; next = this.#held[this.#head]) {
      this.#head++
      next.sink.deliver(next.bytes)
    }
    this.#held.splice(0, this.#head)
    this.#head = 0
  }
}
