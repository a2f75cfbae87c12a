import type { MonotonicClock, Timer } from '../base/clock.ts'
import { FrameError, FrameReader } from '../base/frames.ts'
import { ZooKeeperError, zooKeeperErrorName, type ZooKeeperErrorName } from './errors.ts'
import { beginFrame, endFrame } from './frames.ts'
import { JuteReader, JuteWriter } from './jute.ts'
import {
  MAX_REQUEST_BYTES,
  OPCODES,
  XIDS,
  connectRequest,
  connectResponse,
  eventTypeOf,
  replyHeader,
  requestHeader,
  watcherEvent,
  type ReplyHeader,
} from './protocol.ts'
import type { Socket } from './socket.ts'
import type { NodeEventType } from './types.ts'

/** One operation on its way. Exactly one of succeed, refuse and lose is called, once. */
export interface Operation {
  readonly opcode: number
  /** For requests that are not counted (XIDS); others get the next number. */
  readonly xid?: number
  readonly path?: string
  write(to: JuteWriter): void
  succeed(from: JuteReader): void
  refuse(error: ZooKeeperErrorName): void
  lose(error: ZooKeeperError): void
}

/** What a connection tells the session that owns it. */
export interface ConnectionOwner {
  event(type: NodeEventType, path: string): void
  /** Any counted answer: the transaction that the server had applied by then. */
  sawZxid(zxid: bigint): void
  /** The server has answered something that was sent at `sentMs`: from then on it counts the session's time-out anew. */
  confirm(sentMs: number): void
}

export type Hello = { lastZxidSeen: bigint; timeoutMs: number; sessionId: bigint; password: Buffer }
/** timeoutMs 0: the session is expired. */
export type Welcome = { timeoutMs: number; sessionId: bigint; password: Buffer }
type Sent = { xid: number; sentMs: number; operation: Operation }
type Options = { socket: Socket; clock: MonotonicClock; owner: ConnectionOwner; maxResponseBytes: number }

/** One TCP connection of a session, from the connect record to its end. A new connection starts with `greet`, then `start`. */
export class Connection {
  readonly #socket: Socket
  readonly #clock: MonotonicClock
  readonly #owner: ConnectionOwner
  readonly #frames: FrameReader
  readonly #chunks: AsyncIterator<Buffer>
  readonly #pending: Sent[] = []
  readonly #auths: Sent[] = []
  readonly #pingsSentMs: number[] = []
  readonly #ended = Promise.withResolvers<void>()
  #isEnded = false
  #timeoutMs = 0
  #lastSentMs = 0
  #lastHeardMs = 0
  #pingTimer: Timer | undefined
  #silenceTimer: Timer | undefined

