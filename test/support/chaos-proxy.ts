import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { KubeConnection } from '../../src/kube/connection.ts'

/** refuse...: the server never hears of the request. lost: it does, and its answer does not come back. half: the answer breaks off in the middle. silent: nothing comes, and nobody says so. */
const FAULTS = ['refuse-409', 'refuse-429', 'refuse-500', 'gone-410', 'lost', 'half', 'silent'] as const
export type ChaosFault = (typeof FAULTS)[number]
/** A write that reached the API server. */
export type Forwarded = { method: string; path: string; status: number }

const STATUS: Record<string, { code: number; reason: string }> = {
  'refuse-409': { code: 409, reason: 'Conflict' },
  'refuse-429': { code: 429, reason: 'TooManyRequests' },
  'refuse-500': { code: 500, reason: 'InternalError' },
  'gone-410': { code: 410, reason: 'Expired' },
}
/** A connection that says nothing is let go after this, so that a test does not run out of them. */
const SILENT_MS = 20_000

/** Stands between a client and an API server, and breaks a share of all requests in some way, as its random numbers say. */
export class ChaosProxy {
  readonly writes: Forwarded[] = []
  readonly faults = new Map<ChaosFault, number>()
  /** How many of all requests meet a fault. */
  share: number
  readonly #target: KubeConnection
  readonly #random: () => number
  readonly #server: Server

  constructor(target: KubeConnection, options: { share: number; random: () => number }) {
    this.#target = target
    this.share = options.share
    this.#random = options.random
    this.#server = createServer((incoming, outgoing) => this.#handle(incoming, outgoing))
  }

  async start(): Promise<KubeConnection> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return { ...this.#target, server: `http://127.0.0.1:${port}`, tls: {} }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const fault = this.#random() < this.share ? FAULTS[Math.floor(this.#random() * FAULTS.length)] : undefined
    if (fault) this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1)
    const status = STATUS[fault ?? '']
    if (!status) return this.#forward(incoming, outgoing, fault)
    incoming.resume()
    const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', ...status, message: `chaos: ${fault}` }
    const isWatch = incoming.url?.includes('watch=true') && fault === 'gone-410'
    const headers = { 'content-type': 'application/json', ...(status.code === 429 ? { 'retry-after': '1' } : {}) }
    outgoing.writeHead(isWatch ? 200 : status.code, headers)
    outgoing.end(isWatch ? `${JSON.stringify({ type: 'ERROR', object: body })}\n` : JSON.stringify(body))
  }

  #forward(incoming: IncomingMessage, outgoing: ServerResponse, fault: ChaosFault | undefined): void {
    const { server, tls } = this.#target
    const { method = 'GET', url: path = '/' } = incoming
    const url = new URL(path, server)
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest
    const upstream = send(url, { ...tls, method, headers: { ...incoming.headers, host: url.host } }, (answer) => {
      if (method !== 'GET') this.writes.push({ method, path, status: answer.statusCode ?? 0 })
      answer.on('error', () => outgoing.destroy())
      if (fault === 'silent') return void answer.resume()
      if (fault === 'lost') return void outgoing.destroy()
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      outgoing.flushHeaders()
      answer.on('data', (chunk: Buffer) => {
        if (fault !== 'half') return void outgoing.write(chunk)
        outgoing.write(chunk.subarray(0, chunk.length / 2))
        setTimeout(() => outgoing.destroy(), 50)
      })
      answer.on('end', () => {
        if (fault !== 'half') outgoing.end()
      })
    })
    if (fault === 'silent') setTimeout(() => outgoing.destroy(), SILENT_MS).unref()
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => upstream.destroy())
    incoming.pipe(upstream)
  }
}
