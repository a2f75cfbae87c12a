import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { Address } from '../../client/address.ts'
import { AclAdmin } from '../../client/acl-admin.ts'
import { BrokerConfigAdmin } from '../../client/broker-config-admin.ts'
import { Admin } from '../../client/admin.ts'
import { ClusterClient } from '../../client/cluster-client.ts'
import type { ClientTls } from '../../client/tls.ts'
import { isRefused, passwordsFrom } from '../../client/login.ts'
import { PartitionAdmin } from '../../client/partition-admin.ts'
import { keyText, parseKey, type Key } from '../../kube/types.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { tlsDial, type Dial } from '../../zookeeper/socket.ts'
import type { ZooKeeperTls } from '../zookeeper/server-tls.ts'
import { CREATOR_ALL_ACL } from '../../zookeeper/types.ts'
import { OPERATOR_USER } from '../names.ts'
import { protectZnodes } from '../zookeeper/protect.ts'
import { BatchedAdmin } from './batched-admin.ts'
import { Unreachable, type Contact, type Contacts } from './contact.ts'
import { noteHome, resetOwnLogin } from './own-login.ts'
import { registeredEndpoints } from './registrations.ts'
import { readScramCredential, zooKeeperRecords } from './records.ts'

/** What is needed to talk to a Cluster now; undefined while its pods do not serve. */
export type Entrance = { brokers: Address[]; zookeeper: ZooKeeperEntrance; passwords: string[]; tls?: ClientTls }
/** `keepsToItself`: what the operator writes is for its login alone. */
export type ZooKeeperEntrance = {
  servers: Address[]
  chroot?: string
  login?: { username: string; password: string }
  keepsToItself?: boolean
  tls?: ZooKeeperTls
}

/** By TLS where the spec says so. */
export const dialOf = ({ tls }: ZooKeeperEntrance): { dial?: Dial } => (tls ? { dial: tlsDial(() => tls) } : {})

export type ContactsOptions = {
  clock: MonotonicClock
  logger: Logger
  entrance: (cluster: Key) => Promise<Entrance | undefined>
  /** Whose records are whose: the same for a Cluster as long as its Kubernetes cluster lives, and another one elsewhere. */
  home: (cluster: Key) => Promise<string>
}

/** `home`: whose passwords they are; `refusal`: what Kafka said to them. */
type LetIn = { home: string; password: string; refusal: Error; logger: Logger }
type Open = { contact: Contact; entrance: string; client: ClusterClient; zookeeper: ZooKeeperClient; checkedMs: number }

const SESSION_TIMEOUT_MS = 18_000
const CONNECT_TIMEOUT_MS = 10_000
/** A contact that was not asked for so long is tried with a small request before it is given out. */
const CHECK_EVERY_MS = 2000
const REQUEST_TIMEOUT_MS = 20_000
/** So long the brokers take at most to hear of another password. */
const RESET_MS = 1000
const LOCKED_OUT = 'the login of the operator is refused: write the passwords that were in its Secret into it again'

const isAlive = ({ zookeeper }: Open): boolean => ['CONNECTING', 'CONNECTED'].includes(zookeeper.state)

/** Contacts over Kafka's protocol, and over ZooKeeper's for the records. */
export class KafkaContacts implements Contacts {
  readonly #options: ContactsOptions
  readonly #open = new Map<string, Open>()
  readonly #opening = new Map<string, Promise<Open>>()
  readonly #failingSinceMs = new Map<string, number>()

  constructor(options: ContactsOptions) {
    this.#options = options
  }