  constructor(options: Options) {
    this.#socket = options.socket
    this.#clock = options.clock
    this.#owner = options.owner
    this.#frames = new FrameReader(options.maxResponseBytes)
    this.#chunks = options.socket.chunks[Symbol.asyncIterator]()
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Resolves when the connection is over, whoever ended it; every operation on it has then been settled. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** Sends the connect record and waits for its answer. */
  async greet(hello: Hello): Promise<Welcome> {
    const sentMs = this.#clock.nowMs()
    const to = beginFrame(new JuteWriter())
    connectRequest.write(to, { protocolVersion: 0, ...hello })
    to.boolean(false)
    this.#socket.write(endFrame(to))
    for (;;) {
      const frame = this.#frames.next()
      if (frame) {
        const answer = connectResponse.read(new JuteReader(frame))
        this.#owner.confirm(sentMs)
        return { ...answer, password: Buffer.from(answer.password ?? []) }
      }
      const { value, done } = await this.#chunks.next()
      if (done) throw new Error('the server closed the connection before it answered the connect record')
      this.#frames.push(value)
    }
  }

  /** Begins to read answers, to send pings at a third of the time-out, and to give up after two thirds of silence. */
  start(timeoutMs: number): void {
    this.#timeoutMs = timeoutMs
    this.#lastHeardMs = this.#lastSentMs = this.#clock.nowMs()
    this.#watchSending()
    this.#watchSilence(false)
    void this.#readAll()
  }

  /** `xid` is the session's next number; uncounted operations bring their own. */
  send(operation: Operation, xid: number): void {
    const sent = { xid: operation.xid ?? xid, sentMs: this.#clock.nowMs(), operation }
    const to = beginFrame(new JuteWriter())
    requestHeader.write(to, { xid: sent.xid, type: operation.opcode })
    operation.write(to)
    if (to.sizeBytes - 4 > MAX_REQUEST_BYTES) {
      const reason = `the request has ${to.sizeBytes - 4} bytes, the server's limit (jute.maxbuffer) is ${MAX_REQUEST_BYTES}`
      return operation.lose(new ZooKeeperError('BAD_ARGUMENTS', { ...pathOf(operation), reason }))
    }
    if (this.#isEnded) return operation.lose(new ZooKeeperError('CONNECTION_LOSS', pathOf(operation)))
    ;(sent.xid === XIDS.auth ? this.#auths : this.#pending).push(sent)
    this.#write(endFrame(to), sent.sentMs)
  }

  /** Whether the server has been silent for longer than the session lives: it has expired, or the server is gone. */
  get isStale(): boolean {
    return this.#clock.nowMs() - this.#lastHeardMs > this.#timeoutMs
  }

  end(cause: Error): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#pingTimer?.cancel()
    this.#silenceTimer?.cancel()
    this.#socket.destroy()
    for (const { operation } of [...this.#auths.splice(0), ...this.#pending.splice(0)]) {
      operation.lose(new ZooKeeperError('CONNECTION_LOSS', { ...pathOf(operation), reason: 'it may or may not have been applied', cause }))
    }
    this.#ended.resolve()
  }

  #write(bytes: Buffer, nowMs: number): void {
    this.#lastSentMs = nowMs
    this.#socket.write(bytes)
  }

  async #readAll(): Promise<void> {
    try {
      this.#drain()
      for (let next = await this.#chunks.next(); !next.done; next = await this.#chunks.next()) {
        if (this.#isEnded) return
        this.#lastHeardMs = this.#clock.nowMs()
        this.#frames.push(next.value)
        this.#drain()
      }
      this.end(new Error('the server closed the connection'))
    } catch (error) {
      this.#endBy(error as Error)
    }
  }

  /** An answer that is too large belongs to the oldest operation: that one learns why. */
  #endBy(error: Error): void {
    const oldest = error instanceof FrameError ? this.#pending.shift() : undefined
    oldest?.operation.lose(
      new ZooKeeperError('CONNECTION_LOSS', {
        ...pathOf(oldest.operation),
        reason: `the answer is ${error.message} (jute.maxbuffer)`,
        cause: error,
      }),
    )
    this.end(error)
  }

  #drain(): void {
    for (let frame = this.#frames.next(); frame && !this.#isEnded; frame = this.#frames.next()) {
      const from = new JuteReader(frame)
      this.#receive(replyHeader.read(from), from)
    }
  }

  #receive(header: ReplyHeader, from: JuteReader): void {
    if (header.xid === XIDS.event) return this.#receiveEvent(from)
    if (header.xid === XIDS.ping) return this.#confirm(this.#pingsSentMs.shift())
    if (header.xid === XIDS.auth) return this.#settle(this.#auths.shift(), header, from)
    const sent = this.#pending.shift()
    if (sent && sent.xid !== header.xid) {
      this.#pending.unshift(sent)
      throw new Error(`the server answered request ${header.xid}; the oldest is ${sent.xid}`)
    }
    // Not from an event: others of the same transaction may still be on their way, and SetWatches must ask for them.
    if (header.zxid > 0n) this.#owner.sawZxid(header.zxid)
    this.#settle(sent, header, from)
  }

  #settle(sent: Sent | undefined, header: ReplyHeader, from: JuteReader): void {
    if (!sent) throw new Error(`the server answered request ${header.xid}, which was not sent`)
    this.#confirm(sent.sentMs)
    if (header.err !== 0) return sent.operation.refuse(zooKeeperErrorName(header.err))
    try {
      sent.operation.succeed(from)
    } catch (cause) {
      sent.operation.lose(new ZooKeeperError('MARSHALLING_ERROR', { ...pathOf(sent.operation), cause }))
      throw cause
    }
  }

  #confirm(sentMs: number | undefined): void {
    if (sentMs !== undefined) this.#owner.confirm(sentMs)
  }

  #receiveEvent(from: JuteReader): void {
    const { type, path } = watcherEvent.read(from)
    const name = eventTypeOf(type)
    if (name) this.#owner.event(name, path)
  }

  #watchSending(): void {
    if (this.#isEnded) return
    const nowMs = this.#clock.nowMs()
    const intervalMs = this.#timeoutMs / 3
    if (nowMs - this.#lastSentMs >= intervalMs) {
      const to = beginFrame(new JuteWriter())
      requestHeader.write(to, { xid: XIDS.ping, type: OPCODES.ping })
      this.#pingsSentMs.push(nowMs)
      this.#write(endFrame(to), nowMs)
    }
    this.#pingTimer = this.#clock.schedule(this.#lastSentMs + intervalMs - nowMs, () => this.#watchSending())
  }

  /** After a stall of this process the answers may be waiting in the socket: they are read before a second look decides. */
  #watchSilence(isSecondLook: boolean): void {
    if (this.#isEnded) return
    const leftMs = this.#lastHeardMs + (this.#timeoutMs * 2) / 3 - this.#clock.nowMs()
    if (leftMs > 0) this.#silenceTimer = this.#clock.schedule(leftMs, () => this.#watchSilence(false))
    else if (!isSecondLook) this.#silenceTimer = this.#clock.schedule(1, () => this.#watchSilence(true))
    else this.end(new Error(`nothing was heard from the server for ${Math.round(this.#clock.nowMs() - this.#lastHeardMs)} ms`))
  }
}

const pathOf = (operation: Operation): { path?: string } => (operation.path === undefined ? {} : { path: operation.path })
