import { Backoff } from '../../base/backoff.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ConnectionError, type ConnectionOptions, KafkaConnection } from '../../client/connection.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../../protocol/schema.ts'

export type ChannelOptions = { connection: ConnectionOptions; clock: MonotonicClock; logger: Logger }

/**
 * The controller's way to one registration of one broker. Requests arrive in the order in which they were sent, each again and again until the broker answers it
 * or the channel is closed: a broker that cannot be reached will either come back or lose its registration.
 */
export class BrokerChannel {
  readonly #options: ChannelOptions
  readonly #backoff: Backoff
  readonly #closed = new AbortController()
  #tail: Promise<unknown> = Promise.resolve()
  #connection: KafkaConnection | undefined

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 1000 })
  }

  /** undefined when the channel was closed first. */
  send<A extends Api>(api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A> | undefined> {
    const sent = this.#tail.then(() => this.#deliver(api, request))
    this.#tail = sent.catch(() => {})
    return sent
  }

  close(): void {
    this.#closed.abort(new ConnectionError('the broker is gone'))
    this.#connection?.close()
  }

  async #deliver<A extends Api>(api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A> | undefined> {
    while (!this.#closed.signal.aborted) {
      try {
        if (!this.#connection?.isOpen) this.#connection = await KafkaConnection.open(this.#options.connection)
        if (this.#closed.signal.aborted) break
        const response = await this.#connection.request(api, request)
        this.#backoff.reset()
        return response
      } catch (err) {
        if (this.#closed.signal.aborted) break
        const { host, port } = this.#options.connection
        this.#options.logger.warn({ api: api.name, host, port, err }, 'a broker does not take a request of the controller, trying again')
        await this.#options.clock.sleep(this.#backoff.nextMs(), this.#closed.signal).catch(() => {})
      }
    }
    this.#connection?.close()
    return undefined
  }
}
