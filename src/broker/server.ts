import { createServer, type Server, type Socket } from 'node:net'
import type { Timer, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Principal } from '../security/principal.ts'
import type { Authentications } from './login/authentications.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { Endpoint } from './config/listeners.ts'
import { Connection, type ConnectionShared } from './connection.ts'
import { isServedMechanism, Login } from './login/sasl.ts'
import type { Credentials } from './login/credentials.ts'
import { ListenerTls, type TlsFigures } from './tls/listener-tls.ts'
import { isTls } from './tls/material.ts'

/** The kernel caps it further (net.core.somaxconn). */
const BACKLOG = 4096
const IDLE_CHECKS_PER_PERIOD = 4
/** Node reads on from a paused socket until it has this much; what it has read then is not in any budget. */
const READ_AHEAD_BYTES = 16_384
/** A client that does not take its last answers for so long does not hold up the stop. */
const FINISH_MS = 3000

export type KafkaServerOptions = {
  endpoints: readonly Endpoint[]
  /** What holds now; asked anew for each connection. */
  config: () => BrokerConfig
  credentials: Credentials
  authentications: Authentications
  shared: ConnectionShared
  /** Holds the certificates. */
  disk: Disk
  wall: WallClock
}

type Listener = { endpoint: Endpoint; server: Server; port: number; tls: ListenerTls | undefined }

/** An IPv4 client of a dual-stack listener has an address of its own form. */
const hostOf = (socket: Socket): string => (socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '')

const limitOf = (config: BrokerConfig, host: string): number => {
  for (const pair of config.get('max.connections.per.ip.overrides').split(',')) {
    const at = pair.lastIndexOf(':')
    if (at > 0 && pair.slice(0, at).trim() === host) return Number(pair.slice(at + 1))
  }
  return config.get('max.connections.per.ip')
}

/** The listeners of a broker and the connections that they took. Ports are bound by `bind`, requests are served from `serve` on. */
export class KafkaServer {
  readonly #options: KafkaServerOptions
  readonly #connections = new Set<Connection>()
  readonly #perHost = new Map<string, number>()
  readonly #early: { socket: Socket; listener: Listener }[] = []
  /** In the middle of a TLS handshake. */
  readonly #handshaking = new Set<Socket>()
  #listeners: Listener[] = []
  #isServing = false
  #idleCheck: Timer | undefined

