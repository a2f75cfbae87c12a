import { partitionKey } from '../../base/topic-partition.ts'
import type { Logger } from '../../base/logger.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import { KafkaError, type ErrorName } from '../../protocol/errors.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { ConfigError } from '../config/parse.ts'
import { TopicConfig } from '../config/topic-config.ts'
import { assign } from './assignment.ts'
import type { MetadataCache } from './cache.ts'
import type { ConfigStore } from './config-store.ts'
import { checkAddedReplicas, checkAssignment } from './manual-assignment.ts'
import { collidesWith, validateTopicName } from './topic-name.ts'
import { configZnode } from './znodes/config.ts'
import { type Assignment, deleteTopicZnode, topicZnode, TOPICS } from './znodes/topic.ts'
import type { ZooKeeperSession } from './session.ts'

/** -1 takes the broker's default; `assignment` stands instead of both numbers. */
export type NewTopic = {
  name: string
  partitions: number
  replicationFactor: number
  assignment?: Assignment
  configs: ReadonlyMap<string, string>
}
export type Planned = { assignment: Assignment; replicationFactor: number; config: TopicConfig }

const NO_PARTITIONS: Assignment = new Map()

/** Creates, grows and marks topics for deletion, in ZooKeeper; the controller sees it there and does the rest. */
export class TopicAdmin {
  readonly #session: ZooKeeperSession
  readonly #cache: MetadataCache
  readonly #configs: ConfigStore
  readonly #clock: MonotonicClock
  readonly #random: () => number
  readonly #logger: Logger

  constructor(options: {
    session: ZooKeeperSession
    cache: MetadataCache
    configs: ConfigStore
    clock: MonotonicClock
    random: () => number
    logger: Logger
  }) {
    this.#session = options.session
    this.#cache = options.cache
    this.#configs = options.configs
    this.#clock = options.clock
    this.#random = options.random
    this.#logger = options.logger
  }

