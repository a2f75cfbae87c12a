import type { Address } from '../../client/address.ts'
import type { TopicPartition } from '../../base/topic-partition.ts'
import { Backoff } from '../../base/backoff.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { ConnectionError, type ConnectionOptions, KafkaConnection } from '../../client/connection.ts'
import { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../../protocol/schema.ts'
import type { ControllerContext, LiveBroker } from './context.ts'
import type { LeadersFirst } from './leaders-first.ts'
import { RequestStage, type Stop } from './request-stage.ts'
import { leaderAndIsrFor, stopReplicaFor, updateMetadataFor } from './requests.ts'

/** What the brokers answered; told as it comes. */
export interface BrokerAnswers {
  ledOrFollows(broker: LiveBroker, response: ResponseOf<typeof leaderAndIsr>): void
  stopped(broker: LiveBroker, stops: readonly Stop[], response: ResponseOf<typeof stopReplica>): void
}
export type ChannelOptions = {
  broker: LiveBroker
  controllerId: number
  context: ControllerContext
  interBrokerListener: string
  connection: (address: Address) => ConnectionOptions
  answers: BrokerAnswers
  clock: MonotonicClock
  logger: Logger
}

/**
 * The controller's way to one registration of one broker. Each request is sent again and again until the broker answers it or the channel is closed: a broker that
 * cannot be reached will either come back or lose its registration.
 */
export class BrokerChannel {
  readonly #options: ChannelOptions
  readonly #backoff: Backoff
  readonly #closed = new AbortController()
  /** On their way. */
  readonly #stages: RequestStage[] = []
  /** Of the event that is being worked on. */
  #noted: RequestStage[] = [new RequestStage()]
  #sending: Promise<void> | undefined
  #connection: KafkaConnection | undefined

  constructor(options: ChannelOptions) {
    this.#options = options
    this.#backoff = new Backoff({ baseMs: 50, maxMs: 1000 })
  }

  lead(at: TopicPartition, isNew: boolean): void {
    if (!this.#last.mayLead(at)) this.#noted.push(new RequestStage())
    this.#last.lead(at, isNew)
  }

  tell(partitions: readonly TopicPartition[]): void {
    this.#last.tell(partitions)
  }

  announce(partitions: readonly TopicPartition[]): void {
    this.#last.announce(partitions)
  }

  stop(at: TopicPartition, deletes: boolean): void {
    this.#last.stop(at, deletes)
  }

  /** Joins the order of this event, before `send`. */
  order(leadersFirst: LeadersFirst): void {
    for (const stage of this.#noted) {
      stage.leadersFirst = leadersFirst
      if (![...stage.leads.values()].some((at) => this.#isLed(at))) continue
      stage.awaited.add(leadersFirst)
      leadersFirst.expect(this)
    }
  }

  /** What was noted may go; it joins what waits for an answer that has not come. */
  send(): void {
    for (const stage of this.#noted) if (!stage.isEmpty && !this.#stages.at(-1)?.absorb(stage)) this.#stages.push(stage)
    this.#noted = [new RequestStage()]
    this.#start()
  }

  #start(): void {
    if (this.#sending || this.#stages.length === 0) return
    this.#sending = this.#drain()
      .catch((err: unknown) => this.#options.logger.error({ brokerId: this.#options.broker.id, err }, 'a broker could not be told'))
      .finally(() => {
        this.#sending = undefined
        if (!this.#closed.signal.aborted) this.#start()
      })
  }

  /** Resolves when all that was sent is answered, or the channel is closed. */
  async settled(): Promise<void> {
    while (this.#sending) await this.#sending
  }

  close(): void {
    this.#closed.abort(new ConnectionError('the broker is gone'))
    this.#connection?.close()
  }

  get #last(): RequestStage {
    return this.#noted.at(-1)!
  }

  async #drain(): Promise<void> {
    for (let stage = this.#stages.shift(); stage && !this.#closed.signal.aborted; stage = this.#stages.shift())
      await this.#deliverStage(stage)
  }

  async #deliverStage(stage: RequestStage): Promise<void> {
    const { broker, answers } = this.#options
    const sender = this.#options
    if (stage.announces) await this.#deliver(updateMetadata, updateMetadataFor(sender, broker, stage.announced.values()))
    const leads = [...stage.leads.values()]
    const led = new Set(leads.filter((at) => this.#isLed(at)))
    await this.#deliverRoles([...led])
    for (const order of stage.awaited) order.hasAnswered(this)
    const follows = leads.filter((at) => !led.has(at))
    if (follows.length > 0) await stage.leadersFirst?.told
    await this.#deliverRoles(follows)
    if (stage.hasMetadata) await this.#deliver(updateMetadata, updateMetadataFor(sender, broker, stage.metadata.values()))
    if (stage.stops.size === 0) return
    const stops = [...stage.stops.values()]
    const stopped = await this.#deliver(stopReplica, stopReplicaFor(sender, broker, stops))
    if (stopped) answers.stopped(broker, stops, stopped)
  }

  async #deliverRoles(roles: readonly (TopicPartition & { isNew: boolean })[]): Promise<void> {
    const { broker, answers } = this.#options
    const request = leaderAndIsrFor(this.#options, broker, roles)
    const response = request && (await this.#deliver(leaderAndIsr, request))
    if (response) answers.ledOrFollows(broker, response)
  }

  #isLed(at: TopicPartition): boolean {
    const { context, broker } = this.#options
    return context.partition(at)?.leadership?.leader === broker.id
  }

  /** undefined when the channel was closed first. */
  async #deliver<A extends Api>(api: A, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A> | undefined> {
    const { logger, broker, clock } = this.#options
    while (!this.#closed.signal.aborted) {
      try {
        const response = await (await this.#connected()).request(api, request)
        this.#backoff.reset()
        const { errorCode } = response as { errorCode: number }
        if (errorCode) logger.warn({ brokerId: broker.id, api: api.name, errorCode }, 'a broker refuses a request of the controller')
        return response
      } catch (err) {
        if (this.#closed.signal.aborted) break
        logger.warn({ api: api.name, brokerId: broker.id, err }, 'a broker does not take a request of the controller, trying again')
        await clock.sleep(this.#backoff.nextMs(), this.#closed.signal).catch(() => {})
      }
    }
    this.#connection?.close()
    return undefined
  }

  async #connected(): Promise<KafkaConnection> {
    if (this.#connection?.isOpen) return this.#connection
    const { broker, context, interBrokerListener, connection } = this.#options
    const { endpoints } = context.brokers.get(broker.id) ?? broker
    const endpoint = endpoints.find(({ name }) => name === interBrokerListener)
    if (!endpoint) throw new Error(`broker ${broker.id} does not have the inter-broker listener ${interBrokerListener}`)
    this.#connection = await KafkaConnection.open(connection(endpoint))
    if (this.#closed.signal.aborted) this.#connection.close()
    return this.#connection
  }
}
