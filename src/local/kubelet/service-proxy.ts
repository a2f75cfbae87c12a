import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Logger } from '../../base/logger.ts'

/** One port of one service: where it is listened on, and where it leads. */
export type Forward = { name: string; host: string; port: number; targets: readonly { host: string; port: number }[] }

type Open = { server: Server; forward: Forward; sockets: Set<Socket>; next: number }

const CONNECT_TIMEOUT_MS = 5_000

/** What kube-proxy does: a service's address and port lead to one of its ready pods, in turn. Connections stay with their pod. */
export class ServiceProxy {
  readonly #logger: Logger
  readonly #open = new Map<string, Open>()

  constructor(options: { logger: Logger }) {
    this.#logger = options.logger
  }

  /** Opens, changes and closes until exactly these are served. */
  async sync(forwards: readonly Forward[]): Promise<void> {
    const wanted = new Map(forwards.map((forward) => [`${forward.host}:${forward.port}`, forward]))
    await Promise.all([...this.#open.keys()].filter((place) => !wanted.has(place)).map((place) => this.#close(place)))
    for (const [place, forward] of wanted) {
      const open = this.#open.get(place)
      if (open) open.forward = forward
      else await this.#listen(place, forward)
    }
  }

  async stop(): Promise<void> {
    await this.sync([])
  }

  async #listen(place: string, forward: Forward): Promise<void> {
    const server = createServer({ pauseOnConnect: true }, (socket) => this.#forward(open, socket))
    const open: Open = { server, forward, sockets: new Set(), next: 0 }
    await new Promise<void>((resolve) => {
      server.once('error', (error) => {
        this.#logger.warn({ service: forward.name, place, err: error }, 'service not served')
        resolve()
      })
      server.listen({ host: forward.host, port: forward.port }, () => {
        this.#open.set(place, open)
        resolve()
      })
    })
  }

  #forward(open: Open, socket: Socket): void {
    const { targets } = open.forward
    const target = targets[open.next++ % Math.max(1, targets.length)]
    // Kubernetes refuses the connection; a listener can only accept and reset.
    if (!target) return void socket.resetAndDestroy()
    const out = connect({ ...target, timeout: CONNECT_TIMEOUT_MS })
    const both = [socket, out]
    for (const one of both) open.sockets.add(one)
    const end = () => {
      for (const one of both) {
        one.destroy()
        open.sockets.delete(one)
      }
    }
    out.once('connect', () => {
      out.setTimeout(0)
      socket.pipe(out)
      out.pipe(socket)
    })
    out.once('timeout', end)
    for (const one of both) one.once('error', end).once('close', end)
  }

  async #close(place: string): Promise<void> {
    const open = this.#open.get(place)
    if (!open) return
    this.#open.delete(place)
    const closed = new Promise((resolve) => open.server.close(resolve))
    for (const socket of open.sockets) socket.destroy()
    await closed
  }
}