  /** What `create` would do. KafkaError with Kafka's messages when it cannot be done. */
  async plan(topic: NewTopic): Promise<Planned> {
    validateTopicName(topic.name)
    await this.#checkAbsent(topic.name)
    const config = this.#configOf(topic.configs)
    if (topic.assignment)
      return { config, assignment: topic.assignment, replicationFactor: checkAssignment(topic.assignment, this.#liveIds) }
    const partitions = topic.partitions === -1 ? this.#configs.broker.get('num.partitions') : topic.partitions
    const replicationFactor =
      topic.replicationFactor === -1 ? this.#configs.broker.get('default.replication.factor') : topic.replicationFactor
    return { config, replicationFactor, assignment: this.#assign(partitions, replicationFactor) }
  }

  /** The configuration is there before the topic, so that no replica ever starts without it. */
  async create(topic: NewTopic, planned?: Planned): Promise<Planned> {
    const plan = planned ?? (await this.plan(topic))
    if (topic.configs.size > 0) {
      await this.#configs.change('topics', topic.name, () => new Map(topic.configs))
    } else {
      // What a deleted topic of this name may have left behind must not apply to the new one.
      const path = configZnode.path('topics', topic.name)
      await unlessRefused(this.#session.client.delete(path, -1), 'NO_NODE')
      await unlessRefused(this.#session.client.create(path, configZnode.encode(new Map())), 'NODE_EXISTS')
    }
    const data = topicZnode.encode({ replicas: plan.assignment, adding: NO_PARTITIONS, removing: NO_PARTITIONS })
    await this.#session.client.create(topicZnode.path(topic.name), data).catch((error: unknown) => {
      throw isZooKeeperError(error, 'NODE_EXISTS') ? new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${topic.name}' already exists.`) : error
    })
    this.#logger.info({ topic: topic.name, partitions: plan.assignment.size }, 'topic created')
    return plan
  }

  /** For topics that a client asked about: what Metadata answers for each of them now. */
  async autoCreate(names: readonly string[], topicOf: (name: string) => NewTopic): Promise<Map<string, ErrorName>> {
    const answers = new Map<string, ErrorName>()
    for (const name of names) {
      try {
        await this.create(topicOf(name))
        answers.set(name, 'LEADER_NOT_AVAILABLE')
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        const answer = error.error === 'TOPIC_ALREADY_EXISTS' ? 'LEADER_NOT_AVAILABLE' : error.error
        answers.set(name, answer)
        if (answer !== 'LEADER_NOT_AVAILABLE')
          this.#logger.warn({ topic: name, reason: error.message }, 'a topic could not be created by itself')
      }
    }
    return answers
  }

  /** Asks the controller to delete a topic. KafkaError: UNKNOWN_TOPIC_OR_PARTITION, TOPIC_DELETION_DISABLED. */
  async delete(name: string): Promise<void> {
    if (!this.#configs.broker.get('delete.topic.enable')) throw new KafkaError('TOPIC_DELETION_DISABLED')
    if (!(await this.#session.client.exists(topicZnode.path(name)))) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    await unlessRefused(this.#session.client.create(deleteTopicZnode.path(name), null), 'NODE_EXISTS')
  }

  /** Raises the number of partitions to `total`; `added` names the replicas of the new ones where the caller wants to. */
  async grow(name: string, total: number, added: readonly (readonly number[])[] | null, isDryRun: boolean): Promise<void> {
    const { data, stat } = await this.#session.client.get(topicZnode.path(name)).catch((error: unknown) => {
      throw isZooKeeperError(error, 'NO_NODE') ? new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`) : error
    })
    const topic = topicZnode.decode(name, data ?? Buffer.from('{}'))
    if (topic.adding.size + topic.removing.size > 0)
      throw new KafkaError('REASSIGNMENT_IN_PROGRESS', `A partition reassignment is in progress for the topic '${name}'.`)
    if (await this.#session.client.exists(deleteTopicZnode.path(name)))
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', 'The topic is queued for deletion.')
    const assignment = this.#grown(topic.replicas, total, added)
    if (isDryRun) return
    try {
      await this.#session.client.set(topicZnode.path(name), topicZnode.encode({ ...topic, replicas: assignment }), stat.version)
    } catch (error) {
      // A move of another partition has just ended, or somebody else added partitions.
      if (isZooKeeperError(error, 'BAD_VERSION')) return this.grow(name, total, added, isDryRun)
      throw error
    }
    this.#logger.info({ topic: name, partitions: total }, 'partitions added')
  }

  /** Waits until every partition has a leader that this broker knows; gives the topics for which that did not come in time. */
  async waitForLeaders(partitions: ReadonlyMap<string, number>, timeoutMs: number): Promise<Set<string>> {
    const hasLeaders = ([name, count]: [string, number]) => {
      const known = this.#cache.topic(name)?.partitions.filter(({ leader }) => leader >= 0)
      return known !== undefined && known.length >= count
    }
    return this.#waitFor(() => new Set([...partitions].filter((entry) => !hasLeaders(entry)).map(([name]) => name)), timeoutMs)
  }

  /** Waits until this broker knows the partitions under these leaders; gives those, as topic-partition, for which that did not come in time. */
  waitForLeadersToBe(leaders: readonly { topic: string; partition: number; leader: number }[], timeoutMs: number): Promise<Set<string>> {
    const isKnown = ({ topic, partition, leader }: (typeof leaders)[number]) =>
      this.#cache.topic(topic)?.partitions.some((known) => known.partition === partition && known.leader === leader) ?? false
    return this.#waitFor(() => new Set(leaders.filter((one) => !isKnown(one)).map(partitionKey)), timeoutMs)
  }

  /** Waits until this broker no longer knows the topics; gives those that it still knows. */
  waitForAbsence(names: readonly string[], timeoutMs: number): Promise<Set<string>> {
    return this.#waitFor(() => new Set(names.filter((name) => this.#cache.topic(name))), timeoutMs)
  }

  async #waitFor(missing: () => Set<string>, timeoutMs: number): Promise<Set<string>> {
    const endsMs = this.#clock.nowMs() + timeoutMs
    for (;;) {
      const changed = this.#cache.changed()
      const left = missing()
      const remainingMs = endsMs - this.#clock.nowMs()
      if (left.size === 0 || remainingMs <= 0) return left
      const timeout = Promise.withResolvers<void>()
      const timer = this.#clock.schedule(remainingMs, timeout.resolve)
      await Promise.race([changed, timeout.promise])
      timer.cancel()
    }
  }

  async #checkAbsent(name: string): Promise<void> {
    if (await this.#session.client.exists(topicZnode.path(name)))
      throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
    if (!/[._]/.test(name)) return
    const { children } = await this.#session.client.children(TOPICS)
    const colliding = children.filter((other) => collidesWith(name, other))
    if (colliding.length > 0)
      throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topics: ${colliding.join(', ')}`)
  }

  #configOf(configs: ReadonlyMap<string, string>): TopicConfig {
    try {
      return new TopicConfig(this.#configs.broker, configs)
    } catch (error) {
      throw error instanceof ConfigError ? new KafkaError('INVALID_CONFIG', error.message, { cause: error }) : error
    }
  }

  /** `from` for a topic that grows: the first new partition, and the broker at which Kafka then begins instead of anywhere. */
  #assign(partitions: number, replicationFactor: number, from?: { partition: number; near: number }): Map<number, number[]> {
    if (partitions <= 0) throw new KafkaError('INVALID_PARTITIONS', 'Number of partitions must be larger than 0.')
    if (replicationFactor <= 0) throw new KafkaError('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0.')
    const brokers = this.#cache.liveBrokers()
    if (replicationFactor > brokers.length) {
      throw new KafkaError(
        'INVALID_REPLICATION_FACTOR',
        `Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`,
      )
    }
    const spread = { brokers, partitions, replicationFactor, random: this.#random }
    if (!from) return assign(spread)
    const start = brokers
      .map(({ id }) => id)
      .sort((a, b) => a - b)
      .findIndex((id) => id >= from.near)
    return assign({ ...spread, firstPartition: from.partition, start: Math.max(0, start) })
  }

  get #liveIds(): ReadonlySet<number> {
    return new Set(this.#cache.liveBrokers().map(({ id }) => id))
  }

  #grown(existing: Assignment, total: number, added: readonly (readonly number[])[] | null): Assignment {
    const missing = total - existing.size
    if (missing < 0)
      throw new KafkaError(
        'INVALID_PARTITIONS',
        `Topic currently has ${existing.size} partitions, which is higher than the requested ${total}.`,
      )
    if (missing === 0) throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${existing.size} partitions.`)
    if (added) {
      checkAddedReplicas(existing, missing, added, this.#liveIds)
      return new Map([...existing, ...added.map((replicas, index) => [existing.size + index, replicas] as const)])
    }
    const first = existing.get(0) ?? []
    return new Map([...existing, ...this.#assign(missing, first.length, { partition: existing.size, near: first[0] ?? -1 })])
  }
}
