import type { Duplex } from 'node:stream'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { metadata } from '../protocol/api/03-metadata.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../protocol/schema.ts'
import type { Address } from './address.ts'
import { ConnectionError, KafkaConnection } from './connection.ts'
import type { SaslLogin } from './login.ts'
import type { ClientTlsSource } from './tls.ts'

export type ClusterClientOptions = {
  bootstrap: readonly Address[]
  clientId: string
  clock: MonotonicClock
  logger: Logger
  sasl?: SaslLogin
  /** Absent: nothing is encrypted. */
  tls?: ClientTlsSource
  /** For one request; a call may send several. */
  timeoutMs?: number
  /** A connection that was not used for this long is closed. */
  idleMs?: number
  dial?: (address: Address) => Duplex
}
export type Broker = Address & { nodeId: number; rack: string | null }
export type Brokers = { clusterId: string | null; controllerId: number; brokers: Broker[] }

const DEFAULT_TIMEOUT_MS = 30_000
const DEFAULT_IDLE_MS = 60_000
/** A controller that moves is found within a few seconds; Metadata shows the new one as soon as the brokers know it. */
const CONTROLLER_ATTEMPTS = 10
const CONTROLLER_PAUSE_MS = 300

/** Whether another broker, or the same one a little later, may answer where this error stands. */
const isNotController = (error: unknown): boolean =>
  error instanceof KafkaError && (error.error === 'NOT_CONTROLLER' || error.error === 'BROKER_NOT_AVAILABLE')

/**
 * Talks to whichever broker of a cluster a request is for; opens one connection per broker when it is needed and closes it when it is idle.
 * Not for the hot path of records. All calls reject with KafkaError or ConnectionError.
 */
export class ClusterClient {
  readonly #options: ClusterClientOptions
  readonly #connections = new Map<string, Promise<KafkaConnection>>()
  readonly #usedMs = new Map<string, number>()
  #known: Brokers | undefined
  #isClosed = false

  constructor(options: ClusterClientOptions) {
    this.#options = options
  }

  /** The brokers as some broker knows them now. */
  async brokers(): Promise<Brokers> {
    const { clusterId, controllerId, brokers } = await this.anyBroker(metadata, { topics: [] })
    this.#known = { clusterId, controllerId, brokers: brokers.map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })) }
    return this.#known
  }

  /** Topics with their partitions; null for all. Never creates one. */
  topics(names: readonly string[] | null): Promise<ResponseOf<typeof metadata>> {
    return this.anyBroker(metadata, { topics: names === null ? null : names.map((name) => ({ name })), allowAutoTopicCreation: false })
  }

  /** As `topics`, by the controller: what a decision rests on that cannot be taken back. A broker that has just started knows of no topic. */
  topicsOfController(names: readonly string[] | null): Promise<ResponseOf<typeof metadata>> {
    const request = { topics: names === null ? null : names.map((name) => ({ name })), allowAutoTopicCreation: false }
    // Any broker answers Metadata: one that was the controller until it restarted says so only by what it knows of the controller.
    return this.controller(metadata, request, ({ controllerId }, nodeId) =>
      controllerId === nodeId ? undefined : new KafkaError('NOT_CONTROLLER', `broker ${nodeId} is not the controller any more`),
    )
  }

  /** Sends to the first known or bootstrap broker that can be reached. */
  async anyBroker<A extends Api>(api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    let last: unknown = new ConnectionError('no broker is known; give at least one bootstrap address')
    for (const address of this.#addresses()) {
      try {
        return await this.#request(address, api, request)
      } catch (error) {
        if (!(error instanceof ConnectionError)) throw error
        this.#options.logger.debug({ ...address, reason: error.message }, 'a broker cannot be reached, another one is asked')
        last = error
      }
    }
    throw last
  }

  async broker<A extends Api>(nodeId: number, api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    const find = (known: Brokers | undefined) => known?.brokers.find((broker) => broker.nodeId === nodeId)
    const found = find(this.#known) ?? find(await this.brokers())
    if (!found) throw new KafkaError('BROKER_NOT_AVAILABLE', `broker ${nodeId} is not registered`)
    return this.#request(found, api, request)
  }

  /**
   * Sends to the controller, and again to the next one while the answer says that it moved. `errorOf` finds the error that stands for the whole answer;
   * by default `errorCode` at the top is looked at.
   */
  async controller<A extends Api>(
    api: A,
    request: Sendable<RequestOf<A>>,
    errorOf: (response: ResponseOf<A>, nodeId: number) => KafkaError | undefined = () => undefined,
  ): Promise<ResponseOf<A>> {
    for (let attempt = 1; ; attempt++) {
      try {
        const { controllerId } = attempt === 1 && this.#known ? this.#known : await this.brokers()
        if (controllerId < 0) throw new KafkaError('NOT_CONTROLLER', 'no controller is known yet')
        const response = await this.broker(controllerId, api, request)
        const error = errorOf(response, controllerId)
        if (error) throw error
        return response
      } catch (error) {
        // After a lost connection the request may have taken effect; the caller sees that by an error such as TOPIC_ALREADY_EXISTS.
        if (attempt === CONTROLLER_ATTEMPTS || !(isNotController(error) || error instanceof ConnectionError) || this.#isClosed) throw error
        this.#known = undefined
        await this.#options.clock.sleep(CONTROLLER_PAUSE_MS)
      }
    }
  }

  close(): void {
    this.#isClosed = true
    for (const connection of this.#connections.values()) connection.then((open) => open.close()).catch(() => {})
    this.#connections.clear()
  }

  #addresses(): Address[] {
    const known = this.#known?.brokers ?? []
    return [...known, ...this.#options.bootstrap]
  }

  async #request<A extends Api>(address: Address, api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    const connection = await this.#connection(address)
    this.#usedMs.set(`${address.host}:${address.port}`, this.#options.clock.nowMs())
    return connection.request(api, request)
  }

  async #connection(address: Address): Promise<KafkaConnection> {
    if (this.#isClosed) throw new ConnectionError('the client is closed')
    this.#closeIdle()
    const key = `${address.host}:${address.port}`
    const open = await this.#connections.get(key)?.catch(() => undefined)
    if (open?.isOpen) return open
    const { clientId, clock, sasl, tls, dial } = this.#options
    const opening = KafkaConnection.open({
      host: address.host,
      port: address.port,
      clientId,
      clock,
      timeoutMs: this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
      ...(sasl ? { sasl } : {}),
      ...(tls ? { tls } : {}),
      ...(dial ? { dial } : {}),
    })
    this.#connections.set(key, opening)
    opening.catch(() => this.#connections.get(key) === opening && this.#connections.delete(key))
    return opening
  }

  #closeIdle(): void {
    const idleSinceMs = this.#options.clock.nowMs() - (this.#options.idleMs ?? DEFAULT_IDLE_MS)
    for (const [key, usedMs] of this.#usedMs) {
      if (usedMs >= idleSinceMs) continue
      this.#usedMs.delete(key)
      const connection = this.#connections.get(key)
      this.#connections.delete(key)
      connection?.then((open) => open.close()).catch(() => {})
    }
  }
}