  constructor(options: KafkaServerOptions) {
    this.#options = options
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  tlsFigures(): TlsFigures[] {
    return this.#listeners.flatMap(({ tls }) => (tls ? [tls.figures] : []))
  }

  /**
   * Takes the ports; who connects before `serve` waits. Throws ConfigError for certificates that cannot be used, and Node's error (EADDRINUSE, ...) with the
   * listener in the message.
   */
  async bind(): Promise<void> {
    for (const endpoint of this.#options.endpoints) this.#listeners.push(await this.#listen(endpoint))
  }

  /** The port of a listener, also where 0 was asked for. */
  portOf({ name }: Endpoint): number {
    return this.#listeners.find(({ endpoint }) => endpoint.name === name)?.port ?? 0
  }

  serve(): void {
    this.#isServing = true
    for (const { socket, listener } of this.#early.splice(0)) this.#accept(socket, listener)
    for (const { tls } of this.#listeners) tls?.watch()
    this.#scheduleIdleCheck()
  }

  /** Takes no more connections and requests; ends waits early and resolves when the answers that were due are out and every connection is closed. */
  async finish(): Promise<void> {
    this.#idleCheck?.cancel()
    for (const { socket } of this.#early.splice(0)) socket.resetAndDestroy()
    this.#closeListeners()
    const connections = [...this.#connections]
    for (const connection of connections) connection.finish()
    const patience = this.#options.shared.clock.schedule(FINISH_MS, () => this.destroy())
    await Promise.all(connections.map(({ ended }) => ended))
    patience.cancel()
  }

  /** Closes whatever is still open. */
  destroy(): void {
    this.#closeListeners()
    for (const connection of this.#connections) connection.close('the broker stops')
  }

  #closeListeners(): void {
    for (const { server, tls } of this.#listeners) {
      server.close()
      tls?.close()
    }
    for (const socket of this.#handshaking) socket.destroy()
  }

  #listen(endpoint: Endpoint): Promise<Listener> {
    const tls = isTls(endpoint) ? new ListenerTls(this.#tlsOptions(endpoint)) : undefined
    const options = { noDelay: true, keepAlive: true, pauseOnConnect: true, highWaterMark: READ_AHEAD_BYTES }
    const server = createServer(options, (socket) => this.#accept(socket, listener))
    const listener: Listener = { endpoint, server, port: 0, tls }
    return new Promise((resolve, reject) => {
      server.once('error', (cause: Error) => {
        reject(
          new Error(`listener ${endpoint.name} cannot listen on ${endpoint.host || '*'}:${endpoint.port}: ${cause.message}`, { cause }),
        )
      })
      server.listen({ port: endpoint.port, backlog: BACKLOG, ...(endpoint.host ? { host: endpoint.host } : {}) }, () => {
        server.on('error', (err) => this.#options.shared.logger.error({ err, listener: endpoint.name }, 'a connection could not be taken'))
        listener.port = (server.address() as { port: number }).port
        resolve(listener)
      })
    })
  }

  #tlsOptions(endpoint: Endpoint) {
    const { config, disk, wall, shared } = this.#options
    return { endpoint, config, disk, clocks: { monotonic: shared.clock, wall }, logger: shared.logger }
  }

  #accept(socket: Socket, listener: Listener): void {
    if (!this.#isServing) {
      socket.on('error', () => socket.destroy())
      this.#early.push({ socket, listener })
      return
    }
    const { name } = listener.endpoint
    const host = hostOf(socket)
    const refusal = this.#refusal(host, listener.endpoint)
    if (refusal !== undefined) {
      this.#options.shared.logger.info({ host, listener: name, refusal }, 'connection refused')
      socket.destroy()
      return
    }
    this.#count(host, 1)
    const ended = listener.tls
      ? this.#secure(socket, listener.tls, { host, endpoint: listener.endpoint })
      : this.#serve(socket, { host, endpoint: listener.endpoint })
    void ended.then(() => this.#count(host, -1))
  }

  /** Resolves when the connection is over. */
  async #secure(raw: Socket, tls: ListenerTls, peer: { host: string; endpoint: Endpoint }): Promise<void> {
    const { host, endpoint } = peer
    const { authentications, shared } = this.#options
    raw.on('error', () => raw.destroy())
    this.#handshaking.add(raw)
    try {
      const { socket, principal } = await tls.accept(raw).finally(() => this.#handshaking.delete(raw))
      if (endpoint.protocol === 'SSL') authentications.count(endpoint.name, 'successful')
      await this.#serve(socket, { ...peer, principal })
    } catch (error) {
      authentications.count(endpoint.name, 'failed')
      shared.logger.info({ host, listener: endpoint.name, reason: (error as Error).message }, 'TLS handshake failed')
    }
  }

  /** Resolves when the connection is over. */
  #serve(socket: Socket, { host, endpoint, principal }: { host: string; endpoint: Endpoint; principal?: Principal }): Promise<void> {
    const login = new Login(this.#loginOptions(endpoint), principal)
    const connection = new Connection(socket, { host, listener: endpoint.name, login }, this.#options.shared)
    this.#connections.add(connection)
    connection.start()
    return connection.ended.then(() => void this.#connections.delete(connection))
  }

  #refusal(host: string, { name }: Endpoint): string | undefined {
    const config = this.#options.config()
    if (host === '') return 'it ended before it was taken'
    if (this.#connections.size + this.#handshaking.size >= config.getForListener(name, 'max.connections'))
      return 'max.connections is reached'
    if ((this.#perHost.get(host) ?? 0) >= limitOf(config, host)) return 'max.connections.per.ip is reached'
    return undefined
  }

  #count(host: string, by: number): void {
    const count = (this.#perHost.get(host) ?? 0) + by
    if (count === 0) this.#perHost.delete(host)
    else this.#perHost.set(host, count)
  }

  #loginOptions({ name, protocol }: Endpoint) {
    if (!protocol.startsWith('SASL_')) return undefined
    const { credentials, config, authentications, shared } = this.#options
    return {
      listener: name,
      mechanisms: config().getForListener(name, 'sasl.enabled.mechanisms').filter(isServedMechanism),
      credentials,
      maxReauthMs: (mechanism: string) => config().getForListener(name, 'connections.max.reauth.ms', mechanism),
      clock: shared.clock,
      counts: authentications.of(name),
    }
  }

  #scheduleIdleCheck(): void {
    const maxIdleMs = this.#options.config().get('connections.max.idle.ms')
    if (maxIdleMs < 0) return
    const { clock } = this.#options.shared
    this.#idleCheck = clock.schedule(maxIdleMs / IDLE_CHECKS_PER_PERIOD, () => {
      const before = clock.nowMs() - maxIdleMs
      for (const connection of this.#connections) {
        if ((connection.idleSinceMs ?? before) < before) connection.close(`idle for connections.max.idle.ms (${maxIdleMs})`)
      }
      this.#scheduleIdleCheck()
    })
  }
}
