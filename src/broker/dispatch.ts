import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { apiVersions } from '../protocol/api/18-api-versions.ts'
import { errorCode, errorMessage, errorName, KafkaError } from '../protocol/errors.ts'
import { decodeRequestHeader, responseFrame } from '../protocol/header.ts'
import { decodeRequest, isSupported } from '../protocol/schema.ts'
import { Context, type Peer } from './context.ts'
import { type Answer, Farewell, Later, NoReply, type Served } from './handler.ts'
import type { ResponsePart } from './fetch/records-source.ts'
import type { RequestMetrics, Services, ServingGuard } from './ports.ts'

/** What becomes of a frame. `close`: the connection ends after `parts` have gone out, `delayMs` from now. */
export type Outcome = { parts: readonly ResponsePart[]; close?: string; delayMs: number; later?: Promise<Outcome> }

type Header = ReturnType<typeof decodeRequestHeader>
type Call = { header: Header; served: Served; request: unknown; peer: Peer; startMs: number; requestBytes: number }

const SASL_HANDSHAKE = 17
const API_VERSIONS = 18
const SASL_AUTHENTICATE = 36
/** What a client may ask before it has logged in; anything else ends the connection, as in Kafka. */
const BEFORE_LOGIN = new Set([SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE])

const closed = (close: string, delayMs = 0): Outcome => ({ parts: [], close, delayMs })
const message = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))

/** From a frame to the frame of its answer: header, version, login state, handler, errors. Each of these is decided here and nowhere else. */
export class Dispatcher {
  readonly #services: Services
  readonly #served: readonly (Served | undefined)[]
  readonly #metrics: RequestMetrics
  readonly #clock: MonotonicClock
  readonly #logger: Logger
  readonly #guard: ServingGuard

  constructor(options: { services: Services; served: readonly Served[]; metrics: RequestMetrics; guard: ServingGuard }) {
    this.#guard = options.guard
    this.#services = options.services
    const served: Served[] = []
    for (const entry of options.served) served[entry.api.key] = entry
    this.#served = served
    this.#metrics = options.metrics
    this.#clock = options.services.clocks.monotonic
    this.#logger = options.services.logger
  }

  /** Never throws or rejects: whatever goes wrong is an answer or closes the connection. */
  dispatch(frame: Buffer, peer: Peer): Outcome | Promise<Outcome> {
    const startMs = this.#clock.nowMs()
    const held = this.#guard.check(startMs)
    if (held) return held.then(() => this.dispatch(frame, peer))
    if (peer.login.expectsBareToken) return this.#bareToken(frame, peer)
    let header: Header
    try {
      header = decodeRequestHeader(frame)
    } catch (error) {
      return closed(message(error))
    }
    const { apiKey, apiVersion } = header
    const unwelcome = BEFORE_LOGIN.has(apiKey) ? undefined : this.#loginMissing(peer, startMs)
    if (unwelcome !== undefined) return closed(`API ${apiKey} was asked ${unwelcome}`)
    const served = this.#served[apiKey]
    if (!served) return closed(`API ${apiKey} is not served`)
    if (!isSupported(served.api, apiVersion)) {
      if (apiKey === API_VERSIONS) return { parts: this.#unknownApiVersions(served, header.correlationId), delayMs: 0 }
      return closed(`version ${apiVersion} of ${served.api.name} is not served`)
    }
    try {
      const request = decodeRequest(served.api, apiVersion, frame, header.bodyOffset)
      return this.#call({ header, served, request, peer, startMs, requestBytes: frame.length })
    } catch (error) {
      return closed(message(error))
    }
  }

  /** When only a login may be asked for, in words. */
  #loginMissing({ login, listener }: Peer, nowMs: number): string | undefined {
    if (!login.isComplete) return 'before login'
    if (login.isReauthenticating) return 'in the middle of a login'
    if (!login.isExpired(nowMs)) return undefined
    this.#services.authentications.count(listener, 'expired')
    return 'after the login had expired (connections.max.reauth.ms)'
  }

