import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Cut } from './schedule.ts'

type Pair = { near: Socket; far: Socket }

/** Bytes that wait for their time on a slow link, at most. More stops the sender, as a full window does. */
const MAX_DELAYED_BYTES = 1_048_576

/**
 * One direction of who opens connections: everything that one end of the cluster opens to another goes through here. Relays; or cuts, swallows or delays what is between.
 */
export class Link {
  readonly port: number
  readonly #server: Server
  readonly #targetPort: number
  readonly #pairs = new Set<Pair>()
  #cut: Cut | undefined
  #delayMs = 0

  private constructor(server: Server, port: number, targetPort: number) {
    this.#server = server
    this.port = port
    this.#targetPort = targetPort
    server.on('connection', (near) => this.#accept(near))
  }

  /** Listens on 127.0.0.1:`port` (0: any). */
  static async open(port: number, targetPort: number): Promise<Link> {
    const server = createServer({ noDelay: true, pauseOnConnect: true })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '127.0.0.1', resolve)
    })
    return new Link(server, (server.address() as { port: number }).port, targetPort)
  }

  cut(how: Cut): void {
    this.#cut = how
    if (how === 'refuse') this.#dropAll()
  }
  /** Every byte comes this much later, in both directions. */
  slow(delayMs: number): void {
    this.#delayMs = delayMs
  }
  heal(): void {
    // What was swallowed is lost: a connection without those bytes is worth nothing.
    if (this.#cut === 'swallow') this.#dropAll()
    this.#cut = undefined
    this.#delayMs = 0
  }
  async close(): Promise<void> {
    this.#dropAll()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(near: Socket): void {
    near.on('error', () => {})
    if (this.#cut === 'refuse') return near.destroy() && undefined
    const far = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true })
    const pair = { near, far }
    this.#pairs.add(pair)
    this.#relay(near, far, pair)
    this.#relay(far, near, pair)
    // Before that each write would wait with a listener of its own.
    far.once('connect', () => near.resume())
  }

  #relay(from: Socket, to: Socket, pair: Pair): void {
    const waiting: { chunk: Buffer; dueMs: number }[] = []
    let waitingBytes = 0
    const pass = (chunk: Buffer): void => {
      if (this.#cut === 'swallow' || to.destroyed || to.write(chunk)) return
      from.pause()
      to.once('drain', () => from.resume())
    }
    /** First in, first out: also when the delay ends while some wait. */
    const passDue = (): void => {
      while (waiting.length > 0 && waiting[0]!.dueMs <= performance.now()) {
        const { chunk } = waiting.shift()!
        waitingBytes -= chunk.length
        pass(chunk)
      }
      if (from.isPaused() && waitingBytes <= MAX_DELAYED_BYTES && !to.writableNeedDrain) from.resume()
      if (waiting.length > 0) setTimeout(passDue, Math.max(1, waiting[0]!.dueMs - performance.now()))
    }
    from.on('data', (chunk: Buffer) => {
      if (this.#delayMs === 0 && waiting.length === 0) return pass(chunk)
      waiting.push({ chunk, dueMs: performance.now() + this.#delayMs })
      waitingBytes += chunk.length
      if (waitingBytes > MAX_DELAYED_BYTES) from.pause()
      if (waiting.length === 1) setTimeout(passDue, this.#delayMs)
    })
    from.on('error', () => {})
    from.on('close', () => {
      if (this.#cut !== 'swallow') this.#drop(pair)
    })
  }

  #drop(pair: Pair): void {
    this.#pairs.delete(pair)
    pair.near.destroy()
    pair.far.destroy()
  }
  #dropAll(): void {
    for (const pair of this.#pairs) this.#drop(pair)
  }
}
