import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { MonotonicClock, Timer } from '../../base/clock.ts'
import { ANONYMOUS, type Principal, user } from '../../security/principal.ts'
import { subjectName } from '../../security/distinguished-name.ts'
import type { SslPrincipalMapper } from '../../security/ssl-principal-mapper.ts'
import type { ServerMaterial } from './material.ts'

/** A connection whose handshake is done. `principal` is what the client's certificate says; ANONYMOUS where it showed none. */
export type Secured = { socket: TLSSocket; principal: Principal }
/** Why a client did not get in. */
export class HandshakeError extends Error {}

/** A client that is slower than this is not waited for. */
const HANDSHAKE_MS = 30_000
/** Node's own limit, in ms, is the largest that a timer takes: ours counts. */
const NO_LIMIT_MS = 2_147_483_647
/** A signature costs a millisecond; with so many new handshakes in one turn of the event loop others are still answered between them. */
const STARTS_PER_TURN = 4

/** Lets a few callers on per turn of the event loop, in the order in which they came. */
export class HandshakeTurns {
  #waiting: (() => void)[] = []

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(() => this.#run())
    })
  }

  #run(): void {
    for (const resolve of this.#waiting.splice(0, STARTS_PER_TURN)) resolve()
    if (this.#waiting.length > 0) setImmediate(() => this.#run())
  }
}

type Handshake = { succeed(secured: Secured): void; fail(why: string): void; timer: Timer }

/** What both ends of a connection are called; the same for the socket below and the one that TLS made of it. */
const placeOf = ({ remoteAddress, remotePort, localAddress }: Socket): string => `${remoteAddress} ${remotePort} ${localAddress}`

const principalOf = (socket: TLSSocket, mapper: SslPrincipalMapper): Principal => {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return ANONYMOUS
  if (!socket.authorized) throw new HandshakeError(`the client's certificate is not trusted: ${String(socket.authorizationError)}`)
  const owner = subjectName(certificate.raw)
  const name = mapper.map(owner)
  if (name === undefined) throw new HandshakeError(`no rule of ssl.principal.mapping.rules is for ${owner}`)
  return user(name)
}

/** The server's side of handshakes with one state of a listener's files. Connections that were made go on when it is replaced. */
export class Handshakes {
  readonly #server: Server
  readonly #mapper: SslPrincipalMapper
  readonly #clock: MonotonicClock
  readonly #open = new Map<string, Handshake>()

  constructor({ context, clientAuth, mapper }: ServerMaterial, clock: MonotonicClock) {
    this.#mapper = mapper
    this.#clock = clock
    this.#server = createServer({
      ...context,
      requestCert: clientAuth !== 'none',
      rejectUnauthorized: clientAuth === 'required',
      handshakeTimeout: NO_LIMIT_MS,
    })
    this.#server.on('secureConnection', (socket) => this.#finish(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      const { code } = error as NodeJS.ErrnoException
      this.#open.get(placeOf(socket))?.fail(String(socket.authorizationError ?? code ?? error.message))
    })
  }

  /** Takes a paused connection. Rejects with HandshakeError, and closes it, when it does not come to a handshake. */
  accept(raw: Socket): Promise<Secured> {
    if (raw.destroyed) return Promise.reject(new HandshakeError('the connection ended before the handshake'))
    return new Promise((resolve, reject) => {
      const place = placeOf(raw)
      const settle = () => {
        this.#open.delete(place)
        handshake.timer.cancel()
      }
      const fail = (why: string) => {
        if (this.#open.get(place) !== handshake) return
        settle()
        reject(new HandshakeError(why))
      }
      const succeed = (secured: Secured) => {
        settle()
        resolve(secured)
      }
      const timer = this.#clock.schedule(HANDSHAKE_MS, () => {
        fail(`no handshake within ${HANDSHAKE_MS} ms`)
        raw.destroy()
      })
      const handshake = { succeed, fail, timer }
      this.#open.set(place, handshake)
      // A reason, where there is one, is told in the same turn.
      raw.once('close', () => setImmediate(() => fail('the connection ended during the handshake')))
      this.#server.emit('connection', raw)
    })
  }

  #finish(socket: TLSSocket): void {
    const handshake = this.#open.get(placeOf(socket))
    // Whoever takes the connection over listens for errors of its own.
    socket.on('error', () => socket.destroy())
    if (!handshake) return void socket.destroy()
    try {
      handshake.succeed({ socket, principal: principalOf(socket, this.#mapper) })
    } catch (error) {
      handshake.fail((error as Error).message)
      // Never the socket below it: in the middle of OpenSSL's call that ends the process.
      socket.destroy()
    }
  }
}
