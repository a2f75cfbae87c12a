import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Backoff } from '../base/backoff.ts'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/logger.ts'
import { credentialOfPassword, formatCredential, isScramMechanism } from '../security/scram.ts'
import { Authorizer, parseSuperUsers } from '../security/authorizer.ts'
import { ZooKeeperClient } from '../zookeeper/client.ts'
import { isZooKeeperError } from '../zookeeper/errors.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import { type Endpoint, interBrokerListenerOf, listenersOf } from './config/listeners.ts'
import { ConfigError } from './config/parse.ts'
import { parseConnect, zooKeeperLogin } from './config/zookeeper-login.ts'
import type { GroupStorage } from './coordinator/ports.ts'
import { Controller } from './controller/controller.ts'
import { interBrokerLogin } from './inter-broker.ts'
import { AclStore } from './metadata/acl-store.ts'
import { MetadataCache } from './metadata/cache.ts'
import { ConfigStore, type ConfigUsers } from './metadata/config-store.ts'
import { clusterIdOf, generateBrokerId, register, unregister } from './metadata/registration.ts'
import type { ZooKeeperSession } from './metadata/session.ts'
import { TopicAdmin } from './metadata/topic-admin.ts'
import { zooKeeperOffsets } from './metadata/zookeeper-offsets.ts'
import { protectedAcl } from './metadata/znodes/protection.ts'
import { makeRoots } from './metadata/znodes/roots.ts'

export type ClusterMemberOptions = {
  /** What the file says; run-time values come on top by `configs`. */
  config: BrokerConfig
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  /** Holds the JAAS file. */
  disk: Disk
  random?: () => number
}
export type Entry = {
  /** What clients and other brokers are told. */
  endpoints: readonly Endpoint[]
  disk: Disk
  /** The first log directory; this process holds its lock. */
  logDir: string
  /** The session ended: nothing that depended on it may go on until the broker is registered again. */
  fenced: () => void
  changes: ConfigUsers
}

const AUTHORIZERS = new Set(['kafka.security.authorizer.AclAuthorizer', 'kafka.security.auth.SimpleAclAuthorizer'])
const REJOIN_MS = { baseMs: 100, maxMs: 5000 }

/**
 * This broker's place in its cluster: the session, what it reads and follows in ZooKeeper, its registration and its candidacy as controller. It is the only owner of
 * the session; when that expires, it fences the broker, opens another and registers anew.
 */
export class ClusterMember {
  readonly clusterId: string
  readonly brokerId: number
  readonly configs: ConfigStore
  readonly cache: MetadataCache
  readonly topics: TopicAdmin
  readonly groupStorage: GroupStorage
  readonly authorizer: Authorizer
  /** undefined: no authorizer is configured. */
  readonly acls: AclStore | undefined
  readonly #options: ClusterMemberOptions
  readonly #session: ZooKeeperSession
  readonly #lost = Promise.withResolvers<string>()
  #entry: Entry | undefined
  #controller: Controller | undefined
  #brokerEpoch = -1n
  #isRegistered = false
  #isLeaving = false

  private constructor(options: ClusterMemberOptions, session: ZooKeeperSession, identity: { clusterId: string; brokerId: number }) {
    const { config, clocks, logger } = options
    this.#options = options
    this.#session = session
    this.clusterId = identity.clusterId
    this.brokerId = identity.brokerId
    this.configs = new ConfigStore({ session, file: config, brokerId: identity.brokerId, wall: clocks.wall, logger })
    this.cache = new MetadataCache(identity.clusterId)
    this.topics = new TopicAdmin({
      session,
      cache: this.cache,
      configs: this.configs,
      clock: clocks.monotonic,
      random: options.random ?? Math.random,
      logger,
    })
    this.groupStorage = { createTopic: (topic) => this.topics.create(topic), zookeeperOffsets: zooKeeperOffsets(session) }
    const className = config.get('authorizer.class.name')
    if (className !== '' && !AUTHORIZERS.has(className)) {
      throw new ConfigError(
        'authorizer.class.name',
        `authorizer.class.name=${className} is refused: use ${[...AUTHORIZERS][0]}, or leave the key out`,
      )
    }
    this.authorizer = new Authorizer({
      superUsers: parseSuperUsers(config.get('super.users')),
      allowEveryoneIfNoAcl: className === '' || config.get('allow.everyone.if.no.acl.found'),
    })
    this.acls = className === '' ? undefined : new AclStore({ session, authorizer: this.authorizer, wall: clocks.wall, logger })
  }