  /** KIP-511: in version 0, and only with the versions of ApiVersions itself. */
  #unknownApiVersions({ api }: Served, correlationId: number): ResponsePart[] {
    return responseFrame(apiVersions, 0, correlationId, {
      errorCode: errorCode('UNSUPPORTED_VERSION'),
      apiKeys: [{ apiKey: api.key, minVersion: api.minVersion, maxVersion: api.maxVersion }],
    })
  }

  #call(call: Call): Outcome | Promise<Outcome> {
    const context = new Context(this.#services, call.peer, call.header)
    try {
      const answer = call.served.handle(call.request as never, context)
      if (!(answer instanceof Promise)) return this.#conclude(call, answer)
      return answer.then(
        (answer) => this.#conclude(call, answer),
        (thrown: unknown) => this.#refuse(call, thrown),
      )
    } catch (thrown) {
      return this.#refuse(call, thrown)
    }
  }

  #conclude(call: Call, answer: Answer<unknown>): Outcome {
    if (answer instanceof Later) {
      const later = answer.reply.then(
        (reply) => this.#conclude(call, reply),
        (thrown: unknown) => this.#refuse(call, thrown),
      )
      return { parts: [], delayMs: 0, later }
    }
    if (answer instanceof NoReply) {
      this.#observe(call, 0)
      return answer.closeReason === undefined ? { parts: [], delayMs: 0 } : closed(answer.closeReason, 0)
    }
    try {
      if (answer instanceof Farewell) return { ...this.#frame(call, answer.reply), close: answer.closeReason, delayMs: answer.delayMs }
      return this.#frame(call, answer)
    } catch (thrown) {
      return this.#refuse(call, thrown)
    }
  }

  #frame(call: Call, reply: unknown): Outcome {
    const parts = call.served.frame(call.header.apiVersion, call.header.correlationId, reply)
    this.#observe(
      call,
      parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part.sizeBytes), 0),
    )
    return { parts, delayMs: 0 }
  }

  /** The whole request failed. */
  #refuse(call: Call, thrown: unknown): Outcome {
    const { header, served } = call
    const known = thrown instanceof KafkaError ? thrown : undefined
    const name = known?.error ?? 'UNKNOWN_SERVER_ERROR'
    if (!known) this.#logger.error({ err: thrown, api: served.api.name, version: header.apiVersion }, 'request failed unexpectedly')
    this.#metrics.error(served.api.name, name)
    try {
      const error = { code: errorCode(name), message: known?.message ?? errorMessage(name) }
      const reply = served.refuse(call.request as never, error)
      return { parts: served.frame(header.apiVersion, header.correlationId, reply), delayMs: 0 }
    } catch (error) {
      this.#logger.error({ err: error, api: served.api.name, version: header.apiVersion }, 'an error reply could not be written')
      return closed(message(error))
    }
  }

  #observe({ header, served, startMs, requestBytes, peer }: Call, responseBytes: number): void {
    const totalMs = this.#clock.nowMs() - startMs
    this.#metrics.request({ api: served.api.name, version: header.apiVersion, totalMs, requestBytes, responseBytes })
    if (!this.#logger.isLevelEnabled('debug')) return
    const { apiVersion, correlationId, clientId } = header
    this.#logger.debug({ api: served.api.name, apiVersion, correlationId, clientId, host: peer.host, totalMs }, 'request')
  }

  /** SASL as clients of 0.10 speak it, after SaslHandshake v0: a frame holds a token and nothing else. */
  #bareToken(frame: Buffer, { login, host, listener }: Peer): Outcome {
    try {
      const { answer: token } = login.authenticate(frame)
      const length = Buffer.alloc(4)
      length.writeInt32BE(token.length)
      return { parts: [length, token], delayMs: 0 }
    } catch (thrown) {
      const name = thrown instanceof KafkaError ? thrown.error : errorName(-1)
      this.#logger.info({ host, listener, error: name }, 'login failed')
      return closed(message(thrown), this.#services.config.get('connection.failed.authentication.delay.ms'))
    }
  }
}
