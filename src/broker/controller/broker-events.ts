import { isDeepStrictEqual } from 'node:util'
import type { ControllerContext, KnownPartition, LiveBroker } from './context.ts'
import type { TopicDeletion } from './deletion.ts'
import { type Replica } from './replica-machine.ts'
import type { TermPart, TermTools } from './term-part.ts'

export type BrokerEventsOptions = { tools: TermTools; deletion: TopicDeletion; parts: readonly TermPart[] }
type Brokers = ReadonlyMap<number, LiveBroker>

/** Brokers that come, go and change. */
export class BrokerEvents {
  readonly #tools: TermTools
  readonly #context: ControllerContext
  readonly #deletion: TopicDeletion
  readonly #parts: readonly TermPart[]
  /** As last read; the context follows when the queue gets there. */
  #registered: Brokers = new Map()

  constructor({ tools, deletion, parts }: BrokerEventsOptions) {
    this.#tools = tools
    this.#context = tools.context
    this.#deletion = deletion
    this.#parts = parts
  }

  /** The context has been loaded. */
  loaded(): void {
    this.#registered = new Map(this.#context.brokers)
  }

  /** A broker with a newer epoch was away and is back: it failed, and then it started. */
  async take(brokers: Brokers): Promise<void> {
    const { queue, logger } = this.#tools
    const before = this.#registered
    this.#registered = brokers
    const gone = [...before.values()].filter(({ id, epoch }) => brokers.get(id)?.epoch !== epoch).map(({ id }) => id)
    const fresh = [...brokers.values()].filter(({ id, epoch }) => before.get(id)?.epoch !== epoch)
    if (gone.length + fresh.length === 0) return
    logger.info({ gone, fresh: fresh.map(({ id }) => id) }, 'brokers changed')
    const failed = gone.length > 0 ? queue.tell('broker failure', () => this.#failed(gone)) : undefined
    const started = fresh.length > 0 ? queue.tell('broker start', () => this.#started(fresh)) : undefined
    await Promise.all([failed, started])
  }

  /** Its listeners or its rack, under the same registration. */
  async changed(broker: LiveBroker): Promise<void> {
    await this.#tools.queue.tell('broker data', () => {
      const known = this.#context.brokers.get(broker.id)
      if (known?.epoch !== broker.epoch || isDeepStrictEqual(known, broker)) return
      this.#context.brokers.set(broker.id, broker)
      this.#tools.requests.updateMetadata([])
    })
  }

  /** Some log directory of the brokers has failed: their answers to LeaderAndIsr will say which replicas were in it. */
  askForReplicas(brokerIds: readonly number[]): void {
    const replicas = brokerIds.flatMap((brokerId) =>
      this.#context
        .partitionsOn(brokerId)
        .filter((known) => this.#context.isReachable(brokerId, known) && !this.#context.isToBeDeleted(known))
        .map((known) => ({ known, brokerId })),
    )
    this.#tools.replicas.online(replicas)
  }

  /** What a broker said of its replicas: those in failed directories are offline until it starts again. */
  async replicasFailed(brokerId: number, failed: readonly KnownPartition[], working: readonly KnownPartition[]): Promise<void> {
    const known = this.#context.inFailedDirs.get(brokerId) ?? new Set()
    this.#context.inFailedDirs.set(brokerId, known)
    for (const partition of working) known.delete(partition)
    const fresh = failed.filter((partition) => !known.has(partition))
    for (const partition of fresh) known.add(partition)
    if (failed.length > 0) await this.#offline(failed.map((partition) => ({ known: partition, brokerId })))
  }

  async #failed(brokerIds: readonly number[]): Promise<void> {
    for (const id of brokerIds) {
      this.#context.brokers.delete(id)
      this.#context.shuttingDown.delete(id)
      this.#context.inFailedDirs.delete(id)
      this.#tools.requests.close(id)
    }
    await this.#offline(brokerIds.flatMap((brokerId) => this.#context.partitionsOn(brokerId).map((known) => ({ known, brokerId }))))
    this.#tools.requests.updateMetadata([])
  }

  /** First new leaders, then in-sync sets without the lost replicas. */
  async #offline(lost: readonly Replica[]): Promise<void> {
    const { partitions, replicas } = this.#tools
    const ofDeleted = lost.filter(({ known }) => this.#context.isToBeDeleted(known))
    const others = lost.filter(({ known }) => !this.#context.isToBeDeleted(known))
    const leaderless = [...new Set(others.map(({ known }) => known))].filter(
      (known) => known.leadership && !this.#context.hasOnlineLeader(known),
    )
    partitions.move(leaderless, 'OFFLINE')
    await partitions.online(leaderless, { type: 'offline', allowsUnclean: false })
    await replicas.offline(others)
    if (ofDeleted.length > 0) await this.#deletion.failed(ofDeleted)
  }

  async #started(fresh: readonly LiveBroker[]): Promise<void> {
    const { requests, replicas, partitions } = this.#tools
    const ids = fresh.map(({ id }) => id)
    for (const broker of fresh) {
      this.#context.brokers.set(broker.id, broker)
      requests.open(broker)
    }
    requests.announce([])
    requests.announce([...this.#context.all()], ids)
    const theirs = ids.flatMap((brokerId) => this.#context.partitionsOn(brokerId).map((known) => ({ known, brokerId })))
    const served = theirs.filter(({ known }) => !this.#context.isToBeDeleted(known))
    replicas.online(served)
    const waiting = served.map(({ known }) => known).filter(({ state }) => state === 'OFFLINE' || state === 'NEW')
    await partitions.online(waiting, { type: 'offline', allowsUnclean: false })
    for (const part of this.#parts) await part.brokersStarted?.(ids)
    await this.#deletion.brokersBack(ids)
  }
}
