import type { Address } from '../../client/address.ts'
import type { TopicPartition } from '../../base/topic-partition.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ConnectionOptions } from '../../client/connection.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { DELETE_TOPICS } from '../metadata/znodes/topic.ts'
import type { ControllerFigures } from './figures.ts'
import { ADMINISTRATION } from './administration.ts'
import { brokerAnswers } from './answers.ts'
import { BrokerEvents } from './broker-events.ts'
import { BrokerRequests } from './broker-requests.ts'
import type { BrokerAnswers } from './channel.ts'
import { loadCluster } from './cluster-load.ts'
import { ClusterWatch, type Seen } from './cluster-watch.ts'
import type { ControllerContext } from './context.ts'
import { controlledShutdown } from './controlled-shutdown.ts'
import { TopicDeletion } from './deletion.ts'
import { EventQueue } from './event-queue.ts'
import { figuresOf } from './figures.ts'
import { electAfterMissedBounces } from './missed-bounces.ts'
import { Notifications } from './notifications.ts'
import { PartitionMachine } from './partition-machine.ts'
import { ReplicaMachine, replicasOf } from './replica-machine.ts'
import { LeadershipWriter } from './state-writes.ts'
import type { MakeTermPart, TermPart, TermTools } from './term-part.ts'
import { TopicEvents } from './topic-events.ts'
import { isUncleanAllowed } from './unclean.ts'

export type TermOptions = {
  zookeeper: ZooKeeperClient
  context: ControllerContext
  brokerId: number
  /** The listener on which brokers are reached. */
  interBrokerListener: string
  /** How to connect to a broker at an address: client id, login, time-out. */
  connection: (address: Address) => ConnectionOptions
  /** What holds now, run-time settings included. */
  config: () => BrokerConfig
  clock: MonotonicClock
  logger: Logger
}

/**
 * One epoch as controller. Everything happens on one queue, one event after the other: it brings the belief up to date, works on the partitions that the event
 * touches, in ZooKeeper first, and at its end tells the brokers.
 */
export class ControllerTerm {
  readonly #options: TermOptions
  readonly #tools: TermTools
  readonly #parts = new Map<MakeTermPart, TermPart>()
  readonly #deletion: TopicDeletion
  readonly #brokers: BrokerEvents
  readonly #topics: TopicEvents
  readonly #notifications: Notifications
  readonly #answers: BrokerAnswers
  readonly #ended = Promise.withResolvers<void>()

  constructor(options: TermOptions) {
    this.#options = options
    const { tools, writer } = this.#makeTools()
    this.#tools = tools
    for (const make of ADMINISTRATION) this.#parts.set(make, make(tools))
    const parts = this.#allParts
    const isEnabled = () => options.config().get('delete.topic.enable')
    const deletion = new TopicDeletion({ tools, parts, isEnabled })
    const brokers = new BrokerEvents({ tools, deletion, parts })
    this.#deletion = deletion
    this.#brokers = brokers
    this.#topics = new TopicEvents({ tools, deletion })
    this.#notifications = new Notifications({ tools, writer, brokers, parts })
    this.#answers = brokerAnswers({ context: options.context, queue: tools.queue, brokers, deletion })
  }

