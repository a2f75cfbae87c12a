import type { MonotonicClock } from '../../base/clock.ts'
import type { Address } from '../../client/address.ts'
import { ConnectionError, type ConnectionOptions, KafkaConnection } from '../../client/connection.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../../protocol/schema.ts'

/** The broker that is followed. Requests reject with ConnectionError, or with KafkaError when the login fails. */
export interface Leader {
  request<A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>>
  /** Ends the open request, which rejects; the next one connects anew. */
  disconnect(): void
}

/** A long poll is ended for a partition that has to be asked for, when it takes longer than this. */
const GRACE_MS = 20
/** Each end costs a connection and a fetch session: in a row they come less and less often, until there was none for a while. */
const MOST_BETWEEN_MS = 500
const CALM_MS = 2000

/** A leader whose open request can be ended for something more urgent. */
export class InterruptibleLeader implements Leader {
  readonly #leader: Leader
  readonly #clock: MonotonicClock
  #open: object | undefined
  /** The open request whose end is planned. */
  #ending: object | undefined
  #interruptedMs = -Infinity
  #betweenMs = GRACE_MS
  #wasInterrupted = false

  constructor(leader: Leader, clock: MonotonicClock) {
    this.#leader = leader
    this.#clock = clock
  }

  async request<A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    const open = (this.#open = {})
    try {
      return await this.#leader.request(api, version, request)
    } finally {
      if (this.#open === open) this.#open = undefined
    }
  }

  disconnect(): void {
    this.#leader.disconnect()
  }

  /** Ends what is open now, unless its answer comes within some milliseconds. */
  interruptSoon(): void {
    const open = this.#open
    if (!open || this.#ending === open) return
    this.#ending = open
    const sinceMs = this.#clock.nowMs() - this.#interruptedMs
    if (sinceMs >= CALM_MS) this.#betweenMs = GRACE_MS
    this.#clock.schedule(Math.max(GRACE_MS, this.#betweenMs - sinceMs), () => this.#interrupt(open))
  }

  /** Whether the last request rejected for this reason; says so once. */
  wasInterrupted(): boolean {
    const was = this.#wasInterrupted
    this.#wasInterrupted = false
    return was
  }

  #interrupt(open: object): void {
    if (this.#open !== open) return
    this.#interruptedMs = this.#clock.nowMs()
    this.#betweenMs = Math.min(2 * this.#betweenMs, MOST_BETWEEN_MS)
    this.#wasInterrupted = true
    this.#leader.disconnect()
  }
}

export type RemoteLeaderOptions = {
  brokerId: number
  /** Where the broker is now, as the controller told; undefined while it is not known. */
  address: () => Address | undefined
  connection: (address: Address) => ConnectionOptions
}

/** A leader over the network: one connection, opened when it is needed, to where the broker is then. */
export class RemoteLeader implements Leader {
  readonly #options: RemoteLeaderOptions
  #connection: KafkaConnection | undefined
  /** Rejects when the connection that is being opened is no longer wanted. */
  #giveUp: ((reason: Error) => void) | undefined

  constructor(options: RemoteLeaderOptions) {
    this.#options = options
  }

  async request<A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    const connection = this.#connection?.isOpen ? this.#connection : await this.#connect()
    return connection.request(api, request, { version })
  }

  disconnect(): void {
    this.#giveUp?.(new ConnectionError(`connecting to broker ${this.#options.brokerId} was given up`))
    this.#connection?.close()
    this.#connection = undefined
  }

  async #connect(): Promise<KafkaConnection> {
    const { brokerId, address, connection } = this.#options
    const at = address()
    if (!at) throw new ConnectionError(`the address of broker ${brokerId} is not known yet`)
    const opening = KafkaConnection.open(connection(at))
    const givenUp = new Promise<never>((_resolve, reject) => (this.#giveUp = reject))
    try {
      return (this.#connection = await Promise.race([opening, givenUp]))
    } catch (error) {
      // It may still come to be.
      opening.then(
        (late) => late.close(),
        () => {},
      )
      throw error
    } finally {
      this.#giveUp = undefined
    }
  }
}
