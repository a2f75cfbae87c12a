import { partitionKey } from '../../base/topic-partition.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import { deleteTopicZnode, topicZnode } from '../metadata/znodes/topic.ts'
import type { ControllerContext, LiveBroker } from './context.ts'
import { type Replica, replicasOf } from './replica-machine.ts'
import type { Stop } from './request-stage.ts'
import type { TermPart, TermTools } from './term-part.ts'
import { removeTopicZnodes } from './topic-znodes.ts'
import { writeAsController } from './state-writes.ts'

export type TopicDeletionOptions = {
  tools: TermTools
  parts: readonly TermPart[]
  /** delete.topic.enable */
  isEnabled: () => boolean
}

/**
 * Deletes topics: brokers stop showing them, then delete their replicas, and only when every replica is gone the znodes go, the request to delete with the last
 * of them. A topic with a replica on an absent broker waits for that broker, or its old files would come back to life under a topic of the same name.
 */
export class TopicDeletion {
  readonly #options: TopicDeletionOptions
  readonly #tools: TermTools
  readonly #context: ControllerContext
  /** Topics with a replica that cannot be deleted now. */
  readonly #ineligible = new Set<string>()
  /** Asked for before the controller has read the topic. */
  readonly #unread = new Set<string>()

  constructor(options: TopicDeletionOptions) {
    this.#options = options
    this.#tools = options.tools
    this.#context = options.tools.context
  }

  get ineligibleTopicCount(): number {
    return this.#ineligible.size
  }

  /** The requests that are there, new ones among them. */
  async take(topics: readonly string[]): Promise<void> {
    if (!this.#options.isEnabled()) {
      for (const topic of topics) await this.#withdraw(topic)
      return
    }
    const fresh: string[] = []
    for (const topic of topics) {
      if (this.#context.toDelete.has(topic)) continue
      if (this.#context.hasTopic(topic)) fresh.push(topic)
      else if (await this.#tools.zookeeper.exists(topicZnode.path(topic))) this.#unread.add(topic)
      else await this.#withdraw(topic)
    }
    await this.#begin(fresh)
  }

  async topicIsKnown(topic: string): Promise<void> {
    if (this.#unread.has(topic)) await this.#begin([topic])
    this.#unread.delete(topic)
  }

  /** Brokers have returned: what could not be deleted because of them is tried again. */
  async brokersBack(brokerIds: readonly number[]): Promise<void> {
    for (const topic of this.#ineligible) {
      const isHeld = this.#context.partitionsOf(topic).some(({ assignment }) => assignment.replicas.some((id) => brokerIds.includes(id)))
      if (isHeld) this.#ineligible.delete(topic)
    }
    await this.resume()
  }

  /** The replicas are gone with their brokers or directories. */
  async failed(replicas: readonly Replica[]): Promise<void> {
    await this.#markIneligible(replicas.filter((replica) => this.#tools.replicas.stateOf(replica) !== 'DELETION_SUCCESSFUL'))
    await this.resume()
  }

  /** What a broker answered to the request to delete replicas. */
  async answered(broker: LiveBroker, stops: readonly Stop[], refused: ReadonlySet<string>): Promise<void> {
    const { replicas } = this.#tools
    const started = stops
      .filter(({ deletes }) => deletes)
      .flatMap((stop) => {
        const known = this.#context.partition(stop)
        const replica = known && { known, brokerId: broker.id }
        const isOurs = replica && this.#context.isToBeDeleted(known) && replicas.stateOf(replica) === 'DELETION_STARTED'
        return isOurs ? [replica] : []
      })
    const isRefused = ({ known }: Replica) => refused.has(partitionKey(known))
    const failed = started.filter(isRefused)
    replicas.mark(
      started.filter((replica) => !isRefused(replica)),
      'DELETION_SUCCESSFUL',
    )
    if (failed.length > 0) {
      const topics = [...new Set(failed.map(({ known }) => known.topic))]
      this.#tools.logger.warn(
        { topics, brokerId: broker.id },
        'a broker could not delete replicas; it is tried again when it has restarted',
      )
      await this.#markIneligible(failed)
    }
    await this.resume()
  }

  /** Does what can be done now for every topic that is to be deleted. */
  async resume(): Promise<void> {
    for (const topic of this.#context.toDelete) {
      const replicas = replicasOf(this.#context.partitionsOf(topic))
      const states = replicas.map((replica) => this.#tools.replicas.stateOf(replica))
      const isHeld = this.#options.parts.some((part) => part.holdsBackDeletion?.(topic))
      if (states.every((state) => state === 'DELETION_SUCCESSFUL')) await this.#finish(topic)
      else if (!states.includes('DELETION_STARTED') && !this.#ineligible.has(topic) && !isHeld) await this.#deleteReplicas(topic)
    }
  }

  async #begin(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) {
      for (const part of this.#options.parts) await part.topicsToDelete?.(topics)
      for (const topic of topics) this.#context.toDelete.add(topic)
    }
    await this.resume()
  }

  async #deleteReplicas(topic: string): Promise<void> {
    const { partitions, replicas, requests, logger } = this.#tools
    const all = this.#context.partitionsOf(topic)
    requests.updateMetadata(all)
    const existing = all.filter(({ state }) => state !== 'NON_EXISTENT')
    partitions.move(existing, 'OFFLINE')
    partitions.move(existing, 'NON_EXISTENT')
    const left = replicasOf(all).filter((replica) => replicas.stateOf(replica) !== 'DELETION_SUCCESSFUL')
    const isAlive = ({ known, brokerId }: Replica) => this.#context.isReachable(brokerId, known)
    const absent = left.filter((replica) => !isAlive(replica))
    if (absent.length > 0) {
      const brokers = [...new Set(absent.map(({ brokerId }) => brokerId))]
      logger.info({ topic, absent: brokers }, 'a topic stays until the brokers with its last replicas are back')
      await this.#markIneligible(absent)
    }
    const alive = left.filter(isAlive)
    await replicas.offline(alive)
    replicas.startDeletion(alive)
  }

  async #markIneligible(lost: readonly Replica[]): Promise<void> {
    const { replicas } = this.#tools
    for (const { known } of lost) this.#ineligible.add(known.topic)
    await replicas.offline(lost.filter((replica) => ['NEW', 'ONLINE'].includes(replicas.stateOf(replica))))
    replicas.mark(lost, 'DELETION_INELIGIBLE')
  }

  async #finish(topic: string): Promise<void> {
    await removeTopicZnodes(this.#tools.zookeeper, this.#context, topic)
    this.#ineligible.delete(topic)
    this.#context.forgetTopic(topic)
    this.#tools.logger.info({ topic }, 'topic deleted')
  }

  /** A request for a topic that does not exist, or that this cluster does not allow, is dropped. */
  async #withdraw(topic: string): Promise<void> {
    const { zookeeper } = this.#tools
    const request = deleteTopicZnode.path(topic)
    await unlessRefused(writeAsController(zookeeper, this.#context, [{ type: 'delete', path: request, version: -1 }]), 'NO_NODE')
  }
}
