import { Backoff } from '../base/backoff.ts'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { Connection, type ConnectionOwner, type Operation, type Welcome } from './connection.ts'
import { ZooKeeperError } from './errors.ts'
import { logIn, type Credentials } from './login.ts'
import { PASSWORD_BYTES } from './protocol.ts'
import type { Dial, Socket } from './socket.ts'
import type { Address, NodeEventType, State, WatchEvent } from './types.ts'
import { WatchRegistry } from './watches.ts'

export type SessionOptions = {
  servers: readonly Address[]
  sessionTimeoutMs: number
  credentials: Credentials
  clock: MonotonicClock
  logger: Logger
  dial: Dial
  random: () => number
  maxResponseBytes: number
  maxQueuedOperations: number
}

const MAX_XID = 0x7fff_ffff
const RECONNECT_BASE_MS = 50
const RECONNECT_MAX_MS = 1000
/** A connection that ends sooner was of no use: after a few of them in a row the client waits before the next. */
const USEFUL_MS = 1000
const FREE_RECONNECTS = 3

const shuffled = <T>(values: readonly T[], random: () => number): T[] => {
  const all = [...values]
  for (let last = all.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[all[last], all[other]] = [all[other]!, all[last]!]
  }
  return all
}

/** A session and the connections that carry it, one at a time. It is over only when the server says so, or by `close`. */
export class Session implements ConnectionOwner {
  readonly watches = new WatchRegistry()
  readonly #options: SessionOptions
  readonly #servers: Address[]
  readonly #abort = new AbortController()
  readonly #queued: Operation[] = []
  #state: State = 'CONNECTING'
  #changed = Promise.withResolvers<State>()
  #connection: Connection | undefined
  #sessionId = 0n
  #password: Buffer = Buffer.alloc(PASSWORD_BYTES)
  #timeoutMs: number
  #lastFailure: string | undefined
  #lastZxid = 0n
  #xid = 0
  #confirmedMs: number

  constructor(options: SessionOptions) {
    this.#options = options
    this.#servers = shuffled(options.servers, options.random)
    this.#timeoutMs = options.sessionTimeoutMs
    this.#confirmedMs = options.clock.nowMs()
    void this.#run()
  }

  get state(): State {
    return this.#state
  }
  get sessionId(): bigint {
    return this.#sessionId
  }
  /** As the server granted it, after the first connection. */
  get timeoutMs(): number {
    return this.#timeoutMs
  }
  /** Why the last attempt to connect failed, if one did. */
  get lastFailure(): string | undefined {
    return this.#lastFailure
  }
  get lastZxid(): bigint {
    return this.#lastZxid
  }

  silentMs(): number {
    return this.#options.clock.nowMs() - this.#confirmedMs
  }

  /** The next state that differs from the present one; never resolves after a final one. */
  stateChanged(): Promise<State> {
    return this.#changed.promise
  }

