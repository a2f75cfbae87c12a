import type { Socket } from 'node:net'
import { DigestMd5Server } from '../zookeeper/digest-md5.ts'
import { ZooKeeperError, zooKeeperErrorCode, type ZooKeeperErrorName } from '../zookeeper/errors.ts'
import { FrameReader } from '../base/frames.ts'
import type { Logger } from '../base/logger.ts'
import { beginFrame, endFrame } from '../zookeeper/frames.ts'
import { JuteError, JuteReader, JuteWriter } from '../zookeeper/jute.ts'
import * as protocol from '../zookeeper/protocol.ts'
import { PERMISSIONS, type Acl, type NodeEventType } from '../zookeeper/types.ts'
import { digestId, isGranted, type Identity } from './acl.ts'
import type { Database } from './database.ts'
import type { Outbox, Sink } from './outbox.ts'
import { HANDLERS, type Requester } from './requests.ts'
import type { Watcher, WatchTable } from './watch-table.ts'
import type { ZooKeeperConfig } from './zoo-cfg.ts'

const { OPCODES, XIDS } = protocol
/** A client that does not read its answers, or sends faster than the disk takes, is not read from. */
const MAX_UNSENT_BYTES = 1024 * 1024
const MAX_UNSENT_ANSWERS = 1000

/** What a client says first, and what it gets: a session, new or its own. */
export type Hello = { lastZxidSeen: bigint; timeoutMs: number; sessionId: bigint; password: Buffer | null }
export type Granted = { timeoutMs: number; sessionId: bigint; password: Buffer }
/** What all connections of a server share, and which of them carries which session. */
export interface ConnectionOwner {
  readonly config: ZooKeeperConfig
  readonly logger: Logger
  readonly outbox: Outbox
  readonly database: Database
  readonly watches: WatchTable
  /** A new or a continued session; undefined: it is expired; AHEAD: this client knows more than this server, another one's data. */
  admit(connection: ServerConnection, hello: Hello): Granted | 'AHEAD' | undefined
  touch(sessionId: bigint): void
  /** By its client's wish or by expiry. The connection that carried it goes after the answers that are due. */
  closeSession(sessionId: bigint): void
  /** The connection is gone. */
  forget(connection: ServerConnection): void
  /** For a connection that was told to end and whose client may not read that. */
  destroyLater(connection: ServerConnection): void
  /** True when the number spells a four-letter word; it is answered then, and the connection closed. */
  answerCommand(first: number | undefined, socket: Socket): boolean
}

/** One client: frames in, answers and events out, in order. The session outlives it. */
export class ServerConnection implements Watcher, Sink {
  readonly address: string
  readonly identities: Identity[]
  readonly #server: ConnectionOwner
  readonly #socket: Socket
  readonly #frames = new FrameReader(protocol.MAX_REQUEST_BYTES)
  readonly #requester: Requester
  #sasl: DigestMd5Server | undefined
  #isGreeted = false
  #isClosing = false
  #isCorked = false
  #unsentBytes = 0
  #unsentAnswers = 0
  #sessionId = 0n
  receivedCount = 0
  sentCount = 0

  constructor(server: ConnectionOwner, socket: Socket) {
    this.#server = server
    this.#socket = socket
    this.address = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    this.identities = [{ scheme: 'ip', id: this.address }]
    this.#requester = { watcher: this, sessionId: 0n, identities: this.identities }
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('drain', () => this.#resume())
    socket.on('error', () => {})
    socket.on('close', () => server.forget(this))
  }

  get sessionId(): bigint {
    return this.#sessionId
  }
  /** host:port of the client, for the four-letter words. */
  get remote(): string {
    return `${this.address}:${this.#socket.remotePort ?? 0}`
  }
  get unsentAnswers(): number {
    return this.#unsentAnswers
  }

  /** After a frame that cannot be read, an expiry, or another connection of the same session. */
  destroy(): void {
    this.#isClosing = true
    this.#socket.destroy()
  }

  notify(type: NodeEventType, path: string, zxid: bigint, acl: readonly Acl[] = []): void {
    if (!isGranted(acl, PERMISSIONS.READ, this.identities)) return
    const to = beginFrame(new JuteWriter())
    protocol.replyHeader.write(to, { xid: XIDS.event, zxid, err: 0 })
    protocol.watcherEvent.write(to, { type: protocol.EVENT_TYPES[type], state: protocol.SYNC_CONNECTED, path })
    this.#send(endFrame(to))
  }

  deliver(bytes: Buffer | undefined): void {
    if (bytes === undefined) {
      this.#server.destroyLater(this)
      return void this.#socket.end(() => this.#socket.destroy())
    }
    this.#unsentBytes -= bytes.length
    this.#unsentAnswers--
    this.sentCount++
    if (!this.#isCorked) {
      // All answers of one turn go out by one write.
      this.#isCorked = true
      this.#socket.cork()
      process.nextTick(() => {
        this.#isCorked = false
        this.#socket.uncork()
      })
    }
    this.#socket.write(bytes)
    this.#resume()
  }

  #send(bytes: Buffer | undefined): void {
    if (bytes) {
      this.#unsentBytes += bytes.length
      this.#unsentAnswers++
    }
    this.#server.outbox.send(this, bytes)
  }

