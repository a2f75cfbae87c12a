import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { type ConnectionOwner, type Granted, type Hello, ServerConnection } from './connection.ts'
import { Database } from './database.ts'
import { answerOf, type Observed, wordOf } from './four-letter.ts'
import { Outbox } from './outbox.ts'
import { SessionTimes } from './sessions.ts'
import { Storage } from './storage.ts'
import type { ZooKeeperState } from './state.ts'
import { WatchTable } from './watch-table.ts'
import type { ZooKeeperConfig } from './zoo-cfg.ts'

export type Clocks = { monotonic: MonotonicClock; wall: WallClock }
export type EmbeddedZooKeeperOptions = { config: ZooKeeperConfig; disk: Disk; clocks: Clocks; logger: Logger }

/** A connection that never says its connect record goes after this. */
const GREETING_MS = 10_000

/**
 * A one-node ZooKeeper. Owns the listening socket, the connections and which of them carries which session; the state has its own owner (Database).
 * A disk that fails stops it: nothing is answered that is not on disk, and `failed` resolves with the cause.
 */
export class EmbeddedZooKeeper implements ConnectionOwner, Observed {
  readonly config: ZooKeeperConfig
  readonly logger: Logger
  readonly watches = new WatchTable()
  readonly outbox: Outbox
  readonly database: Database
  readonly connections = new Set<ServerConnection>()
  readonly failed: Promise<Error>
  /** Of connections that are gone. */
  receivedCount = 0
  sentCount = 0
  readonly #clocks: Clocks
  readonly #storage: Storage
  readonly #times: SessionTimes
  readonly #carriers = new Map<bigint, ServerConnection>()
  readonly #server: Server = createServer({ noDelay: true }, (socket) => this.#accept(socket))
  #isStopping = false

  private constructor(options: EmbeddedZooKeeperOptions, storage: Storage, state: ZooKeeperState) {
    this.config = options.config
    this.logger = options.logger
    this.#clocks = options.clocks
    this.#storage = storage
    const { promise, resolve } = Promise.withResolvers<Error>()
    this.failed = promise
    this.outbox = new Outbox(storage, state, (cause) => {
      this.logger.fatal({ err: cause }, 'the disk does not take the transaction log; ZooKeeper stops')
      this.#disconnect()
      resolve(cause)
    })
    this.database = new Database({ state, outbox: this.outbox, watches: this.watches, wall: options.clocks.wall })
    const expire = (sessionId: bigint) => {
      this.logger.info({ sessionId: sessionId.toString(16) }, 'a session expired')
      this.closeSession(sessionId)
    }
    this.#times = new SessionTimes({ state, ...options.clocks, serverId: options.config.serverId, expire })
  }

  /** Recovers, then listens. Throws StorageError, EBUSY for a directory in use, or the socket's error. */
  static async start(options: EmbeddedZooKeeperOptions): Promise<EmbeddedZooKeeper> {
    const { storage, state } = await Storage.open({ ...options.config, disk: options.disk, logger: options.logger })
    const server = new EmbeddedZooKeeper(options, storage, state)
    try {
      await server.#listen()
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Sessions stay: their clients find them again after a restart. */
  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#disconnect()
    await this.outbox.settled()
    await this.#storage.close()
  }

  admit(connection: ServerConnection, hello: Hello): Granted | 'AHEAD' | undefined {
    const { state } = this.database
    if (hello.lastZxidSeen > state.zxid) {
      this.logger.warn(
        { client: connection.remote, zxid: hello.lastZxidSeen.toString(16) },
        'a client has seen a later transaction than this server',
      )
      return 'AHEAD'
    }
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.config
    const timeoutMs = Math.min(Math.max(hello.timeoutMs, minSessionTimeoutMs), maxSessionTimeoutMs)
    if (hello.sessionId === 0n) {
      const { sessionId, password } = this.#times.nextId()
      this.database.openSession(sessionId, timeoutMs, password)
      return this.#carry(connection, { sessionId, timeoutMs, password })
    }
    if (!this.#times.isPassword(hello.sessionId, hello.password)) return undefined
    const session = state.sessions.get(hello.sessionId)!
    return this.#carry(connection, { sessionId: hello.sessionId, ...session })
  }

  touch(sessionId: bigint): void {
    this.#times.touch(sessionId)
  }

  closeSession(sessionId: bigint): void {
    this.#times.forget(sessionId)
    const carrier = this.#carriers.get(sessionId)
    this.#carriers.delete(sessionId)
    if (!this.database.state.sessions.has(sessionId)) return
    this.database.closeSession(sessionId)
    carrier?.endSession()
  }

  forget(connection: ServerConnection): void {
    this.connections.delete(connection)
    this.watches.forget(connection)
    if (this.#carriers.get(connection.sessionId) === connection) this.#carriers.delete(connection.sessionId)
    this.receivedCount += connection.receivedCount
    this.sentCount += connection.sentCount
  }

  destroyLater(connection: ServerConnection): void {
    this.#clocks.monotonic.schedule(GREETING_MS, () => connection.destroy())
  }

  answerCommand(first: number | undefined, socket: Socket): boolean {
    const word = wordOf(first)
    if (word === undefined) return false
    socket.end(answerOf(word, this))
    return true
  }

  #carry(connection: ServerConnection, granted: Granted): Granted {
    this.#carriers.get(granted.sessionId)?.destroy()
    this.#carriers.set(granted.sessionId, connection)
    this.#times.touch(granted.sessionId)
    return granted
  }

  #accept(socket: Socket): void {
    const connection = new ServerConnection(this, socket)
    const { maxClientCnxns } = this.config
    const isOneTooMany =
      maxClientCnxns > 0 && [...this.connections].filter(({ address }) => address === connection.address).length >= maxClientCnxns
    if (isOneTooMany || this.#isStopping) {
      if (isOneTooMany) this.logger.warn({ client: connection.address, maxClientCnxns }, 'too many connections of one address')
      return connection.destroy()
    }
    this.connections.add(connection)
    this.#clocks.monotonic.schedule(GREETING_MS, () => {
      if (connection.sessionId === 0n) connection.destroy()
    })
  }

  #disconnect(): void {
    this.#times.stop()
    this.#server.close()
    for (const connection of this.connections) connection.destroy()
  }

  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host: this.config.clientPortAddress, port: this.config.clientPort }, () => {
        this.#server.off('error', reject)
        this.#server.on('error', (cause) => this.logger.error({ err: cause }, 'the listening socket failed'))
        resolve()
      })
    })
  }
}

export type StartedZooKeeper = {
  port: number
  /** host:port, as zookeeper.connect takes it. */
  address: string
  /** Resolves with the cause when the disk stopped the server. */
  failed: Promise<Error>
  stop(): Promise<void>
}

export const startEmbeddedZooKeeper = async (options: EmbeddedZooKeeperOptions): Promise<StartedZooKeeper> => {
  for (const warning of options.config.warnings) options.logger.warn({ warning }, 'zoo.cfg')
  const server = await EmbeddedZooKeeper.start(options)
  const { port } = server
  const address = `${options.config.clientPortAddress}:${port}`
  options.logger.info(
    { address, zxid: server.database.state.zxid.toString(16), znodes: server.database.state.tree.size },
    'ZooKeeper serves',
  )
  return { port, address, failed: server.failed, stop: () => server.stop() }
}
