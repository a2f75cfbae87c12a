import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { MonotonicClock, Timer } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { type OutputPool, ResponseOutput, type Slot } from './connection-output.ts'
import type { Peer } from './context.ts'
import type { Dispatcher, Outcome } from './dispatch.ts'
import { FrameError, FrameReader } from './frames.ts'
import type { Login } from './login/sasl.ts'
import type { Holder, MemoryBudget } from './memory-budget.ts'

/** What all connections of a broker share. */
export type ConnectionShared = {
  dispatcher: Dispatcher
  requestBudget: MemoryBudget
  outputs: OutputPool
  clock: MonotonicClock
  logger: Logger
  /** Of a frame after login; asked anew each time, since it may change at run time. */
  maxRequestBytes(): number
}

/** Before login a stranger gets no more than this. */
const MAX_BYTES_BEFORE_LOGIN = 524_288
/** Answers that a connection may have due at a time; no client of Kafka has more than a few requests in flight. */
const MAX_OPEN_RESPONSES = 128
/** After the last answer the client has this long to close, so that the answer is not lost in a reset. */
const LINGER_MS = 1000
/** A connection with so little of a request is read from although the memory for requests is used up. */
const SMALL_REQUEST_BYTES = 16_384

/**
 * One client: bytes in, frames, answers out. Requests are handed to the dispatcher one after the other in the order of arrival, and answered in it.
 * Nothing is read while an answer waits for the socket, a request is being handled, or the memory is used up.
 */
export class Connection implements Peer, Holder {
  readonly host: string
  readonly listener: string
  readonly login: Login
  progressMs: number
  readonly ended: Promise<void>
  readonly #socket: Socket
  readonly #shared: ConnectionShared
  readonly #frames = new FrameReader()
  readonly #output: ResponseOutput
  #closed: AbortController | undefined
  #accountedBytes = 0
  /** Monotonic ms when bytes last came or an answer was due. */
  #lastActiveMs: number
  #isHandling = false
  #isPumping = false
  #isPaused = false
  #isFinishing = false
  #isEnded = false
  #wasAnswered = false
  #farewell: Timer | undefined

  constructor(socket: Socket, peer: { host: string; listener: string; login: Login }, shared: ConnectionShared) {
    this.host = peer.host
    this.listener = peer.listener
    this.login = peer.login
    this.#socket = socket
    this.#shared = shared
    this.#output = new ResponseOutput(socket, shared.outputs, this)
    this.#lastActiveMs = this.progressMs = shared.clock.nowMs()
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.#end())))
    socket.on('error', (error) => shared.logger.debug({ host: this.host, error: error.message }, 'connection failed'))
  }

  /** Begins to read from the socket, which was paused until now. */
  start(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#socket.resume()
  }