  get #isFull(): boolean {
    return this.#unsentBytes + this.#socket.writableLength > MAX_UNSENT_BYTES || this.#unsentAnswers > MAX_UNSENT_ANSWERS
  }

  #read(chunk: Buffer): void {
    if (this.#isClosing) return
    this.#frames.push(chunk)
    if (!this.#isGreeted && this.#server.answerCommand(this.#frames.peek(), this.#socket)) {
      this.#isClosing = true
      return
    }
    this.#process()
  }

  #process(): void {
    try {
      while (!this.#isClosing && !this.#isFull) {
        const frame = this.#frames.next()
        if (!frame) return
        if (this.#isGreeted) this.#request(frame)
        else this.#greet(frame)
      }
    } catch (cause) {
      this.#server.logger.warn({ client: this.remote, err: cause }, 'closed a connection that does not speak the protocol')
      return this.destroy()
    }
    if (!this.#isClosing) this.#socket.pause()
  }

  #resume(): void {
    if (!this.#socket.isPaused() || this.#isFull || this.#isClosing) return
    this.#socket.resume()
    this.#process()
  }

  #greet(frame: Buffer): void {
    const from = new JuteReader(frame)
    const hello = protocol.connectRequest.read(from)
    const hasReadOnly = from.remaining > 0
    const session = this.#server.admit(this, hello)
    if (session === 'AHEAD') return this.destroy()
    this.#isGreeted = true
    const refused = { timeoutMs: 0, sessionId: 0n, password: Buffer.alloc(protocol.PASSWORD_BYTES) }
    const to = beginFrame(new JuteWriter())
    protocol.connectResponse.write(to, { protocolVersion: 0, ...(session ?? refused) })
    if (hasReadOnly) to.boolean(false)
    this.#send(endFrame(to))
    if (!session) return this.#closeAfterAnswers()
    this.#sessionId = session.sessionId
    this.#requester.sessionId = session.sessionId
  }

  /** The session is over by expiry: what is on its way may still arrive, then the connection ends. */
  endSession(): void {
    if (!this.#isClosing) this.#closeAfterAnswers()
  }

  #closeAfterAnswers(): void {
    this.#isClosing = true
    this.#send(undefined)
  }

  #reply(xid: number, error: ZooKeeperErrorName, body?: (to: JuteWriter) => void, zxid = this.#server.database.state.zxid): void {
    const to = beginFrame(new JuteWriter())
    protocol.replyHeader.write(to, { xid, zxid, err: zooKeeperErrorCode(error) })
    body?.(to)
    this.#send(endFrame(to))
  }

  #request(frame: Buffer): void {
    const from = new JuteReader(frame)
    const { xid, type } = protocol.requestHeader.read(from)
    this.receivedCount++
    this.#server.touch(this.#sessionId)
    if (type === OPCODES.ping) return this.#reply(XIDS.ping, 'OK')
    if (type === OPCODES.auth) return this.#authenticate(xid, from)
    if (type === OPCODES.sasl) return this.#saslStep(xid, from)
    if (type === OPCODES.closeSession) {
      this.#isClosing = true
      this.#server.closeSession(this.#sessionId)
      this.#reply(xid, 'OK')
      return this.#send(undefined)
    }
    this.#handle(xid, type, from)
  }

  #handle(xid: number, type: number, from: JuteReader): void {
    const handler = HANDLERS.get(type)
    if (!handler) return this.#reply(xid, 'UNIMPLEMENTED')
    const { database, watches } = this.#server
    let body: (to: JuteWriter) => void
    try {
      body = handler({ database, watches, client: this.#requester, from })
    } catch (error) {
      if (error instanceof ZooKeeperError) return this.#reply(xid, error.error)
      if (error instanceof JuteError) return this.#reply(xid, 'MARSHALLING_ERROR')
      throw error
    }
    this.#reply(xid, 'OK', body)
  }

  #identify(identity: Identity): void {
    if (!this.identities.some(({ scheme, id }) => scheme === identity.scheme && id === identity.id)) this.identities.push(identity)
  }

  #authenticate(xid: number, from: JuteReader): void {
    const { scheme, auth } = protocol.authPacket.read(from)
    if (scheme === 'digest') {
      const id = digestId((auth ?? Buffer.alloc(0)).toString('utf8'))
      if (id === this.#server.config.superDigest) this.#identify({ scheme: 'super', id: '' })
      this.#identify({ scheme, id })
      return this.#reply(xid, 'OK', undefined, 0n)
    }
    if (scheme === 'ip') return this.#reply(xid, 'OK', undefined, 0n)
    this.#reply(xid, 'AUTH_FAILED', undefined, 0n)
    this.#closeAfterAnswers()
  }

  #saslStep(xid: number, from: JuteReader): void {
    const token = protocol.saslToken.read(from).token ?? Buffer.alloc(0)
    const { saslUsers } = this.#server.config
    const answer = (text: string | null) => (to: JuteWriter) =>
      protocol.saslToken.write(to, { token: text === null ? null : Buffer.from(text) })
    if (saslUsers.size === 0) return this.#reply(xid, 'OK', answer(null), 0n)
    if (!this.#sasl || token.length === 0) {
      this.#sasl = new DigestMd5Server((username) => saslUsers.get(username))
      return this.#reply(xid, 'OK', answer(this.#sasl.challenge()), 0n)
    }
    const proved = this.#sasl.verify(token.toString('utf8'))
    this.#sasl = undefined
    if (proved) {
      this.#identify({ scheme: 'sasl', id: proved.username })
      if (proved.username === this.#server.config.superUser) this.#identify({ scheme: 'super', id: '' })
      return this.#reply(xid, 'OK', answer(proved.proof), 0n)
    }
    this.#server.logger.warn({ client: this.remote }, 'a SASL login was refused')
    this.#reply(xid, 'AUTH_FAILED', answer(null), 0n)
    this.#closeAfterAnswers()
  }
}
