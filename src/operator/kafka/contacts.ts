import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { AclAdmin } from '../../client/acl-admin.ts'
import { BrokerConfigAdmin } from '../../client/broker-config-admin.ts'
import { Admin } from '../../client/admin.ts'
import { ClusterClient } from '../../client/cluster-client.ts'
import type { ClientTls } from '../../client/tls.ts'
import { PartitionAdmin } from '../../client/partition-admin.ts'
import { keyText, parseKey, type Key } from '../../kube/types.ts'
import { ZooKeeperClient } from '../../zookeeper/client.ts'
import { CREATOR_ALL_ACL } from '../../zookeeper/types.ts'
import { OPERATOR_USER } from '../names.ts'
import { protectZnodes } from '../zookeeper/protect.ts'
import { BatchedAdmin } from './batched-admin.ts'
import { Unreachable, type Contact, type Contacts } from './contact.ts'
import { registeredEndpoints } from './registrations.ts'
import { readScramCredential, zooKeeperRecords } from './records.ts'

type Address = { host: string; port: number }
/** What is needed to talk to a Cluster now; undefined while its pods do not serve. */
export type Entrance = { brokers: Address[]; zookeeper: ZooKeeperEntrance; password: string; tls?: ClientTls }
/** `keepsToItself`: what the operator writes is for its login alone. */
export type ZooKeeperEntrance = {
  servers: Address[]
  chroot?: string
  login?: { username: string; password: string }
  keepsToItself?: boolean
}

export type ContactsOptions = {
  clock: MonotonicClock
  logger: Logger
  entrance: (cluster: Key) => Promise<Entrance | undefined>
  /** Whose records are whose: the same for a Cluster as long as its Kubernetes cluster lives, and another one elsewhere. */
  home: (cluster: Key) => Promise<string>
}

type Open = { contact: Contact; entrance: string; client: ClusterClient; zookeeper: ZooKeeperClient; checkedMs: number }

const SESSION_TIMEOUT_MS = 18_000
const CONNECT_TIMEOUT_MS = 10_000
/** A contact that was not asked for so long is tried with a small request before it is given out. */
const CHECK_EVERY_MS = 2000
const REQUEST_TIMEOUT_MS = 20_000

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
    await Promise.allSettled(this.#opening.values())
    for (const text of this.#open.keys()) this.#close(text)
  }

  async #openOrReuse(text: string): Promise<Open> {
    const entrance = await this.#options.entrance(parseKey(text))
    if (!entrance || entrance.brokers.length === 0) throw new Unreachable('no broker serves')
    if (entrance.zookeeper.servers.length === 0) throw new Unreachable('ZooKeeper does not serve')
    const known = this.#open.get(text)
    const isAlive = known && ['CONNECTING', 'CONNECTED'].includes(known.zookeeper.state)
    if (isAlive && known.entrance === JSON.stringify(entrance)) {
      if (this.#options.clock.nowMs() - known.checkedMs < CHECK_EVERY_MS) return known
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
    const { clock, logger } = this.#options
    const home = await this.#options.home(cluster)
    const sasl = { mechanism: 'SCRAM-SHA-512', username: OPERATOR_USER, password: entrance.password } as const
    const client = new ClusterClient({
      bootstrap: entrance.brokers,
      clientId: OPERATOR_USER,
      clock,
      logger,
      sasl,
      ...(entrance.tls ? { tls: entrance.tls } : {}),
      timeoutMs: REQUEST_TIMEOUT_MS,
    })
    try {
      await client.brokers()
      const zookeeper = await ZooKeeperClient.connect({
        servers: entrance.zookeeper.servers,
        ...(entrance.zookeeper.chroot ? { chroot: entrance.zookeeper.chroot } : {}),
        ...(entrance.zookeeper.login ? { saslDigest: entrance.zookeeper.login } : {}),
        ...(entrance.zookeeper.keepsToItself ? { aclOf: () => CREATOR_ALL_ACL } : {}),
        sessionTimeoutMs: SESSION_TIMEOUT_MS,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        clock,
        logger,
      })
      const contact: Contact = {
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
      }
      return { contact, entrance: JSON.stringify(entrance), client, zookeeper, checkedMs: clock.nowMs() }
    } catch (error) {
      client.close()
      throw error
    }
  }

  #close(text: string): void {
    const open = this.#open.get(text)
    this.#open.delete(text)
    open?.client.close()
    open?.zookeeper.close().catch((error: unknown) => this.#options.logger.debug({ err: error, cluster: text }, 'closing'))
  }
}
