import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { isZooKeeperError, unlessRefused, ZooKeeperError, type ZooKeeperErrorName } from './errors.ts'
import type { JuteReader, JuteWriter } from './jute.ts'
import { CONFIG_PATH, configOf, type EnsembleConfig, type Reconfiguration } from './ensemble.ts'
import { sendAuth, type Credentials } from './login.ts'
import { multiResults, writeMulti } from './multi.ts'
import { parentOf, validatePath } from './paths.ts'
import * as protocol from './protocol.ts'
import { Session } from './session.ts'
import { tcpDial, type Dial } from './socket.ts'
import { OPEN_ACL, type Acl, type Address, type CreateMode, type MultiOp, type MultiResult, type Stat, type State } from './types.ts'
import { Watch, type WatchKind } from './watches.ts'

const { OPCODES } = protocol
/** ZooKeeper 3.5's limit for what a client reads; a list of a hundred thousand topics fits. */
const MAX_RESPONSE_BYTES = 4 * 1024 * 1024
const MAX_QUEUED_OPERATIONS = 10_000

export type ZooKeeperOptions = {
  servers: readonly Address[]
  /** Every path is taken below it; it must exist. */
  chroot?: string
  /** What is asked for; `sessionTimeoutMs` of the client is what the server granted. */
  sessionTimeoutMs: number
  /** `connect` rejects when there is no session by then; absent: it tries for ever. */
  connectTimeoutMs?: number
  auth?: Credentials['auth']
  saslDigest?: { username: string; password: string }
  /** The ACL of a znode that is created without one, by its path below the chroot; absent: open to everyone. */
  aclOf?: (path: string) => readonly Acl[]
  clock: MonotonicClock
  logger: Logger
  random?: () => number
  dial?: Dial
  maxResponseBytes?: number
  /** Operations that may wait while there is no connection; one more gets THROTTLED_OP and is not sent. */
  maxQueuedOperations?: number
}

type Call<T> = {
  opcode: number
  path?: string
  write: (to: JuteWriter) => void
  read: (from: JuteReader) => T
  watch?: Watch | undefined
  /** Where the watch waits after the answer `error`; undefined: it is not set. */
  watchKind?: (error: ZooKeeperErrorName | 'OK') => WatchKind | undefined
}
type Watching = { watch?: Watch }

/**
 * One ZooKeeper session. Requests take effect and are answered in the order of the calls.
 * Without a connection an operation waits for the next one; one that was sent when the connection broke fails with CONNECTION_LOSS, and whether it was
 * applied is unknown. EXPIRED, AUTH_FAILED and CLOSED are final: every later call fails, and a new client is needed.
 * Errors are ZooKeeperError. Versions: -1 is any, 0 is 0.
 */
export class ZooKeeperClient {
  readonly #session: Session
  readonly #chroot: string
  readonly #credentials: Credentials
  readonly #aclOf: (path: string) => readonly Acl[]

