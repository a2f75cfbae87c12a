import * as http from 'node:http'
import * as https from 'node:https'
import type { MonotonicClock } from '../base/clock.ts'
import type { KubeConnection } from './connection.ts'
import { KubeError } from './error.ts'

export type HttpRequest = {
  method: string
  /** Path and query, beginning with a slash. */
  path: string
  body?: unknown
  contentType?: string
  accept?: string
  signal?: AbortSignal
}

/** Requests under way at once; watches come on top. */
const MAX_SOCKETS = 32
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

const CLOSED = 'the client was closed'

const unreachable = (request: HttpRequest, cause: unknown): KubeError =>
  new KubeError(0, 'Unreachable', `${request.method} ${request.path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })

const errorOf = (request: HttpRequest, response: http.IncomingMessage, text: string): KubeError => {
  const code = response.statusCode ?? 0
  const retryAfter = Number(response.headers['retry-after'])
  const options = retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}
  try {
    const status = JSON.parse(text) as { reason?: string; message?: string }
    return new KubeError(code, status.reason ?? '', status.message ?? text.slice(0, 500), options)
  } catch {
    return new KubeError(code, '', `${request.method} ${request.path}: ${code} ${text.slice(0, 500)}`, options)
  }
}

/** HTTP(S) to one API server, over connections that are kept open. */
export class Transport {
  /** How many requests had which answer since the start, by METHOD CODE; code 0: none. Watches count when they begin. */
  readonly answers = new Map<string, number>()
  readonly #connection: KubeConnection
  readonly #clock: MonotonicClock
  readonly #base: URL
  readonly #agent: http.Agent
  readonly #watchAgent: http.Agent
  readonly #timeoutMs: number
  readonly #userAgent: string
  readonly #underway = new Set<AbortController>()
  #isClosed = false

  constructor(options: { connection: KubeConnection; clock: MonotonicClock; timeoutMs: number; userAgent: string }) {
    this.#connection = options.connection
    this.#clock = options.clock
    this.#base = new URL(options.connection.server)
    const Agent = this.#base.protocol === 'http:' ? http.Agent : https.Agent
    this.#agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, ...options.connection.tls })
    this.#watchAgent = new Agent({ keepAlive: true, ...options.connection.tls })
    this.#timeoutMs = options.timeoutMs
    this.#userAgent = options.userAgent
  }

  /** The text of a successful answer. Rejects with KubeError. */
  async text(request: HttpRequest): Promise<string> {
    const end = new AbortController()
    const timer = this.#clock.schedule(this.#timeoutMs, () => end.abort(new Error(`no answer within ${this.#timeoutMs} ms`)))
    const signal = request.signal ? AbortSignal.any([request.signal, end.signal]) : end.signal
    this.#underway.add(end)
    try {
      const response = await this.#open({ ...request, signal }, this.#agent)
      const text = await this.#collect(request, response)
      if ((response.statusCode ?? 0) >= 300) throw errorOf(request, response, text)
      return text
    } finally {
      timer.cancel()
      this.#underway.delete(end)
    }
  }

  /** The answer's bytes as they come; for watches and logs. */
  async stream(request: HttpRequest): Promise<http.IncomingMessage> {
    const response = await this.#open(request, this.#watchAgent)
    if ((response.statusCode ?? 0) < 300) return response
    throw errorOf(request, response, await this.#collect(request, response))
  }

  /** How many requests wait for their answer, or for a connection; watches do not count. */
  get underway(): number {
    return this.#underway.size
  }

  /** Requests that wait for their answer, or for a connection, reject. Streams end with their connections. */
  close(): void {
    this.#isClosed = true
    for (const end of this.#underway) end.abort(new Error(CLOSED))
    this.#agent.destroy()
    this.#watchAgent.destroy()
  }

  async #collect(request: HttpRequest, response: http.IncomingMessage): Promise<string> {
    const chunks: Buffer[] = []
    let sizeBytes = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        sizeBytes += chunk.length
        if (sizeBytes > MAX_ANSWER_BYTES) throw new Error(`the answer has more than ${MAX_ANSWER_BYTES} bytes`)
        chunks.push(chunk)
      }
    } catch (error) {
      throw unreachable(request, error)
    }
    return Buffer.concat(chunks).toString('utf8')
  }

  async #open(request: HttpRequest, agent: http.Agent): Promise<http.IncomingMessage> {
    if (this.#isClosed) throw unreachable(request, CLOSED)
    const authorization = await this.#connection.authorization().catch((error: unknown) => {
      throw new KubeError(0, 'Unreachable', `the login for ${this.#connection.server} could not be read`, { cause: error })
    })
    const body = request.body === undefined ? undefined : Buffer.from(JSON.stringify(request.body))
    const options: http.RequestOptions = {
      method: request.method,
      host: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port || (this.#base.protocol === 'http:' ? 80 : 443),
      path: this.#base.pathname.replace(/\/$/, '') + request.path,
      agent,
      signal: request.signal,
      headers: {
        accept: request.accept ?? 'application/json',
        'user-agent': this.#userAgent,
        ...(authorization ? { authorization } : {}),
        ...(body ? { 'content-type': request.contentType ?? 'application/json', 'content-length': body.length } : {}),
      },
    }
    return new Promise((resolve, reject) => {
      const send = this.#base.protocol === 'http:' ? http.request : https.request
      let isAnswered = false
      const outgoing = send(options, (response) => {
        isAnswered = true
        this.#count(request.method, response.statusCode ?? 0)
        resolve(response)
      })
      outgoing.on('error', (error) => {
        if (!isAnswered) this.#count(request.method, 0)
        reject(unreachable(request, request.signal?.aborted ? request.signal.reason : error))
      })
      outgoing.end(body)
    })
  }

  #count(method: string, code: number): void {
    const key = `${method} ${code}`
    this.answers.set(key, (this.answers.get(key) ?? 0) + 1)
  }
}