  async get(cluster: Key): Promise<Contact> {
    const text = keyText(cluster)
    const opening = this.#opening.get(text) ?? this.#openOrReuse(text).finally(() => this.#opening.delete(text))
    this.#opening.set(text, opening)
    try {
      const { contact } = await opening
      this.#failingSinceMs.delete(text)
      return contact
    } catch (error) {
      if (!this.#failingSinceMs.has(text)) this.#failingSinceMs.set(text, this.#options.clock.nowMs())
      throw new Unreachable(`Kafka of ${text} cannot be reached: ${(error as Error).message}`, { cause: error })
    }
  }

  unreachableMs(cluster: Key): number {
    const sinceMs = this.#failingSinceMs.get(keyText(cluster))
    return sinceMs === undefined ? 0 : this.#options.clock.nowMs() - sinceMs
  }

  forget(cluster: Key): void {
    const text = keyText(cluster)
    this.#failingSinceMs.delete(text)
    this.#close(text)
  }

  async close(): Promise<void> {
    const closeAll = () => [...this.#open.keys()].forEach((text) => this.#close(text))
    closeAll()
    await Promise.allSettled(this.#opening.values())
    closeAll()
  }

  /** Checked a moment ago: nothing is asked again, not even for the password, so that a thousand Topics at once cost no thousand requests. */
  #recent(text: string): Open | undefined {
    const known = this.#open.get(text)
    return known && isAlive(known) && this.#options.clock.nowMs() - known.checkedMs < CHECK_EVERY_MS ? known : undefined
  }

  async #openOrReuse(text: string): Promise<Open> {
    const recent = this.#recent(text)
    if (recent) return recent
    const entrance = await this.#options.entrance(parseKey(text))
    if (!entrance || entrance.brokers.length === 0) throw new Unreachable('no broker serves')
    if (entrance.zookeeper.servers.length === 0) throw new Unreachable('ZooKeeper does not serve')
    const known = this.#open.get(text)
    if (known && isAlive(known) && known.entrance === JSON.stringify(entrance)) {
      await known.client.brokers()
      known.checkedMs = this.#options.clock.nowMs()
      return known
    }
    this.#close(text)
    const open = await this.#connect(parseKey(text), entrance)
    this.#open.set(text, open)
    return open
  }

  async #connect(cluster: Key, entrance: Entrance): Promise<Open> {
    const { clock } = this.#options
    const logger = this.#options.logger.child({ cluster: keyText(cluster) })
    const home = await this.#options.home(cluster)
    const sasl = { mechanism: 'SCRAM-SHA-512', username: OPERATOR_USER, password: passwordsFrom(() => entrance.passwords) } as const
    const client = new ClusterClient({
      bootstrap: entrance.brokers,
      clientId: OPERATOR_USER,
      clock,
      logger,
      sasl,
      ...(entrance.tls ? { tls: entrance.tls } : {}),
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
    let zookeeper: ZooKeeperClient | undefined
    try {
      const refusal = await refusalOf(client)
      zookeeper = await this.#connectZooKeeper(entrance.zookeeper, logger)
      if (refusal) await this.#letIn(client, zookeeper, { home, password: entrance.passwords[0]!, refusal, logger })
      else await noteHome(zookeeper, home)
      return {
        contact: contactOf(client, zookeeper, home, clock),
        entrance: JSON.stringify(entrance),
        client,
        zookeeper,
        checkedMs: clock.nowMs(),
      }
    } catch (error) {
      client.close()
      zookeeper?.close().catch(() => {})
      throw error
    }
  }

  #connectZooKeeper(entrance: ZooKeeperEntrance, logger: Logger): Promise<ZooKeeperClient> {
    const { clock } = this.#options
    const { servers, chroot, login, keepsToItself } = entrance
    return ZooKeeperClient.connect({
      servers,
      ...dialOf(entrance),
      ...(chroot ? { chroot } : {}),
      ...(login ? { saslDigest: login } : {}),
      ...(keepsToItself ? { aclOf: () => CREATOR_ALL_ACL } : {}),
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      clock,
      logger,
    })
  }

  /** With a password that nobody knows any more the operator would be locked out for ever; by ZooKeeper it is let in again. */
  async #letIn(client: ClusterClient, zookeeper: ZooKeeperClient, by: LetIn): Promise<void> {
    const { clock } = this.#options
    const { home, password, refusal, logger } = by
    if (!(await resetOwnLogin(zookeeper, home, password))) throw new Error(`${LOCKED_OUT} (${refusal.message})`, { cause: refusal })
    logger.warn('Kafka refused the password of the operator; it has the one of the Secret now')
    await clock.sleep(RESET_MS)
    await client.brokers()
  }

  #close(text: string): void {
    const open = this.#open.get(text)
    this.#open.delete(text)
    open?.client.close()
    open?.zookeeper.close().catch((error: unknown) => this.#options.logger.debug({ err: error, cluster: text }, 'closing'))
  }
}

/** Why Kafka does not take the operator's password; other errors reject. */
const refusalOf = async (client: ClusterClient): Promise<Error | undefined> => {
  try {
    await client.brokers()
    return undefined
  } catch (error) {
    if (isRefused(error)) return error as Error
    throw error
  }
}

const contactOf = (client: ClusterClient, zookeeper: ZooKeeperClient, home: string, clock: MonotonicClock): Contact => ({
  admin: new BatchedAdmin(new Admin(client), clock),
  partitions: new PartitionAdmin(client),
  brokerConfigs: new BrokerConfigAdmin(client),
  acls: new AclAdmin(client),
  records: zooKeeperRecords(zookeeper, home),
  scramCredential: (user, mechanism) => readScramCredential(zookeeper, user, mechanism),
  endpoints: () => registeredEndpoints(zookeeper),
  protectZnodes: () => protectZnodes(zookeeper),
  describeCluster: async () => {
    const { clusterId, controllerId, brokers } = await client.brokers()
    return { clusterId, controllerId, brokers: brokers.map(({ nodeId, rack }) => ({ id: nodeId, rack })) }
  },
})
