import type { Logger } from '../../base/logger.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { BrokerChannel } from './channel.ts'
import { type ControllerContext, type LiveBroker, type TopicPartition } from './context.ts'
import { TopicDeletion } from './deletion.ts'
import { nextState } from './next-state.ts'
import { leaderAndIsrFor, updateMetadataFor } from './requests.ts'
import { NoLongerController, type StateChange, writeStates } from './state-writes.ts'
import { ClusterWatch, type Seen } from './cluster-watch.ts'
import type { ConnectionOptions } from '../../client/connection.ts'

export type TermOptions = {
  zookeeper: ZooKeeperClient
  context: ControllerContext
  brokerId: number
  /** The listener on which brokers are reached. */
  interBrokerListener: string
  /** How to connect to a broker at an address: client id, login, time-out. */
  connection: (address: { host: string; port: number }) => ConnectionOptions
  deleteTopicEnable: () => boolean
  clock: MonotonicClock
  logger: Logger
}

/** How long new leaders are waited for before everybody hears of them: a client that hears first only has to try again. */
const LEADERS_FIRST_MS = 500
/** Pause before work is tried again that failed for a reason that may pass. */
const RETRY_MS = 200

/**
 * One epoch as controller. Everything happens on one queue of events, each of which brings the belief up to date and then settles: partitions get the leaders
 * they should have, in ZooKeeper first, then with the brokers. Settling looks at everything, so that an event that was missed or merged does no harm.
 */
