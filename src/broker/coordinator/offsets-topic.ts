import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { CONSUMER_OFFSETS } from '../internal-topics.ts'
import { newTopicOf } from '../metadata/new-topic.ts'
import type { BrokerNode, Metadata } from '../metadata/view.ts'
import type { GroupStorage } from './ports.ts'

/** String.hashCode of Java. */
const javaHash = (text: string): number => {
  let hash = 0
  for (let at = 0; at < text.length; at++) hash = (Math.imul(31, hash) + text.charCodeAt(at)) | 0
  return hash
}

/** Source: GroupMetadataManager.partitionFor and Utils.abs of 2.6.3, where the smallest integer counts as 0. */
export const partitionOfGroup = (groupId: string, partitions: number): number => {
  const hash = javaHash(groupId)
  return (hash === -0x8000_0000 ? 0 : Math.abs(hash)) % partitions
}

/** Where groups are: which partition of __consumer_offsets, and which broker leads it. */
export class OffsetsTopic {
  readonly #config: () => BrokerConfig
  readonly #metadata: Metadata
  readonly #storage: GroupStorage
  readonly #logger: Logger
  #creating: Promise<void> | undefined
  /** Said once, not at every try of every client. */
  #reason: string | undefined

  constructor(options: { config: () => BrokerConfig; metadata: Metadata; storage: GroupStorage; logger: Logger }) {
    this.#config = options.config
    this.#metadata = options.metadata
    this.#storage = options.storage
    this.#logger = options.logger
  }

  /** Before the topic exists, what it will have. */
  get partitionCount(): number {
    return this.#metadata.topic(CONSUMER_OFFSETS)?.partitions.length ?? this.#config().get('offsets.topic.num.partitions')
  }

  partitionFor(groupId: string): number {
    return partitionOfGroup(groupId, this.partitionCount)
  }

  /** The broker that coordinates the group; the topic is made when it is asked for first. KafkaError COORDINATOR_NOT_AVAILABLE until there is one. */
  async coordinatorOf(groupId: string, listener: string): Promise<BrokerNode> {
    const topic = this.#metadata.topic(CONSUMER_OFFSETS)
    if (!topic) await this.#create()
    const leader = topic?.partitions.find(({ partition }) => partition === this.partitionFor(groupId))?.leader ?? -1
    const node = this.#metadata.brokers(listener).find(({ id }) => id === leader)
    if (!node) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    return node
  }

  #create(): Promise<void> {
    this.#creating ??= this.#tryCreate().finally(() => (this.#creating = undefined))
    return this.#creating
  }

  async #tryCreate(): Promise<void> {
    try {
      await this.#storage.createTopic(newTopicOf(CONSUMER_OFFSETS, this.#config()))
      this.#reason = undefined
    } catch (err) {
      const isThere = err instanceof KafkaError && err.error === 'TOPIC_ALREADY_EXISTS'
      const reason = isThere ? undefined : reasonOf(err)
      if (reason !== undefined && reason !== this.#reason) {
        this.#logger.error({ reason }, 'groups cannot be served: __consumer_offsets could not be created')
      }
      this.#reason = reason
    }
  }
}

const reasonOf = (err: unknown): string => {
  const message = err instanceof Error ? err.message : String(err)
  const isFactor = err instanceof KafkaError && err.error === 'INVALID_REPLICATION_FACTOR'
  return isFactor ? `${message} The key is offsets.topic.replication.factor.` : message
}
