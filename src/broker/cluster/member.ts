import { randomBytes } from 'node:crypto'
import { Backoff } from '../../base/backoff.ts'
import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import { Authorizer, parseSuperUsers } from '../../security/authorizer.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { type Endpoint, interBrokerListenerOf } from '../config/listeners.ts'
import { ConfigError } from '../config/parse.ts'
import type { GroupStorage } from '../coordinator/ports.ts'
import { controlledStop } from './controlled-stop.ts'
import { Controller } from '../controller/controller.ts'
import { interBrokerLogin } from '../login/inter-broker.ts'
import { AclStore } from '../metadata/acl-store.ts'
import { MetadataCache } from '../metadata/cache.ts'
import { ConfigStore, type ConfigUsers } from '../metadata/config-store.ts'
import { brokerIdOf } from '../metadata/broker-identity.ts'
import { clusterIdOf, register, unregister } from '../metadata/registration.ts'
import { PauseGuard } from './pause-guard.ts'
import type { ServingGuard } from '../ports.ts'
import { type ControllerFigures, NO_CONTROLLER_FIGURES } from '../controller/figures.ts'
import type { ZooKeeperSession } from '../metadata/session.ts'
import { TopicAdmin } from '../metadata/topic-admin.ts'
import { zooKeeperOffsets } from '../metadata/zookeeper-offsets.ts'
import { connectInWords, connectZooKeeper } from './zookeeper-connection.ts'
import { logDirEventZnode } from '../metadata/znodes/log-dir-event.ts'
import { makeRoots } from '../metadata/znodes/roots.ts'

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
  /** A log directory that works now; this process holds its lock. */
  logDir: () => string
  /** The session ended: nothing that depended on it may go on until the broker is registered again. */
  fenced: () => void
  changes: ConfigUsers
}

const AUTHORIZERS = new Set(['kafka.security.authorizer.AclAuthorizer', 'kafka.security.auth.SimpleAclAuthorizer'])
const REJOIN_MS = { baseMs: 100, maxMs: 5000 }
const CONFIRM_RETRY_MS = 100
const REPORT_RETRY_MS = 1000

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
  readonly #guard: PauseGuard
  #isRegistered = false
  #isLeaving = false

  private constructor(options: ClusterMemberOptions, session: ZooKeeperSession, identity: { clusterId: string; brokerId: number }) {
    const { config, clocks, logger } = options
    this.#options = options
    this.#session = session
    this.clusterId = identity.clusterId
    this.brokerId = identity.brokerId
    this.#guard = this.#makeGuard()
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
    const session = { client: await connectInWords(options) }
    await makeRoots(session.client)
    const clusterId = await clusterIdOf(session.client, () => randomBytes(16).toString('base64url'))
    const brokerId = await brokerIdOf(options.config, session.client, knownBrokerId)
    const member = new ClusterMember(options, session, { clusterId, brokerId })
    await member.#load()
    return member
  }

  /** czxid of the registration; -1 before it. After a lost session it is that of the former one until the next. */
  get brokerEpoch(): bigint {
    return this.#brokerEpoch
  }
  get guard(): ServingGuard {
    return this.#guard
  }
  /** The session of now. */
  get session(): ZooKeeperSession {
    return this.#session
  }
  get isRegistered(): boolean {
    return this.#isRegistered
  }
  get controller(): Controller | undefined {
    return this.#controller
  }
  controllerFigures(): ControllerFigures {
    return this.#controller?.figures() ?? NO_CONTROLLER_FIGURES
  }

  /** Resolves with the reason when this broker can no longer be part of the cluster. */
  get lost(): Promise<string> {
    return this.#lost.promise
  }

  /** Registers, stands for election and follows changes, until `leave`. Resolves when the broker is registered. */
  async enter(entry: Entry): Promise<void> {
    this.#entry = entry
    await this.#register()
    this.#guard.start()
    void this.#live()
  }

  /** Tells the controller by a znode; a lost connection may make it two. */
  async reportFailedLogDir(): Promise<void> {
    while (!this.#isLeaving) {
      try {
        await this.#session.client.create(logDirEventZnode.sequencePrefix, logDirEventZnode.encode(this.brokerId), {
          mode: 'persistent-sequential',
        })
        return
      } catch (err) {
        this.#options.logger.warn({ err }, 'the controller could not be told of a failed log directory, trying further')
        await this.#options.clocks.monotonic.sleep(REPORT_RETRY_MS)
      }
    }
  }

  /** Asks the controller to let others lead, while this broker still serves; see controlled-stop.ts. */
  async handOver(): Promise<readonly { topic: string; partition: number }[] | undefined> {
    const { client } = this.#session
    if (!this.#isRegistered || client.state !== 'CONNECTED') return undefined
    const { config, clocks, disk, logger } = this.#options
    const asked = controlledStop({
      zookeeper: client,
      brokerId: this.brokerId,
      brokerEpoch: this.#brokerEpoch,
      term: () => this.#controller?.term,
      connection: interBrokerLogin({ config, clock: clocks.monotonic, disk, clientId: `broker-${this.brokerId}` }),
      interBrokerListener: interBrokerListenerOf(config).name,
      config: this.configs.broker,
      clock: clocks.monotonic,
      logger,
    })
    return Promise.race([asked.catch(() => undefined), client.stateChanged().then(() => undefined)])
  }

  /** Steps down and takes the broker out of the cluster. When ZooKeeper cannot be reached the registration is left to expire with the session. */
  async leave(): Promise<void> {
    this.#isLeaving = true
    this.#guard.stop()
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
    this.#brokerEpoch = await register({ zookeeper: this.#session.client, clock: clocks.monotonic, disk, logDir: logDir(), logger }, info)
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
      logger.warn('the ZooKeeper session has expired, the broker registers again')
      while (!this.#isLeaving && !(await this.#rejoin())) await clocks.monotonic.sleep(backoff.nextMs())
      backoff.reset()
    }
  }

  /** What depended on the session ends now; nothing that was meant for this life is obeyed any more. */
  #fence(): void {
    if (!this.#isRegistered) return
    this.#isRegistered = false
    this.#entry!.fenced()
  }

  #makeGuard(): PauseGuard {
    const { clocks, logger } = this.#options
    return new PauseGuard({
      clocks,
      logger,
      sessionTimeoutMs: () => this.#session.client.sessionTimeoutMs,
      silentMs: () => this.#session.client.silentMs(),
      confirm: () => this.#confirm(),
    })
  }

  /** Resolves when ZooKeeper's leader knows the session still, or when this broker has drawn the consequences because it does not. */
  async #confirm(): Promise<void> {
    const { client } = this.#session
    while (!this.#isLeaving) {
      try {
        return await client.sync()
      } catch (error) {
        if (isZooKeeperError(error, 'SESSION_EXPIRED', 'AUTH_FAILED')) return this.#fence()
        await this.#options.clocks.monotonic.sleep(CONFIRM_RETRY_MS)
      }
    }
  }

  async #rejoin(): Promise<boolean> {
    try {
      this.#session.client = await connectZooKeeper(this.#options)
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
    if (!this.#isLeaving) this.#fence()
    await Promise.all(following)
  }

  #makeController(zookeeper: ZooKeeperClient): Controller {
    const { config, clocks, disk, logger } = this.#options
    return new Controller({
      zookeeper,
      brokerId: this.brokerId,
      interBrokerListener: interBrokerListenerOf(config).name,
      connection: interBrokerLogin({ config, clock: clocks.monotonic, disk, clientId: `controller-${this.brokerId}` }),
      config: () => this.configs.broker,
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