  /**
   * Connects and reads what a broker must know before it opens a listener. `knownBrokerId` is what meta.properties says, where there is one. Throws ConfigError, or
   * ZooKeeperError when ZooKeeper cannot be reached in zookeeper.connection.timeout.ms.
   */
  static async join(options: ClusterMemberOptions, knownBrokerId: number | undefined): Promise<ClusterMember> {
    const session = { client: await connect(options).catch((error: unknown) => Promise.reject(loginError(options, error))) }
    await makeRoots(session.client)
    const clusterId = await clusterIdOf(session.client, () => randomBytes(16).toString('base64url'))
    const brokerId = await brokerIdOf(options.config, session.client, knownBrokerId)
    const member = new ClusterMember(options, session, { clusterId, brokerId })
    await member.#load()
    return member
  }

  /** czxid of the registration; -1 before it. */
  get brokerEpoch(): bigint {
    return this.#brokerEpoch
  }
  get isRegistered(): boolean {
    return this.#isRegistered
  }
  get controller(): Controller | undefined {
    return this.#controller
  }

  /** Writes the SCRAM users of `passwords` that ZooKeeper lacks, for every SCRAM mechanism that is enabled on some listener. */
  async addUsers(passwords: ReadonlyMap<string, string>): Promise<void> {
    const { config, logger } = this.#options
    const enabled = listenersOf(config).flatMap(({ name }) => config.getForListener(name, 'sasl.enabled.mechanisms'))
    const mechanisms = [...new Set(enabled)].filter(isScramMechanism)
    for (const [username, password] of passwords) {
      const missing = mechanisms.filter((mechanism) => !this.configs.scram(mechanism, username))
      if (missing.length === 0) continue
      const texts = await Promise.all(
        missing.map(async (name) => [name, formatCredential(await credentialOfPassword(name, password))] as const),
      )
      // Another broker that starts at the same time may have been faster: its entry stays.
      await this.configs.change('users', username, (stored) => new Map([...texts, ...stored]))
      logger.info({ username, mechanisms: missing }, 'first user written')
    }
  }

  /** Resolves with the reason when this broker can no longer be part of the cluster. */
  get lost(): Promise<string> {
    return this.#lost.promise
  }

  /** Registers, stands for election and follows changes, until `leave`. Resolves when the broker is registered. */
  async enter(entry: Entry): Promise<void> {
    this.#entry = entry
    await this.#register()
    void this.#live()
  }

  /** Steps down and takes the broker out of the cluster. When ZooKeeper cannot be reached the registration is left to expire with the session. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    const { client } = this.#session
    await untilDisconnected(client, async () => {
      await this.#controller?.stop()
      if (this.#isRegistered) await unregister(client, this.brokerId)
    })
    this.#isRegistered = false
  }

  /** Ends the session; after `leave`. */
  async close(): Promise<void> {
    this.#isLeaving = true
    await this.#session.client.close()
  }