  /** Sends it now, or keeps it until there is a connection. */
  submit(operation: Operation): void {
    if (this.#isOver()) return operation.lose(this.#overError(operation.path))
    // A process that slept through its session must not write on the old connection as if nothing had happened.
    if (this.#connection?.isStale) this.#connection.end(new Error('this process did not run for longer than the session lives'))
    if (this.#state === 'CONNECTED' && this.#connection?.isEnded === false) return this.#connection.send(operation, this.#nextXid())
    if (this.#queued.length < this.#options.maxQueuedOperations) return void this.#queued.push(operation)
    operation.lose(new ZooKeeperError('THROTTLED_OP', { reason: `${this.#queued.length} operations already wait for a connection` }))
  }

  event(type: NodeEventType, path: string): void {
    for (const watch of this.watches.take(type, path)) watch.fire({ type, path })
  }

  sawZxid(zxid: bigint): void {
    if (zxid > this.#lastZxid) this.#lastZxid = zxid
  }

  confirm(sentMs: number): void {
    this.#confirmedMs = Math.max(this.#confirmedMs, sentMs)
  }

  /** Ends the session from this side. The connection goes with it. */
  close(): void {
    this.#finish('CLOSED')
  }

  #isOver(): boolean {
    return this.#state === 'EXPIRED' || this.#state === 'CLOSED' || this.#state === 'AUTH_FAILED'
  }

  #overError(path: string | undefined): ZooKeeperError {
    const options = path === undefined ? {} : { path }
    if (this.#state === 'EXPIRED') return new ZooKeeperError('SESSION_EXPIRED', options)
    if (this.#state === 'AUTH_FAILED') return new ZooKeeperError('AUTH_FAILED', options)
    return new ZooKeeperError('SESSION_EXPIRED', { ...options, reason: 'the client is closed' })
  }

  #nextXid(): number {
    this.#xid = this.#xid === MAX_XID ? 1 : this.#xid + 1
    return this.#xid
  }

  #become(state: State): void {
    if (this.#state === state) return
    this.#state = state
    const changed = this.#changed
    this.#changed = Promise.withResolvers()
    changed.resolve(state)
  }

  #finish(state: 'EXPIRED' | 'CLOSED' | 'AUTH_FAILED', cause = new Error('the session is over')): void {
    if (this.#isOver()) return
    this.#become(state)
    this.#abort.abort(cause)
    this.#connection?.end(cause)
    for (const operation of this.#queued.splice(0)) operation.lose(this.#overError(operation.path))
    const event: WatchEvent = { type: state === 'EXPIRED' ? 'SESSION_EXPIRED' : 'CLOSED', path: '' }
    for (const watch of this.watches.takeAll()) watch.fire(event)
  }

  /** One connection after the other. A lost one is replaced at once, by the next server; waiting begins when a whole round was in vain. */
  async #run(): Promise<void> {
    const { clock, random } = this.#options
    const backoff = new Backoff({ baseMs: RECONNECT_BASE_MS, maxMs: RECONNECT_MAX_MS, random })
    let failures = 0
    let useless = 0
    for (let turn = 0; !this.#isOver(); turn++) {
      const address = this.#servers[turn % this.#servers.length]!
      try {
        const isRoundInVain = failures > 0 && failures % this.#servers.length === 0
        if (isRoundInVain || useless > FREE_RECONNECTS) await clock.sleep(backoff.nextMs(), this.#abort.signal)
        const startMs = clock.nowMs()
        failures = (await this.#serve(address)) ? 0 : failures + 1
        useless = clock.nowMs() - startMs < USEFUL_MS ? useless + 1 : 0
        if (failures + useless === 0) backoff.reset()
      } catch (cause) {
        failures++
        if (!this.#isOver()) {
          this.#lastFailure = (cause as Error).message
          this.#options.logger.info({ server: `${address.host}:${address.port}`, reason: this.#lastFailure }, 'ZooKeeper is not reachable')
        }
      }
    }
  }

  /** Carries the session over one connection to its end. False: the server accepted the connection and lost it before the session was up. */
  async #serve(address: Address): Promise<boolean> {
    const attemptMs = this.#timeoutMs / this.#servers.length
    const attempt = new AbortController()
    const timer = this.#options.clock.schedule(attemptMs, () => attempt.abort(new Error(`no answer within ${Math.round(attemptMs)} ms`)))
    try {
      const signal = AbortSignal.any([attempt.signal, this.#abort.signal])
      const { connection, welcome } = await this.#open(address, signal)
      timer.cancel()
      if (welcome.timeoutMs <= 0) {
        connection.end(new Error('the session is expired'))
        this.#options.logger.warn({ sessionId: this.#sessionId.toString(16) }, 'the ZooKeeper session is expired')
        this.#finish('EXPIRED')
        return true
      }
      return await this.#carry(connection, welcome, address)
    } finally {
      timer.cancel()
    }
  }

  async #open(address: Address, signal: AbortSignal): Promise<{ connection: Connection; welcome: Welcome }> {
    const { dial, clock, maxResponseBytes } = this.#options
    const socket: Socket = await dial(address, signal)
    const giveUp = () => socket.destroy()
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      signal.throwIfAborted()
      const connection = new Connection({ socket, clock, owner: this, maxResponseBytes })
      const hello = { lastZxidSeen: this.#lastZxid, timeoutMs: this.#timeoutMs, sessionId: this.#sessionId, password: this.#password }
      const welcome = await connection.greet(hello)
      signal.throwIfAborted()
      return { connection, welcome }
    } catch (error) {
      socket.destroy()
      throw signal.aborted ? signal.reason : error
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  async #carry(connection: Connection, welcome: Welcome, address: Address): Promise<boolean> {
    this.#connection = connection
    this.#sessionId = welcome.sessionId
    this.#password = welcome.password
    this.#timeoutMs = welcome.timeoutMs
    connection.start(welcome.timeoutMs)
    try {
      await logIn(this.#options.credentials, (operation) => connection.send(operation, this.#nextXid()), {
        lastZxid: this.#lastZxid,
        watches: this.watches,
      })
    } catch (cause) {
      this.#loginFailed(connection, cause as Error)
      return false
    }
    const where = { server: `${address.host}:${address.port}`, sessionId: welcome.sessionId.toString(16), timeoutMs: welcome.timeoutMs }
    this.#options.logger.info(where, 'connected to ZooKeeper')
    this.#become('CONNECTED')
    for (const operation of this.#queued.splice(0)) connection.send(operation, this.#nextXid())
    await connection.ended
    if (this.#isOver()) return true
    this.#become('CONNECTING')
    this.#options.logger.info(where, 'lost the connection to ZooKeeper')
    return true
  }

  #loginFailed(connection: Connection, cause: Error): void {
    connection.end(cause)
    if (!(cause instanceof ZooKeeperError) || cause.error !== 'AUTH_FAILED') return
    this.#options.logger.error({ err: cause }, 'ZooKeeper refuses the login')
    this.#finish('AUTH_FAILED', cause)
  }
}