  get closed(): AbortSignal {
    this.#closed ??= new AbortController()
    if (this.#isEnded || this.#isFinishing) this.#closed.abort()
    return this.#closed.signal
  }

  /** A request is being handled or an answer is due. */
  get isBusy(): boolean {
    return this.#isHandling || this.#output.openCount > 0 || this.#output.isBlocked
  }

  /** Monotonic ms since when nothing has moved and the broker owes nothing; undefined while it does. */
  get idleSinceMs(): number | undefined {
    const owes = this.#isHandling || (this.#output.openCount > 0 && !this.#output.isBlocked)
    return owes ? undefined : Math.max(this.#lastActiveMs, this.#output.progressMs)
  }

  /** Bytes of requests. */
  get heldBytes(): number {
    return this.#accountedBytes
  }

  /** Memory for requests has become free. */
  resume(): void {
    this.#pump()
  }

  outputIsFree(): void {
    if (!this.#isFinishing) return this.#pump()
    if (this.isBusy || this.#farewell) return
    this.#socket.end()
    // Read on, and drop it: else the client's own end would not be seen.
    this.#unpause()
    this.#farewell = this.#shared.clock.schedule(LINGER_MS, () => this.close('the client did not close after the last answer'))
  }

  close(reason: string): void {
    if (this.#isEnded) return
    this.#shared.logger.debug({ host: this.host, listener: this.listener, reason }, 'connection closed')
    this.#end()
    this.#socket.destroy()
  }

  /** Takes no further request, ends what waits early, and closes when the answers that are due have gone out. */
  finish(): void {
    if (!this.#wasAnswered && !this.isBusy) return this.#reset('the broker stops')
    this.#isFinishing = true
    this.#pause()
    this.#closed?.abort()
    this.outputIsFree()
  }

  /** A client that reads the end of its new connection takes the broker for one that demands TLS, and gives up; after a reset it comes again. */
  #reset(reason: string): void {
    this.#shared.logger.debug({ host: this.host, listener: this.listener, reason }, 'connection reset')
    this.#end()
    // Node resets no TLS connection; its end tells no client that it spoke the wrong protocol.
    if (this.#socket instanceof TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#isEnded || this.#isFinishing) return
    this.#lastActiveMs = this.#shared.clock.nowMs()
    this.#frames.push(chunk)
    this.#pump()
    this.#account()
  }

  /** Handles what has come as far as that may be now; then asks for more, or for no more. */
  #pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      while (this.#mayHandle()) {
        const frame = this.#frames.next(this.login.isComplete ? this.#shared.maxRequestBytes() : MAX_BYTES_BEFORE_LOGIN)
        if (!frame) break
        this.#handle(frame)
      }
    } catch (error) {
      if (!(error instanceof FrameError)) this.#shared.logger.error({ err: error, host: this.host }, 'request could not be handled')
      this.close(error instanceof Error ? error.message : String(error))
    }
    this.#isPumping = false
    if (!this.#isEnded) this.#readOn()
  }

  #mayHandle(): boolean {
    if (this.#isEnded || this.#isFinishing || this.#isHandling || this.#output.isBlocked) return false
    if (this.#output.openCount >= MAX_OPEN_RESPONSES) return false
    const { budget } = this.#shared.outputs
    if (!budget.isUsedUp) return true
    budget.wait(this.#output)
    return false
  }

  /** Reads on where a request may be handled and memory allows. */
  #readOn(): void {
    this.#account()
    const { requestBudget } = this.#shared
    if (!this.#mayHandle()) return this.#pause()
    if (this.#accountedBytes <= SMALL_REQUEST_BYTES || requestBudget.mayGoOn(this)) return this.#unpause()
    requestBudget.wait(this)
    this.#pause()
  }

  #pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  #unpause(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  #account(): void {
    const bytes = this.#isEnded ? 0 : this.#frames.heldBytes
    if (bytes === this.#accountedBytes) return
    const { requestBudget, clock } = this.#shared
    const before = this.#accountedBytes
    this.#accountedBytes = bytes
    this.progressMs = clock.nowMs()
    if (before === 0) requestBudget.enter(this)
    if (bytes === 0) requestBudget.leave(this)
    if (bytes > before) requestBudget.add(bytes - before)
    else requestBudget.release(before - bytes)
  }

  #handle(frame: Buffer): void {
    const slot = this.#output.open()
    const outcome = this.#shared.dispatcher.dispatch(frame, this)
    if (!(outcome instanceof Promise)) return this.#settle(slot, outcome)
    this.#isHandling = true
    const { requestBudget } = this.#shared
    requestBudget.add(frame.length)
    void outcome.then((done) => {
      requestBudget.release(frame.length)
      this.#isHandling = false
      if (this.#isEnded) return
      this.#settle(slot, done)
      this.#pump()
    })
  }

  #settle(slot: Slot, outcome: Outcome): void {
    if (outcome.later) {
      void outcome.later.then((done) => this.#isEnded || this.#settle(slot, done))
      return
    }
    this.#lastActiveMs = this.#shared.clock.nowMs()
    this.#wasAnswered = true
    if (outcome.close === undefined) return this.#output.fill(slot, outcome.parts)
    this.#isFinishing = true
    this.#pause()
    const reason = outcome.close
    if (outcome.parts.length === 0 && outcome.delayMs === 0) return this.close(reason)
    this.#farewell = this.#shared.clock.schedule(outcome.delayMs, () => {
      this.#farewell = undefined
      this.#shared.logger.debug({ host: this.host, listener: this.listener, reason }, 'connection ends after its last answer')
      this.#output.fill(slot, outcome.parts)
    })
  }

  #end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#farewell?.cancel()
    this.#output.end()
    this.#account()
    this.#shared.requestBudget.leave(this)
    this.#closed?.abort()
  }
}