  private constructor(options: ZooKeeperOptions) {
    this.#chroot = options.chroot === '/' ? '' : (options.chroot ?? '')
    if (this.#chroot !== '') validatePath(this.#chroot)
    this.#aclOf = options.aclOf ?? (() => OPEN_ACL)
    this.#credentials = { auth: [...(options.auth ?? [])], ...(options.saslDigest ? { saslDigest: options.saslDigest } : {}) }
    this.#session = new Session({
      servers: options.servers,
      sessionTimeoutMs: options.sessionTimeoutMs,
      credentials: this.#credentials,
      clock: options.clock,
      logger: options.logger,
      dial: options.dial ?? tcpDial,
      random: options.random ?? Math.random,
      maxResponseBytes: options.maxResponseBytes ?? MAX_RESPONSE_BYTES,
      maxQueuedOperations: options.maxQueuedOperations ?? MAX_QUEUED_OPERATIONS,
    })
  }

  /** Resolves with the session up and logged in. Throws AUTH_FAILED, or CONNECTION_LOSS after connectTimeoutMs. */
  static async connect(options: ZooKeeperOptions): Promise<ZooKeeperClient> {
    if (options.servers.length === 0) throw new ZooKeeperError('BAD_ARGUMENTS', { reason: 'no server is given' })
    const client = new ZooKeeperClient(options)
    const { promise: late, resolve: giveUp } = Promise.withResolvers<'LATE'>()
    const timer =
      options.connectTimeoutMs === undefined ? undefined : options.clock.schedule(options.connectTimeoutMs, () => giveUp('LATE'))
    let state: State | 'LATE' = client.state
    while (state === 'CONNECTING') state = await Promise.race([client.stateChanged(), late])
    timer?.cancel()
    if (state === 'CONNECTED') return client
    await client.close()
    if (state === 'AUTH_FAILED') throw new ZooKeeperError('AUTH_FAILED', { reason: 'the server refuses the login' })
    const servers = options.servers.map(({ host, port }) => `${host}:${port}`).join(',')
    const why = client.#session.lastFailure
    const reason = `no session with ${servers} within ${options.connectTimeoutMs} ms${why === undefined ? '' : `: ${why}`}`
    throw new ZooKeeperError('CONNECTION_LOSS', { reason })
  }

  get state(): State {
    return this.#session.state
  }
  /** The next state; never resolves after a final one. */
  stateChanged(): Promise<State> {
    return this.#session.stateChanged()
  }
  get sessionId(): bigint {
    return this.#session.sessionId
  }
  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs
  }
  get lastZxid(): bigint {
    return this.#session.lastZxid
  }
  /**
   * Monotonic milliseconds since the sending of the latest request that the server has answered. While it is below `sessionTimeoutMs` the session
   * certainly lives; above, it may be expired and others may have taken over, although nobody has said so yet.
   */
  silentMs(): number {
    return this.#session.silentMs()
  }

  newWatch(): Watch {
    return new Watch(this.#chroot, (watch) => this.#session.watches.forget(watch))
  }

  /** The path as created, with the number of a sequential znode. */
  async create(path: string, data: Buffer | null, options: { acl?: readonly Acl[]; mode?: CreateMode } = {}): Promise<string> {
    const call = this.#createCall(OPCODES.create, path, data, options)
    return this.#relative((await this.#call({ ...call, read: (from) => protocol.path.read(from) })).path)
  }

  async createWithStat(
    path: string,
    data: Buffer | null,
    options: { acl?: readonly Acl[]; mode?: CreateMode } = {},
  ): Promise<{ path: string; stat: Stat }> {
    const call = this.#createCall(OPCODES.create2, path, data, options)
    const created = await this.#call({ ...call, read: (from) => protocol.pathAndStat.read(from) })
    return { path: this.#relative(created.path), stat: created.stat }
  }

  /** The data watch is set only when the znode exists. `data` is null where it was created so. */
  get(path: string, { watch }: Watching = {}): Promise<{ data: Buffer | null; stat: Stat }> {
    const read = (from: JuteReader) => {
      const { data, stat } = protocol.dataAndStat.read(from)
      return { data: data && Buffer.from(data), stat }
    }
    return this.#call({ ...this.#reading(OPCODES.getData, path, watch), read, watchKind: (error) => (error === 'OK' ? 'data' : undefined) })
  }

  /** undefined: no such znode; the watch then waits for its creation. */
  exists(path: string, { watch }: Watching = {}): Promise<Stat | undefined> {
    const watchKind = (error: ZooKeeperErrorName | 'OK') => (error === 'OK' ? 'data' : error === 'NO_NODE' ? 'exist' : undefined)
    const call = {
      ...this.#reading(OPCODES.exists, path, watch),
      read: (from: JuteReader) => protocol.statResponse.read(from).stat,
      watchKind,
    }
    return unlessRefused(this.#call(call), 'NO_NODE')
  }

  /** Names without their path, in no order. The watch fires on a change of the list and on the znode's own deletion. */
  children(path: string, { watch }: Watching = {}): Promise<{ children: readonly string[]; stat: Stat }> {
    const read = (from: JuteReader) => protocol.childrenAndStat.read(from)
    return this.#call({
      ...this.#reading(OPCODES.getChildren2, path, watch),
      read,
      watchKind: (error) => (error === 'OK' ? 'child' : undefined),
    })
  }

  async set(path: string, data: Buffer | null, version: number): Promise<Stat> {
    const write = (to: JuteWriter) => protocol.setDataRequest.write(to, { path: this.#absolute(path), data, version })
    return (await this.#call({ opcode: OPCODES.setData, path, write, read: (from) => protocol.statResponse.read(from) })).stat
  }

  delete(path: string, version: number): Promise<void> {
    const write = (to: JuteWriter) => protocol.pathAndVersion.write(to, { path: this.#absolute(path), version })
    return this.#call({ opcode: OPCODES.delete, path, write, read: () => {} })
  }

  async getAcl(path: string): Promise<{ acl: readonly Acl[]; stat: Stat }> {
    const write = (to: JuteWriter) => protocol.path.write(to, { path: this.#absolute(path) })
    return this.#call({ opcode: OPCODES.getAcl, path, write, read: (from) => protocol.aclAndStat.read(from) })
  }

  /** `version` is compared with the znode's aversion. */
  async setAcl(path: string, acl: readonly Acl[], version: number): Promise<Stat> {
    const write = (to: JuteWriter) => protocol.setAclRequest.write(to, { path: this.#absolute(path), acl, version })
    return (await this.#call({ opcode: OPCODES.setAcl, path, write, read: (from) => protocol.statResponse.read(from) })).stat
  }

  /** All or nothing. A refused one throws what its first refused operation got, with `index`, that operation's path and `results`. */
  async multi(ops: readonly MultiOp[]): Promise<readonly MultiResult[]> {
    for (const op of ops) this.#validate(op)
    const absolute = ops.map((op) => ({
      ...op,
      path: this.#absolute(op.path),
      ...(op.type === 'create' ? { acl: op.acl ?? this.#aclOf(op.path) } : {}),
    }))
    const results = await this.#call({
      opcode: OPCODES.multi,
      write: (to) => writeMulti(to, absolute),
      read: (from) => multiResults.read(from),
    })
    const index = results.findIndex((result) => result.type === 'error' && result.error !== 'OK')
    const refused = results[index]
    if (refused?.type === 'error') {
      const names = results.map((result) => (result.type === 'error' ? result.error : 'OK'))
      throw new ZooKeeperError(refused.error, { path: ops[index]!.path, index, results: names })
    }
    return results.map((result) => (result.type === 'create' ? { ...result, path: this.#relative(result.path) } : result))
  }

  /** What was written anywhere before this call is seen by reads after it. */
  async sync(path = '/'): Promise<void> {
    const write = (to: JuteWriter) => protocol.path.write(to, { path: this.#absolute(path) })
    await this.#call({ opcode: OPCODES.sync, path, write, read: (from) => protocol.path.read(from) })
  }

  /** The members of the ensemble, whatever the chroot. `sync` first where the newest is needed. */
  getConfig(): Promise<EnsembleConfig> {
    const write = (to: JuteWriter) => protocol.pathAndWatch.write(to, { path: CONFIG_PATH, watch: false })
    return this.#call({ opcode: OPCODES.getData, write, read: configOf })
  }

  /**
   * Changes the members, by a decision of old and new ensemble; needs a login that the server takes for `super`, or the right to write /zookeeper/config.
   * Throws NEW_CONFIG_NO_QUORUM (too few of the new are connected to the leader), RECONFIG_IN_PROGRESS, BAD_VERSION, RECONFIG_DISABLED, NO_AUTH.
   */
  reconfig({ joining = [], leaving = [], fromVersion = -1n }: Reconfiguration): Promise<EnsembleConfig> {
    const list = (values: readonly (string | number)[]) => (values.length > 0 ? Buffer.from(values.join(',')) : null)
    const request = { joining: list(joining), leaving: list(leaving), members: null, fromVersion }
    const write = (to: JuteWriter) => protocol.reconfigRequest.write(to, request)
    return this.#call({ opcode: OPCODES.reconfig, write, read: configOf })
  }

  /** For this and every later connection. A refusal is AUTH_FAILED, and the server closes the connection. */
  async addAuth(scheme: string, auth: string): Promise<void> {
    await sendAuth((operation) => this.#session.submit(operation), scheme, auth)
    this.#credentials.auth.push({ scheme, auth })
  }

  /** Creates what is missing of the path, without data. */
  async makePath(path: string, options: { acl?: readonly Acl[] } = {}): Promise<void> {
    validatePath(path)
    if (path === '/') return
    try {
      await this.create(path, null, options)
    } catch (error) {
      if (isZooKeeperError(error, 'NODE_EXISTS')) return
      if (!isZooKeeperError(error, 'NO_NODE') || parentOf(path) === '/') throw error
      await this.makePath(parentOf(path), options)
      await this.makePath(path, options)
    }
  }

  /** Ends the session on the server when it can be reached, so that its ephemeral znodes go at once. Watches fire with CLOSED. */
  async close(): Promise<void> {
    if (this.#session.state === 'CONNECTED') {
      const closing = this.#call({ opcode: OPCODES.closeSession, write: () => {}, read: () => {} }).catch(() => {})
      await Promise.race([closing, this.#session.stateChanged()])
    }
    this.#session.close()
  }

  #createCall(opcode: number, path: string, data: Buffer | null, options: { acl?: readonly Acl[]; mode?: CreateMode }) {
    const mode = options.mode ?? 'persistent'
    this.#validate({ type: 'create', path, data, mode })
    const request = { path: this.#absolute(path), data, acl: options.acl ?? this.#aclOf(path), flags: protocol.CREATE_FLAGS[mode] }
    return { opcode, path, isValidated: true, write: (to: JuteWriter) => protocol.createRequest.write(to, request) }
  }

  #reading(opcode: number, path: string, watch: Watch | undefined) {
    return {
      opcode,
      path,
      watch,
      write: (to: JuteWriter) => protocol.pathAndWatch.write(to, { path: this.#absolute(path), watch: watch !== undefined }),
    }
  }

  /** A sequential path may end in /, its name is then the number alone. */
  #validate(op: MultiOp): void {
    validatePath(op.type === 'create' && op.mode?.endsWith('sequential') ? `${op.path}1` : op.path)
  }

  #absolute(path: string): string {
    return path === '/' ? this.#chroot || '/' : this.#chroot + path
  }

  #relative(path: string): string {
    return path.slice(this.#chroot.length) || '/'
  }

  async #call<T>(call: Call<T> & { isValidated?: boolean }): Promise<T> {
    if (call.path !== undefined && !call.isValidated) validatePath(call.path)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const where = call.path === undefined ? {} : { path: call.path }
    const setWatch = (error: ZooKeeperErrorName | 'OK') => {
      const kind = call.watch && call.watchKind?.(error)
      if (kind) this.#session.watches.add(kind, this.#absolute(call.path!), call.watch!)
    }
    this.#session.submit({
      opcode: call.opcode,
      ...where,
      write: call.write,
      succeed: (from) => {
        const answer = call.read(from)
        setWatch('OK')
        resolve(answer)
      },
      refuse: (error) => {
        setWatch(error)
        reject(new ZooKeeperError(error, where))
      },
      lose: reject,
    })
    return promise
  }
}
