import type { WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { parseCredential, type ScramCredential, type ScramMechanism } from '../../security/scram.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { TopicConfig } from '../config/topic-config.ts'
import { followNotifications } from './notifications.ts'
import type { ZooKeeperSession } from './session.ts'
import {
  CONFIG_CHANGES,
  configChangeZnode,
  type ConfigEntityType,
  configZnode,
  DEFAULT_ENTITY,
  desanitize,
  sanitize,
} from './znodes/config.ts'

type Texts = ReadonlyMap<string, string>

/** Who has to know at once when something changed at run time. */
export interface ConfigUsers {
  topicChanged(topic: string, config: TopicConfig): void
  brokerChanged(config: BrokerConfig): void
}

const NONE: Texts = new Map()

/**
 * What was set at run time for topics, brokers and users: read at the start, followed by change notifications, written for the admin APIs.
 * A stored value that cannot be used is logged and the default holds, so that a bad write by another program never stops a broker.
 */
export class ConfigStore {
  readonly #session: ZooKeeperSession
  readonly #file: BrokerConfig
  readonly #brokerId: number
  readonly #wall: WallClock
  readonly #logger: Logger
  readonly #topics = new Map<string, TopicConfig>()
  readonly #topicTexts = new Map<string, Texts>()
  readonly #users = new Map<string, Texts>()
  #clusterDefaults: Texts = NONE
  #own: Texts = NONE
  #broker: BrokerConfig
  #defaults: TopicConfig
  #changes: ConfigUsers | undefined

  constructor(options: { session: ZooKeeperSession; file: BrokerConfig; brokerId: number; wall: WallClock; logger: Logger }) {
    this.#session = options.session
    this.#file = options.file
    this.#broker = options.file
    this.#defaults = new TopicConfig(options.file, NONE)
    this.#brokerId = options.brokerId
    this.#wall = options.wall
    this.#logger = options.logger
  }

  /** Reads everything; call once before the first listener opens. */
  async load(): Promise<void> {
    await this.#refreshBroker()
    for (const type of ['topics', 'users'] as const) {
      const { children } = await this.#session.client.children(`/config/${type}`)
      await Promise.all(children.map((entity) => this.#refresh(type, entity)))
    }
  }

  /** Follows changes until the session ends, and tells them to `users`. */
  follow(users: ConfigUsers): Promise<void> {
    this.#changes = users
    return followNotifications({
      zookeeper: this.#session.client,
      parent: CONFIG_CHANGES,
      process: (path, data) => this.#process(configChangeZnode.decode(path, data)),
      wall: this.#wall,
      logger: this.#logger,
    })
  }

  /** The file's values under those of the cluster and of this broker. */
  get broker(): BrokerConfig {
    return this.#broker
  }

  /** What is set for a topic over this broker's defaults; the defaults alone where nothing is. */
  topic(name: string): TopicConfig {
    return this.#topics.get(name) ?? this.#defaults
  }

  /** The topics for which something is set. */
  topicNames(): Iterable<string> {
    return this.#topicTexts.keys()
  }

  /** Only what was set for the topic itself. */
  topicTexts(name: string): Texts {
    return this.#topicTexts.get(name) ?? NONE
  }

  scram(mechanism: ScramMechanism, username: string): ScramCredential | undefined {
    const text = this.#users.get(username)?.get(mechanism)
    return text === undefined ? undefined : parseCredential(text)
  }

  usernames(): Iterable<string> {
    return this.#users.keys()
  }

  /** What is stored now, read from ZooKeeper; empty where nothing is. */
  async read(type: ConfigEntityType, entity: string): Promise<Map<string, string>> {
    return (await this.#stored(type, entity)).config
  }

  /** Those for which something is stored, as their znodes are called; `below` is an entity's path with the kind of what is below it: USER/clients. */
  async entities(type: ConfigEntityType, below?: string): Promise<string[]> {
    const path = below === undefined ? `/config/${type}` : configZnode.path(type, below)
    return [...((await unlessRefused(this.#session.client.children(path), 'NO_NODE'))?.children ?? [])]
  }

  /**
   * Changes what is stored for an entity and tells every broker. `change` gives the whole new map; it may run again when somebody else was faster.
   * This broker's own view is new when the promise resolves.
   */
  async change(type: ConfigEntityType, name: string, change: (stored: Map<string, string>) => Map<string, string>): Promise<void> {
    const entity = type === 'users' && name !== DEFAULT_ENTITY ? sanitize(name) : name
    while (!(await this.#write(type, entity, change)));
    await this.#session.client.create(configChangeZnode.sequencePrefix, configChangeZnode.encode(`${type}/${entity}`), {
      mode: 'persistent-sequential',
    })
    await this.#process(`${type}/${entity}`)
  }

  /** Forgets a deleted topic. */
  forgetTopic(name: string): void {
    this.#topics.delete(name)
    this.#topicTexts.delete(name)
  }

  /** Reads a topic's configuration again, for a topic that has just been made. */
  refreshTopic(name: string): Promise<void> {
    return this.#refresh('topics', name)
  }

  async #write(type: ConfigEntityType, entity: string, change: (stored: Map<string, string>) => Map<string, string>): Promise<boolean> {
    const path = configZnode.path(type, entity)
    const { config, version } = await this.#stored(type, entity)
    const data = configZnode.encode(change(config))
    try {
      if (version === undefined) await this.#session.client.create(path, data)
      else await this.#session.client.set(path, data, version)
      return true
    } catch (error) {
      if (isZooKeeperError(error, 'BAD_VERSION', 'NODE_EXISTS', 'NO_NODE')) return false
      throw error
    }
  }

  async #stored(type: ConfigEntityType, entity: string): Promise<{ config: Map<string, string>; version?: number }> {
    const found = await unlessRefused(this.#session.client.get(configZnode.path(type, entity)), 'NO_NODE')
    if (!found) return { config: new Map() }
    return { config: found.data ? configZnode.decode(type, entity, found.data) : new Map(), version: found.stat.version }
  }

  /** `entityPath` may name a user's clients (users/x/clients/y): quotas, which do not concern us. */
  async #process(entityPath: string): Promise<void> {
    const [type, entity, ...rest] = entityPath.split('/')
    if (entity === undefined || rest.length > 0) return
    if (type === 'brokers') await this.#refreshBroker()
    else if (type === 'topics' || type === 'users') await this.#refresh(type, entity)
  }

  async #refresh(type: 'topics' | 'users', entity: string): Promise<void> {
    const { config } = await this.#stored(type, entity)
    if (type === 'users') {
      const name = entity === DEFAULT_ENTITY ? entity : desanitize(entity)
      if (config.size > 0) this.#users.set(name, config)
      else this.#users.delete(name)
      return
    }
    this.#topicTexts.set(entity, config)
    this.#topics.set(entity, this.#topicConfig(entity, config))
    this.#changes?.topicChanged(entity, this.topic(entity))
  }

  async #refreshBroker(): Promise<void> {
    this.#clusterDefaults = (await this.#stored('brokers', DEFAULT_ENTITY)).config
    this.#own = (await this.#stored('brokers', String(this.#brokerId))).config
    try {
      this.#broker = this.#file.withDynamic(this.#clusterDefaults, this.#own)
    } catch (err) {
      this.#logger.error({ err }, 'the stored configuration of this broker cannot be used, what held before goes on')
      return
    }
    this.#defaults = new TopicConfig(this.#broker, NONE)
    this.#changes?.brokerChanged(this.#broker)
    for (const [topic, config] of this.#topicTexts) {
      this.#topics.set(topic, this.#topicConfig(topic, config))
      this.#changes?.topicChanged(topic, this.topic(topic))
    }
  }

  #topicConfig(topic: string, config: Texts): TopicConfig {
    try {
      return new TopicConfig(this.#broker, config)
    } catch (err) {
      this.#logger.error({ topic, err }, 'the stored configuration of a topic cannot be used, the defaults hold')
      return new TopicConfig(this.#broker, NONE)
    }
  }
}
