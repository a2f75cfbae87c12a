import type { Logger } from '../../base/logger.ts'
import { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { configZnode } from '../metadata/znodes/config.ts'
import { deleteTopicZnode, topicZnode } from '../metadata/znodes/topic.ts'
import type { BrokerChannel } from './channel.ts'
import type { ControllerContext } from './context.ts'
import { deleteReplicasFor, updateMetadataFor } from './requests.ts'
import { writeAsController } from './state-writes.ts'

export type TopicDeletionOptions = {
  zookeeper: ZooKeeperClient
  context: ControllerContext
  controllerId: number
  channel: (brokerId: number) => BrokerChannel | undefined
  /** delete.topic.enable */
  isEnabled: () => boolean
  /** A topic's replicas are gone: advance() can finish it. */
  done: () => void
  logger: Logger
}

/**
 * Deletes topics: brokers stop showing them, then delete their replicas, and only when every replica is gone the znodes go, the request to delete last. A topic
 * with a replica on an absent broker waits for that broker, or its old files would come back to life under a topic of the same name.
 */
export class TopicDeletion {
  readonly #options: TopicDeletionOptions
  /** Requests to the brokers are under way. */
  readonly #underWay = new Set<string>()
  readonly #replicasGone = new Set<string>()

  constructor(options: TopicDeletionOptions) {
    this.#options = options
  }

  /** Does what can be done now for every topic that is to be deleted. */
  async advance(): Promise<void> {
    const { context } = this.#options
    for (const topic of context.toDelete) {
      if (!context.topics.has(topic) || !this.#options.isEnabled()) await this.#withdraw(topic)
      else if (this.#replicasGone.has(topic)) await this.#finish(topic)
      else if (!this.#underWay.has(topic)) this.#begin(topic)
    }
  }

  /** A request for a topic that does not exist, or that this cluster does not allow, is dropped; for one that is only not known here yet, it waits. */
  async #withdraw(topic: string): Promise<void> {
    if (this.#options.isEnabled() && (await this.#options.zookeeper.exists(topicZnode.path(topic)))) return
    await this.#remove(deleteTopicZnode.path(topic))
    this.#options.context.toDelete.delete(topic)
  }

  #begin(topic: string): void {
    const { context, controllerId, channel, logger } = this.#options
    const replicas = [...context.replicasOf(topic)]
    if (!replicas.every((id) => channel(id))) {
      logger.info({ topic, absent: replicas.filter((id) => !channel(id)) }, 'a topic cannot be deleted before its brokers are back')
      return
    }
    this.#underWay.add(topic)
    const sender = { controllerId, context }
    for (const broker of context.brokers.values()) {
      void channel(broker.id)
        ?.send(updateMetadata, updateMetadataFor(sender, broker, [...context.partitionsOf(topic)]))
        .catch(() => {})
    }
    const stopped = replicas.map(async (id) => {
      const response = await channel(id)!.send(stopReplica, deleteReplicasFor(sender, context.brokers.get(id)!, topic))
      return response !== undefined && response.errorCode === 0 && response.partitionErrors.every(({ errorCode }) => errorCode === 0)
    })
    void Promise.all(stopped).then(
      (gone) => this.#ended(topic, gone.every(Boolean)),
      () => this.#ended(topic, false),
    )
  }

  #ended(topic: string, areGone: boolean): void {
    this.#underWay.delete(topic)
    if (areGone) this.#replicasGone.add(topic)
    else this.#options.logger.warn({ topic }, 'not every replica of a topic could be deleted; it is tried again when a broker comes back')
    if (areGone) this.#options.done()
  }

  async #finish(topic: string): Promise<void> {
    const { context, logger } = this.#options
    await this.#removeTree(topicZnode.path(topic))
    await this.#remove(configZnode.path('topics', topic))
    await this.#remove(deleteTopicZnode.path(topic))
    this.#replicasGone.delete(topic)
    context.forgetTopic(topic)
    logger.info({ topic }, 'topic deleted')
  }

  async #removeTree(path: string): Promise<void> {
    const { children } = await this.#options.zookeeper.children(path).catch((error: unknown) => {
      if (isZooKeeperError(error, 'NO_NODE')) return { children: [] }
      throw error
    })
    for (const child of children) await this.#removeTree(`${path}/${child}`)
    await this.#remove(path)
  }

  async #remove(path: string): Promise<void> {
    const { zookeeper, context } = this.#options
    await writeAsController(zookeeper, context, [{ type: 'delete', path, version: -1 }]).catch((error: unknown) => {
      if (!isZooKeeperError(error, 'NO_NODE')) throw error
    })
  }
}