export class ControllerTerm {
  readonly #options: TermOptions
  readonly #context: ControllerContext
  readonly #channels = new Map<number, BrokerChannel>()
  readonly #deletion: TopicDeletion
  readonly #ended = Promise.withResolvers<void>()
  #queue: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(options: TermOptions) {
    this.#options = options
    this.#context = options.context
    this.#deletion = new TopicDeletion({
      zookeeper: options.zookeeper,
      context: options.context,
      controllerId: options.brokerId,
      channel: (brokerId) => this.#channels.get(brokerId),
      isEnabled: options.deleteTopicEnable,
      done: () => void this.#enqueue(() => this.#settle()),
      logger: options.logger,
    })
  }

  /** Resolves when this broker is no longer the controller; then nothing more is written. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /** What the metrics show. */
  get context(): Readonly<ControllerContext> {
    return this.#context
  }

  /** Takes over: reads the cluster, tells every broker what holds, then settles and follows changes. */
  async start(): Promise<void> {
    const watch = new ClusterWatch(this.#options.zookeeper)
    await this.#enqueue(async () => {
      await watch.load(this.#context)
      for (const broker of this.#context.brokers.values()) this.#open(broker)
      this.#tellMetadata([...this.#context.partitions()])
      await this.#settle([...this.#context.brokers.keys()])
    })
    void watch.follow((seen) => this.#enqueue(() => this.#take(seen)), this.#ended.promise).catch((error: unknown) => this.#fail(error))
  }

  stop(): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const channel of this.#channels.values()) channel.close()
    this.#channels.clear()
    this.#ended.resolve()
  }

  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#queue = this.#queue.then(() => this.#run(work))
    return this.#queue
  }

  async #run(work: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      try {
        return await work()
      } catch (error) {
        if (!this.#mayPass(error)) return this.#fail(error)
        this.#options.logger.warn({ err: error }, 'the controller could not finish an event, trying again')
        await this.#options.clock.sleep(RETRY_MS)
      }
    }
  }

  #mayPass(error: unknown): boolean {
    return !(error instanceof NoLongerController) && !isZooKeeperError(error, 'SESSION_EXPIRED', 'AUTH_FAILED')
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#options.logger.info({ epoch: this.#context.epoch, reason: (error as Error).message }, 'this broker is no longer the controller')
    this.stop()
  }

  async #take(seen: Seen): Promise<void> {
    const { context } = this
    switch (seen.type) {
      case 'brokers':
        return this.#takeBrokers(seen.brokers)
      case 'topics':
        for (const topic of seen.gone) (context as ControllerContext).forgetTopic(topic)
        return this.#settle()
      case 'topic':
        this.#context.topics.set(seen.topic, seen.assignment)
        return this.#settle()
      case 'delete-topics':
        for (const topic of seen.topics) this.#context.toDelete.add(topic)
        return this.#settle()
    }
  }

  /** A broker with another epoch was away and is back: it has forgotten what it was told. */
  async #takeBrokers(brokers: ReadonlyMap<number, LiveBroker>): Promise<void> {
    const gone = [...this.#context.brokers.values()].filter(({ id, epoch }) => brokers.get(id)?.epoch !== epoch)
    const fresh = [...brokers.values()].filter(({ id, epoch }) => this.#context.brokers.get(id)?.epoch !== epoch)
    for (const { id } of gone) {
      this.#context.brokers.delete(id)
      this.#channels.get(id)?.close()
      this.#channels.delete(id)
    }
    if (gone.length > 0) await this.#elect()
    for (const broker of brokers.values()) this.#context.brokers.set(broker.id, broker)
    for (const broker of fresh) this.#open(broker)
    if (gone.length + fresh.length === 0) return
    this.#options.logger.info({ gone: gone.map(({ id }) => id), fresh: fresh.map(({ id }) => id) }, 'brokers changed')
    this.#tellMetadata([...this.#context.partitions()])
    await this.#settle(fresh.map(({ id }) => id))
  }

  /** Gives every partition the leader it should have; `ignorant` brokers are told about all of theirs, changed or not. */
  async #settle(ignorant: readonly number[] = []): Promise<void> {
    const { changed, created } = await this.#elect()
    await this.#tellLeaders(changed, created, ignorant)
    if (changed.length > 0) this.#tellMetadata(changed)
    await this.#deletion.advance()
  }

  async #elect(): Promise<{ changed: TopicPartition[]; created: Set<string> }> {
    const changed: TopicPartition[] = []
    const created = new Set<string>()
    for (;;) {
      const wanted = this.#wantedChanges()
      if (wanted.length === 0) return { changed, created }
      const isNew = new Set(wanted.filter((change) => !this.#context.leadership(change)).map(keyOf))
      const written = await writeStates(this.#options.zookeeper, this.#context, wanted)
      for (const change of written) {
        changed.push(change)
        if (isNew.has(keyOf(change))) created.add(keyOf(change))
        if (change.state.leader < 0)
          this.#options.logger.warn(
            { topic: change.topic, partition: change.partition },
            'a partition has no leader: no in-sync replica is alive',
          )
      }
    }
  }

  #wantedChanges(): StateChange[] {
    return [...this.#context.partitions()].flatMap((at) => {
      const state = nextState(this.#context.leadership(at), {
        replicas: this.#context.replicas(at),
        isAlive: (id) => this.#context.isAlive(id),
        controllerEpoch: this.#context.epoch,
      })
      return state ? [{ ...at, state }] : []
    })
  }

  async #tellLeaders(changed: readonly TopicPartition[], created: ReadonlySet<string>, ignorant: readonly number[]): Promise<void> {
    const sender = { controllerId: this.#options.brokerId, context: this.#context }
    const sent = [...this.#channels].flatMap(([id, channel]) => {
      const partitions = ignorant.includes(id) ? [...this.#context.partitions()] : changed
      const options = { interBrokerListener: this.#options.interBrokerListener, isNew: (at: TopicPartition) => created.has(keyOf(at)) }
      const request = leaderAndIsrFor(sender, this.#context.brokers.get(id)!, partitions, options)
      return request ? [channel.send(leaderAndIsr, request).then((response) => this.#check(id, 'LeaderAndIsr', response?.errorCode))] : []
    })
    if (sent.length > 0) await Promise.race([Promise.allSettled(sent), this.#options.clock.sleep(LEADERS_FIRST_MS)])
  }

  #tellMetadata(partitions: readonly TopicPartition[]): void {
    const sender = { controllerId: this.#options.brokerId, context: this.#context }
    for (const [id, channel] of this.#channels) {
      void channel
        .send(updateMetadata, updateMetadataFor(sender, this.#context.brokers.get(id)!, partitions))
        .then((response) => this.#check(id, 'UpdateMetadata', response?.errorCode))
        .catch((error: unknown) => this.#fail(error))
    }
  }

  #check(brokerId: number, api: string, errorCode: number | undefined): void {
    if (errorCode) this.#options.logger.warn({ brokerId, api, errorCode }, 'a broker refuses a request of the controller')
  }

  #open(broker: LiveBroker): void {
    const endpoint = broker.endpoints.find(({ name }) => name === this.#options.interBrokerListener)
    if (!endpoint) {
      this.#options.logger.error(
        { brokerId: broker.id, listener: this.#options.interBrokerListener },
        'a broker does not have the inter-broker listener; it gets no partitions',
      )
      return
    }
    const { clock, logger, connection } = this.#options
    this.#channels.set(broker.id, new BrokerChannel({ connection: connection(endpoint), clock, logger }))
  }
}

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
