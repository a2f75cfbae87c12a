import { connect as connectSocket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { MonotonicClock, Timer } from '../base/clock.ts'
import { FrameReader } from '../base/frames.ts'
import { apiVersions } from '../protocol/api/18-api-versions.ts'
import { KafkaError } from '../protocol/errors.ts'
import { decodeResponseHeader, requestFrame } from '../protocol/header.ts'
import { type Api, decodeResponse, type RequestOf, type ResponseOf, type Sendable } from '../protocol/schema.ts'
import type { Address } from './address.ts'
import { FrameMemory } from './frame-memory.ts'
import { login, withPassword, type PasswordLogin, type SaslLogin } from './login.ts'
import { type ClientTlsSource, connectTls } from './tls.ts'

export type ConnectionOptions = Address & {
  clientId: string
  clock: MonotonicClock
  /** For every request, and for connecting and logging in. */
  timeoutMs: number
  sasl?: SaslLogin
  /** Absent: nothing is encrypted. */
  tls?: ClientTlsSource
  /** The most bytes that a response may have. */
  maxResponseBytes?: number
  /**
   * Answers are received in the same memory again and again: the records of one last until the next request is sent. For large answers, one request at a
   * time; costs a quarter of the processor time. Not with `dial`.
   */
  reusesMemory?: boolean
  /** The way to the broker; what behaves as a socket does: 'connect', 'close', 'error'. */
  dial?: (address: Address) => Duplex
}
type Pending = { resolve(body: Buffer): void; reject(error: Error): void; timer: Timer }
type Range = { min: number; max: number }

/** The peer went away, or never came; whether a request that was on its way took effect is unknown. */
export class ConnectionError extends Error {}

const MAX_RESPONSE_BYTES = 128 * 1024 * 1024
const dial = ({ host, port }: Address): Duplex => connectSocket({ host, port, noDelay: true })

/**
 * One connection to one broker, after version negotiation and login. Requests are pipelined and answered in order.
 * A time-out, a malformed answer or a lost socket ends the connection: every open request rejects, and later ones reject at once.
 */
export class KafkaConnection {
  readonly address: Address
  readonly #socket: Duplex
  readonly #options: ConnectionOptions
  readonly #pending = new Map<number, Pending>()
  #nextCorrelationId = 0
  #versions = new Map<number, Range>()
  #ended: Error | undefined

  private constructor(options: ConnectionOptions) {
    this.address = { host: options.host, port: options.port }
    this.#options = options
    const socket = (this.#socket = this.#dial())
    socket.on('error', (error) => this.#end(new ConnectionError(`${this.#name()}: ${error.message}`, { cause: error })))
    socket.on('close', () => this.#end(new ConnectionError(`${this.#name()} closed the connection`)))
  }

  /** Rejects with ConnectionError, or with the broker's KafkaError when the login fails. */
  static open(options: ConnectionOptions): Promise<KafkaConnection> {
    const { sasl } = options
    return sasl ? withPassword(sasl, (one) => KafkaConnection.#open(options, one)) : KafkaConnection.#open(options)
  }

  static async #open(options: ConnectionOptions, sasl?: PasswordLogin): Promise<KafkaConnection> {
    const connection = new KafkaConnection(options)
    try {
      await connection.#connected()
      await connection.#negotiate()
      if (sasl) await login(connection, sasl)
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.#ended === undefined
  }

  /** Sends in the newest version that both sides know; `version` names another. KafkaError UNSUPPORTED_VERSION where there is none. */
  async request<A extends Api>(
    api: A,
    request: Sendable<RequestOf<A>>,
    options: { timeoutMs?: number; version?: number } = {},
  ): Promise<ResponseOf<A>> {
    const version = options.version ?? this.#versionOf(api)
    const body = await this.#send(api, version, request, options.timeoutMs ?? this.#options.timeoutMs)
    return decodeResponse(api, version, body) as ResponseOf<A>
  }

  /** The newest version of an API that both sides know, or undefined. */
  newestVersion(api: Api): number | undefined {
    const range = this.#versions.get(api.key)
    const version = Math.min(range?.max ?? -1, api.maxVersion)
    return range && version >= Math.max(range.min, api.minVersion) ? version : undefined
  }

  close(): void {
    this.#end(new ConnectionError(`the connection to ${this.#name()} was closed`))
  }

  #name(): string {
    return `${this.address.host}:${this.address.port}`
  }

  #dial(): Duplex {
    const options = this.#options
    const maxBytes = options.maxResponseBytes ?? MAX_RESPONSE_BYTES
    if (options.reusesMemory && !options.dial) return this.#dialInto(new FrameMemory(maxBytes))
    const frames = new FrameReader(maxBytes)
    const socket = options.tls ? connectTls(options, options.tls, { socket: options.dial?.(options) }) : (options.dial ?? dial)(options)
    socket.on('data', (chunk: Buffer) => this.#receive(() => frames.received(chunk)))
    return socket
  }

  /** As #dial; the bytes go where `memory` says. */
  #dialInto(memory: FrameMemory): Duplex {
    const callback = (count: number): boolean => {
      this.#receive(() => memory.received(count))
      return true
    }
    const { host, port, tls } = this.#options
    const onread = { buffer: () => memory.room(), callback }
    return tls ? connectTls({ host, port }, tls, { onread }) : connectSocket({ host, port, noDelay: true, onread })
  }

  #connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = () => reject(this.#ended ?? new ConnectionError(`${this.#name()} did not answer within ${this.#options.timeoutMs} ms`))
      const timer = this.#options.clock.schedule(this.#options.timeoutMs, fail)
      this.#socket.once(this.#options.tls ? 'secureConnect' : 'connect', () => {
        timer.cancel()
        resolve()
      })
      this.#socket.once('close', () => {
        timer.cancel()
        fail()
      })
    })
  }

  /** A broker that does not know our version of ApiVersions answers in version 0 with what it knows. */
  async #negotiate(): Promise<void> {
    const request = { clientSoftwareName: 'sofakafka', clientSoftwareVersion: '1' }
    const version = apiVersions.maxVersion
    const body = await this.#send(apiVersions, version, request, this.#options.timeoutMs)
    const isOld = body.length >= 2 && body.readInt16BE(0) === new KafkaError('UNSUPPORTED_VERSION').code
    const response = decodeResponse(apiVersions, isOld ? 0 : version, body) as ResponseOf<typeof apiVersions>
    this.#versions = new Map(response.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]))
  }

  #versionOf(api: Api): number {
    const version = this.newestVersion(api)
    if (version === undefined)
      throw new KafkaError(
        'UNSUPPORTED_VERSION',
        `${this.#name()} does not speak ${api.name} in versions ${api.minVersion} to ${api.maxVersion}`,
      )
    return version
  }

  #send<A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>, timeoutMs: number): Promise<Buffer> {
    if (this.#ended) return Promise.reject(this.#ended)
    const correlationId = this.#nextCorrelationId
    const chunks = requestFrame(api, version, { correlationId, clientId: this.#options.clientId }, request)
    this.#nextCorrelationId = (correlationId + 1) & 0x7fff_ffff
    return new Promise((resolve, reject) => {
      const timer = this.#options.clock.schedule(timeoutMs, () =>
        this.#end(new ConnectionError(`${this.#name()} did not answer ${api.name} within ${timeoutMs} ms`)),
      )
      const unwrap = (frame: Buffer) => resolve(frame.subarray(decodeResponseHeader(api, version, frame).bodyOffset))
      this.#pending.set(correlationId, { resolve: unwrap, reject, timer })
      this.#socket.cork()
      for (const chunk of chunks) this.#socket.write(chunk)
      this.#socket.uncork()
    })
  }

  #receive(frames: () => Buffer[]): void {
    try {
      for (const frame of frames()) this.#answer(frame)
    } catch (error) {
      this.#end(new ConnectionError(`${this.#name()} sent a malformed answer: ${(error as Error).message}`, { cause: error }))
    }
  }

  #answer(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0)
    const pending = this.#pending.get(correlationId)
    if (!pending) throw new Error(`nothing was asked with correlation id ${correlationId}`)
    // A frame that cannot be read leaves its request among the open ones, which the end of the connection rejects.
    pending.resolve(frame)
    pending.timer.cancel()
    this.#pending.delete(correlationId)
  }

  #end(reason: Error): void {
    if (this.#ended) return
    this.#ended = reason
    this.#socket.destroy()
    for (const pending of this.#pending.values()) {
      pending.timer.cancel()
      pending.reject(reason)
    }
    this.#pending.clear()
  }
}
