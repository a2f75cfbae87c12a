import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { KubeConnection } from '../../src/kube/connection.ts'

type Fault = 'none' | 'stall' | 'silent' | 'gone'

/** Stands between a client and an API server, and breaks watches in the ways in which the world does. */
export class FaultProxy {
  readonly #target: KubeConnection
  readonly #server: Server
  readonly #watches = new Set<ServerResponse>()
  readonly requests: string[] = []
  /** stall: bytes of watches are swallowed, the connection stays until the server ends it. silent: its end is swallowed too. gone: the next watch is answered with an ERROR event 410. */
  fault: Fault = 'none'

  constructor(target: KubeConnection) {
    this.#target = target
    this.#server = createServer((incoming, outgoing) => void this.#forward(incoming, outgoing))
  }

  async start(): Promise<KubeConnection> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    const { port } = this.#server.address() as AddressInfo
    return { ...this.#target, server: `http://127.0.0.1:${port}`, tls: {} }
  }

  /** Watches that are open now. */
  get watching(): number {
    return this.#watches.size
  }

  /** Cuts every watch in the middle. */
  cutWatches(): void {
    for (const watch of this.#watches) watch.destroy()
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = incoming.url ?? '/'
    this.requests.push(`${incoming.method} ${path}`)
    const isWatch = path.includes('watch=true')
    if (isWatch && this.fault === 'gone') {
      this.fault = 'none'
      const object = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' }
      outgoing.end(`${JSON.stringify({ type: 'ERROR', object })}\n`)
      return
    }
    const { server, tls } = this.#target
    const url = new URL(path, server)
    const send = url.protocol === 'http:' ? httpRequest : httpsRequest
    const upstream = send(url, { ...tls, method: incoming.method, headers: { ...incoming.headers, host: url.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      outgoing.flushHeaders()
      if (isWatch) this.#watches.add(outgoing)
      answer.on('data', (chunk: Buffer) => {
        if (!(isWatch && ['stall', 'silent'].includes(this.fault))) outgoing.write(chunk)
      })
      answer.on('end', () => {
        if (!(isWatch && this.fault === 'silent')) outgoing.end()
      })
      answer.on('error', () => outgoing.destroy())
    })
    upstream.on('error', () => outgoing.destroy())
    outgoing.on('close', () => {
      this.#watches.delete(outgoing)
      upstream.destroy()
    })
    incoming.pipe(upstream)
  }
}