  async #load(): Promise<void> {
    await this.configs.load()
    await this.acls?.load()
  }

  async #register(): Promise<void> {
    const { clocks, logger, config } = this.#options
    const { endpoints, disk, logDir } = this.#entry!
    const info = { id: this.brokerId, endpoints, rack: config.get('broker.rack'), timestampMs: clocks.wall.nowMs() }
    this.#brokerEpoch = await register({ zookeeper: this.#session.client, clock: clocks.monotonic, disk, logDir, logger }, info)
    this.#isRegistered = true
    logger.info({ brokerId: this.brokerId, brokerEpoch: String(this.#brokerEpoch) }, 'broker registered')
  }

  /** One round per session. */
  async #live(): Promise<void> {
    const { clocks, logger } = this.#options
    const backoff = new Backoff(REJOIN_MS)
    while (!this.#isLeaving) {
      await this.#liveInSession()
      if (this.#isLeaving) return
      this.#isRegistered = false
      this.#entry!.fenced()
      logger.warn('the ZooKeeper session has expired, the broker registers again')
      while (!this.#isLeaving && !(await this.#rejoin())) await clocks.monotonic.sleep(backoff.nextMs())
      backoff.reset()
    }
  }

  async #rejoin(): Promise<boolean> {
    try {
      this.#session.client = await connect(this.#options)
      await makeRoots(this.#session.client)
      await this.#load()
      await this.#register()
      return true
    } catch (err) {
      this.#options.logger.warn({ err }, 'the broker could not register again, trying further')
      await this.#session.client.close()
      if (isZooKeeperError(err, 'AUTH_FAILED')) this.#lost.resolve('ZooKeeper refuses the login')
      return false
    }
  }

  /** Resolves when the session is over; whatever ends for another reason is started again with the next session. */
  async #liveInSession(): Promise<void> {
    const { client } = this.#session
    const ending = (what: string) => (err: unknown) => {
      if (!isZooKeeperError(err, 'SESSION_EXPIRED')) this.#options.logger.error({ err, what }, 'following ZooKeeper failed')
    }
    this.#controller = this.#makeController(client)
    const following = [
      this.#controller.run().catch(ending('controller')),
      this.configs.follow(this.#entry!.changes).catch(ending('configurations')),
      (this.acls?.follow() ?? Promise.resolve()).catch(ending('acls')),
    ]
    while (client.state === 'CONNECTING' || client.state === 'CONNECTED') await client.stateChanged()
    await Promise.all(following)
  }

  #makeController(zookeeper: ZooKeeperClient): Controller {
    const { config, clocks, logger } = this.#options
    return new Controller({
      zookeeper,
      brokerId: this.brokerId,
      interBrokerListener: interBrokerListenerOf(config).name,
      connection: interBrokerLogin(config, clocks.monotonic, `controller-${this.brokerId}`),
      deleteTopicEnable: () => this.configs.broker.get('delete.topic.enable'),
      clock: clocks.monotonic,
      wall: clocks.wall,
      logger,
    })
  }
}

/** Waits for `work` while the session is connected: a stop must not hang on a ZooKeeper that stops at the same time. */
const untilDisconnected = async (client: ZooKeeperClient, work: () => Promise<void>): Promise<void> => {
  if (client.state !== 'CONNECTED') return
  const changed = client.stateChanged()
  await Promise.race([work().catch(() => {}), changed])
}

/** A session below the chroot, which is made where it is missing. Throws ConfigError, or ZooKeeperError: AUTH_FAILED, CONNECTION_LOSS. */
const connect = async ({ config, clocks, disk, logger }: ClusterMemberOptions): Promise<ZooKeeperClient> => {
  const { servers, chroot } = parseConnect(config.get('zookeeper.connect'))
  const sessionTimeoutMs = config.get('zookeeper.session.timeout.ms')
  const login = zooKeeperLogin(config, disk)
  const options = {
    servers,
    sessionTimeoutMs,
    connectTimeoutMs: config.get('zookeeper.connection.timeout.ms') ?? sessionTimeoutMs,
    ...(login ? { saslDigest: login } : {}),
    ...(config.get('zookeeper.set.acl') ? { aclOf: protectedAcl } : {}),
    clock: clocks.monotonic,
    logger,
  }
  const client = await ZooKeeperClient.connect({ ...options, chroot })
  if (chroot === '' || (await client.exists('/'))) return client
  const above = await ZooKeeperClient.connect(options)
  await above.makePath(chroot)
  await above.close()
  return client
}

/** A refused login said in words: the user learns which files must agree. */
const loginError = ({ config, disk }: ClusterMemberOptions, error: unknown): unknown => {
  if (!isZooKeeperError(error, 'AUTH_FAILED')) return error
  const file = config.get('java.security.auth.login.config')
  const section = config.get('zookeeper.sasl.clientconfig') ?? 'Client'
  return new ConfigError(
    'java.security.auth.login.config',
    `ZooKeeper refuses the login as ${zooKeeperLogin(config, disk)?.username}: the username and password in section ${section} of ${file} must be those of a user in section Server of the JAAS file of ZooKeeper`,
  )
}

const brokerIdOf = async (config: BrokerConfig, zookeeper: ZooKeeperClient, known: number | undefined): Promise<number> => {
  const given = config.get('broker.id')
  const reserved = config.get('reserved.broker.max.id')
  if (given >= 0 && config.get('broker.id.generation.enable') && given > reserved) {
    throw new ConfigError(
      'broker.id',
      `broker.id=${given} must be at most reserved.broker.max.id (${reserved}); ids above it are generated`,
    )
  }
  if (given >= 0) return given
  if (known !== undefined) return known
  if (!config.get('broker.id.generation.enable'))
    throw new ConfigError('broker.id', 'broker.id is not set, and broker.id.generation.enable=false')
  return generateBrokerId(zookeeper, reserved)
}

/** The files of sofakafka.scram.bootstrap.dir: user name -> password. Entries that start with a dot are left out: mounted Secrets have such links. */
export const bootstrapUsers = (disk: Disk, directory: string): Map<string, string> =>
  new Map(
    disk
      .list(directory)
      .filter(({ name }) => !name.startsWith('.'))
      .map(({ name }) => [name, disk.readFile(join(directory, name)).toString('utf8').replace(/\n$/, '')]),
  )