  /** Resolves when this broker is no longer the controller; then nothing more is written. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** What the metrics show. */
  figures(): ControllerFigures {
    return figuresOf(this.#options.context, this.#deletion.ineligibleTopicCount)
  }

  /** A part of the administration, by what made it. */
  part<P extends TermPart>(make: MakeTermPart<P>): P {
    const part = this.#parts.get(make)
    if (!part) throw new Error('no such part of the administration')
    return part as P
  }

  /** Takes over: reads the cluster, tells every broker what holds, gives leaders to partitions without one, and then follows changes. */
  async start(): Promise<void> {
    try {
      await this.#tools.queue.ask(() => this.#takeOver())
    } catch (error) {
      return this.#lost(error as Error)
    }
    for (const part of this.#allParts) void this.#tools.queue.tell('start of the administration', async () => part.started?.())
    const { zookeeper, logger } = this.#options
    const watch = new ClusterWatch({ zookeeper, logger, tell: (seen) => this.#take(seen) })
    const following = [watch.follow(this.ended), ...this.#allParts.flatMap((part) => part.follow?.(this.ended) ?? [])]
    void Promise.all(following).catch((error: unknown) => this.#lost(error as Error))
  }

  stop(): void {
    if (this.#tools.queue.isOver) return
    this.#tools.queue.stop()
    this.#tools.requests.closeAll()
    this.#ended.resolve()
  }

  /** All that was asked so far is done, and the brokers have answered what followed from it. */
  async settled(): Promise<void> {
    await this.#tools.queue.ask(() => {})
    await this.#tools.requests.settled()
  }

  /** The partitions that the broker leads still; see controlled-shutdown.ts. */
  controlledShutdown(brokerId: number, brokerEpoch: bigint): Promise<TopicPartition[]> {
    return this.#tools.queue.ask(() => controlledShutdown(this.#tools, brokerId, brokerEpoch))
  }

  /** No broker but this one could lead anything. */
  isAlone(brokerId: number): boolean {
    const { brokers, shuttingDown } = this.#options.context
    return [...brokers.keys()].every((id) => id === brokerId || shuttingDown.has(id))
  }

  /** unclean.leader.election.enable has changed, for the topic or (undefined) for all. */
  uncleanElectionMayBeAllowed(topic?: string): void {
    void this.#tools.queue.tell('unclean elections', () => this.#topics.uncleanElectionMayBeAllowed(topic))
  }

  get #allParts(): readonly TermPart[] {
    return [...this.#parts.values()]
  }

  #makeTools(): { tools: TermTools; writer: LeadershipWriter } {
    const { zookeeper, context, clock, logger, brokerId, config, interBrokerListener, connection } = this.#options
    const requests = new BrokerRequests({
      controllerId: brokerId,
      context,
      interBrokerListener,
      connection,
      clock,
      logger,
      answers: {
        ledOrFollows: (...answer) => this.#answers.ledOrFollows(...answer),
        stopped: (...answer) => this.#answers.stopped(...answer),
      },
    })
    const queue = new EventQueue({ clock, logger, afterEach: () => requests.send(), lost: (reason) => this.#lost(reason) })
    const reread = (known: Parameters<typeof requests.leaderAndIsr>[1]) => requests.leaderAndIsr(known.assignment.replicas, known, false)
    const writer = new LeadershipWriter({ zookeeper, context, reread })
    const shared = { context, writer, requests, logger }
    const partitions = new PartitionMachine({ ...shared, isUncleanAllowed: (topic) => isUncleanAllowed(zookeeper, config(), topic) })
    const replicas = new ReplicaMachine(shared)
    return { tools: { brokerId, zookeeper, context, config, queue, requests, partitions, replicas, clock, logger }, writer }
  }

  /** Brokers hear of each other before they hear of leaders: a follower must know its leader's address. */
  async #takeOver(): Promise<void> {
    const { brokerId, context, requests, partitions, replicas, zookeeper, logger } = this.#tools
    context.clear()
    const created = await loadCluster(zookeeper, context, logger)
    for (const broker of context.brokers.values()) requests.open(broker)
    this.#brokers.loaded()
    this.#topics.loaded(created)
    requests.announce([])
    // Who asks the controller for all partitions takes the answer as whole, and a broker that has just started knows none of them yet.
    requests.announce([...context.all()], [brokerId])
    requests.send()
    const { children: toDelete } = await zookeeper.children(DELETE_TOPICS)
    if (this.#options.config().get('delete.topic.enable'))
      for (const topic of toDelete) if (context.hasTopic(topic)) context.toDelete.add(topic)
    const all = [...context.all()]
    partitions.initialize(all)
    replicas.initialize(all)
    const served = all.filter((known) => !context.isToBeDeleted(known))
    await electAfterMissedBounces(this.#tools, served)
    const leaderless = served.filter(({ state }) => state !== 'ONLINE')
    await partitions.online(leaderless, { type: 'offline', allowsUnclean: false })
    const ofServed = replicasOf(served)
    replicas.online(ofServed.filter(({ known, brokerId }) => context.isOnline(brokerId, known)))
    await replicas.offline(ofServed.filter(({ known, brokerId }) => !context.isOnline(brokerId, known)))
    requests.updateMetadata(all)
    await this.#deletion.take(toDelete)
    await this.#deletion.resume()
  }

  #take(seen: Seen): Promise<void> {
    const { queue } = this.#tools
    switch (seen.type) {
      case 'brokers':
        return this.#brokers.take(seen.brokers)
      case 'broker':
        return this.#brokers.changed(seen.broker)
      case 'topics':
        return this.#topics.gone(seen.gone)
      case 'topic':
        return this.#topics.read(seen)
      case 'delete-topics':
        return queue.tell('topics to delete', () => this.#deletion.take(seen.topics))
      case 'isr-changes':
        return queue.tell('in-sync sets', () => this.#notifications.takeIsrChanges(seen.paths))
      case 'log-dir-events':
        return queue.tell('failed log directories', () => this.#notifications.takeLogDirEvents(seen.paths))
    }
  }

  #lost(error: Error): void {
    if (this.#tools.queue.isOver) return
    const isOrdinary = error instanceof KafkaError
    const reason = isOrdinary && error.cause instanceof Error ? error.cause.message : error.message
    this.#options.logger.info({ epoch: this.#options.context.epoch, reason }, 'this broker is no longer the controller')
    this.stop()
  }
}
