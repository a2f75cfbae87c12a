import type { MonotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { BrokerEvents } from '../../../src/broker/controller/broker-events.ts'
import type { BrokerRequests } from '../../../src/broker/controller/broker-requests.ts'
import { loadCluster } from '../../../src/broker/controller/cluster-load.ts'
import { ControllerContext, type KnownPartition, type LiveBroker } from '../../../src/broker/controller/context.ts'
import type { TopicDeletion } from '../../../src/broker/controller/deletion.ts'
import { EventQueue } from '../../../src/broker/controller/event-queue.ts'
import { makeLeaderElections } from '../../../src/broker/controller/leader-elections.ts'
import { PartitionMachine } from '../../../src/broker/controller/partition-machine.ts'
import { makeReassignments } from '../../../src/broker/controller/reassignments.ts'
import { ReplicaMachine, replicasOf } from '../../../src/broker/controller/replica-machine.ts'
import { LeadershipWriter } from '../../../src/broker/controller/state-writes.ts'
import type { TermTools } from '../../../src/broker/controller/term-part.ts'
import { brokerIdZnode } from '../../../src/broker/metadata/znodes/broker-id.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { topicZnode } from '../../../src/broker/metadata/znodes/topic.ts'
import { ZooKeeperError } from '../../../src/zookeeper/errors.ts'
import { MemoryZooKeeper } from '../../support/memory-zookeeper.ts'

/** What a broker believes of its replica of a partition. `end`: the records it has. */
type SimReplica = LeaderAndIsr & { replicas: readonly number[]; version: number; end: number }
type SimBroker = { id: number; isAlive: boolean; replicas: Map<string, SimReplica> }
/** At the controller's n-th write: the controller dies, or its connection fails, before or after ZooKeeper has made it. */
export type Mishap = { atWrite: number; what: 'dies' | 'loses its connection'; when: 'before' | 'after' }

const TOPIC = 't'
const config = BrokerConfig.parse(new Map([['zookeeper.connect', 'x:1']]))
const clock: MonotonicClock = { nowMs: () => 0, sleep: () => Promise.resolve(), schedule: () => ({ cancel: () => {} }) }
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const keyOf = (partition: number): string => `${TOPIC}-${partition}`

/**
 * A cluster on one page: real administration and state machines on a tree in memory; brokers that lead, follow and change the in-sync set as Kafka's do. Whatever
 * happens, every record that the in-sync set had must be on every broker that ZooKeeper calls in sync.
 */
export class World {
  readonly zookeeper = new MemoryZooKeeper()
  readonly brokers = new Map<number, SimBroker>()
  readonly acked = new Map<string, number>()
  readonly violations: string[] = []
  /** What waits between two looks at the balance of leaders. */
  readonly pauses: { ms: number; end: () => void }[] = []
  #epoch = 0
  #writes = 0
  #mishap: Mishap | undefined
  #controller: ReturnType<World['_make']> | undefined

  constructor(brokerIds: readonly number[], assignment: Readonly<Record<number, readonly number[]>>) {
    for (const id of brokerIds) this.brokers.set(id, { id, isAlive: false, replicas: new Map() })
    const none = new Map<number, number[]>()
    for (const path of ['/brokers/ids', '/brokers/topics', '/admin']) this.zookeeper.put(path, null)
    this.zookeeper.put('/controller_epoch', Buffer.from('0'))
    const replicas = new Map(Object.entries(assignment).map(([partition, ids]) => [Number(partition), ids] as const))
    this.zookeeper.put(topicZnode.path(TOPIC), topicZnode.encode({ replicas, adding: none, removing: none }))
    for (const id of brokerIds) this.#register(this.brokers.get(id)!)
  }

  get tools(): TermTools {
    return this.#controller!.tools
  }
  get reassignments() {
    return this.#controller!.reassignments
  }
  get elections() {
    return this.#controller!.elections
  }
  get writes(): number {
    return this.#writes
  }
  get isControllerDead(): boolean {
    return this.#controller === undefined
  }

  assignment(partition = 0) {
    const { replicas, adding, removing } = topicZnode.decode(
      TOPIC,
      Buffer.from(JSON.stringify(this.zookeeper.json(topicZnode.path(TOPIC)))),
    )
    return { replicas: replicas.get(partition), adding: adding.get(partition) ?? [], removing: removing.get(partition) ?? [] }
  }

  state(partition = 0): (LeaderAndIsr & { version: number }) | undefined {
    const path = partitionStateZnode.path(TOPIC, partition)
    const json = this.zookeeper.json(path)
    if (json === undefined) return undefined
    return { ...partitionStateZnode.decode(TOPIC, partition, Buffer.from(JSON.stringify(json))), version: this.zookeeper.version(path)! }
  }

  /** Brokers that have files of the partition, dead ones too. */
  holders(partition = 0): number[] {
    return [...this.brokers.values()].filter(({ replicas }) => replicas.has(keyOf(partition))).map(({ id }) => id)
  }

  expect(mishap: Mishap | undefined): void {
    this.#mishap = mishap && { ...mishap, atWrite: this.#writes + mishap.atWrite }
  }

  /** A new controller takes over, as ControllerTerm does. */
  async startController(): Promise<void> {
    this.crash()
    this.#epoch++
    this.zookeeper.put('/controller_epoch', Buffer.from(String(this.#epoch)))
    this.#controller = this._make()
    const { tools, reassignments, elections, events, queue, over } = this.#controller
    try {
      await queue.ask(() => this.#takeOver(tools, events))
    } catch {
      return
    }
    void queue.tell('started', () => reassignments.started())
    for (const part of [reassignments, elections]) part.follow?.(over.promise).catch(() => {})
  }

  crash(): void {
    const controller = this.#controller
    this.#controller = undefined
    controller?.queue.stop()
    controller?.over.resolve()
  }

  /** Until nothing happens any more: events, watches, what brokers do of themselves. */
  async settle(options: { brokersAct: boolean } = { brokersAct: true }): Promise<void> {
    for (let calm = 0; calm < 4;) {
      const before = this.zookeeper.changes
      await this.#controller?.queue.ask(() => {}).catch(() => {})
      await turn()
      if (options.brokersAct) for (const partition of this.partitions()) this.act(partition)
      calm = before === this.zookeeper.changes ? calm + 1 : 0
    }
  }

  partitions(): number[] {
    return Object.keys((this.zookeeper.json(topicZnode.path(TOPIC)) as { partitions: object }).partitions).map(Number)
  }

  /** The leader shrinks and expands the in-sync set; a record is written. */
  act(partition: number): void {
    this.shrink(partition)
    this.expand(partition)
    this.produce(partition)
  }

  shrink(partition: number): void {
    const leader = this.#leader(partition)
    const belief = leader?.replicas.get(keyOf(partition))
    if (belief)
      this.#changeIsr(
        partition,
        belief,
        belief.isr.filter((id) => id === leader!.id || this.#follows(id, partition, belief)),
      )
  }

  expand(partition: number): void {
    const leader = this.#leader(partition)
    const belief = leader?.replicas.get(keyOf(partition))
    if (!belief) return
    const caughtUp = belief.replicas.filter((id) => !belief.isr.includes(id) && this.#follows(id, partition, belief))
    for (const id of caughtUp) this.brokers.get(id)!.replicas.get(keyOf(partition))!.end = belief.end
    this.#changeIsr(partition, belief, [...belief.isr, ...caughtUp])
  }

  produce(partition: number): void {
    const leader = this.#leader(partition)
    const key = keyOf(partition)
    const belief = leader?.replicas.get(key)
    if (!belief) return
    belief.end++
    const followers = belief.isr.filter((id) => id !== leader!.id)
    if (!followers.every((id) => this.#follows(id, partition, belief))) return
    for (const id of followers) this.brokers.get(id)!.replicas.get(key)!.end = belief.end
    this.acked.set(key, belief.end)
  }

  async kill(id: number): Promise<void> {
    const broker = this.brokers.get(id)!
    if (!broker.isAlive) return
    broker.isAlive = false
    this.zookeeper.write([{ type: 'delete', path: brokerIdZnode.path(id), version: -1 }])
    await this.#tellBrokers()
  }

  async revive(id: number): Promise<void> {
    const broker = this.brokers.get(id)!
    if (broker.isAlive) return
    this.#register(broker)
    await this.#tellBrokers()
  }

  #register(broker: SimBroker): void {
    broker.isAlive = true
    // It has forgotten what it was told, not what it has stored.
    for (const replica of broker.replicas.values()) Object.assign(replica, { leader: -1, leaderEpoch: -1 })
    this.zookeeper.put(brokerIdZnode.path(broker.id), brokerIdZnode.encode({ id: broker.id, endpoints: [], rack: null, timestampMs: 0 }))
  }

  async #tellBrokers(): Promise<void> {
    if (!this.#controller) return
    const { events, queue } = this.#controller
    const context = new ControllerContext(0, 0)
    await loadCluster(this.zookeeper.client(), context, silentLogger)
    void queue.tell('brokers', () => {})
    void events.take(context.brokers as ReadonlyMap<number, LiveBroker>)
  }

  #leader(partition: number): SimBroker | undefined {
    const state = this.state(partition)
    const leader = state && this.brokers.get(state.leader)
    const belief = leader?.replicas.get(keyOf(partition))
    return leader?.isAlive && belief?.leader === leader.id && belief.leaderEpoch === state!.leaderEpoch ? leader : undefined
  }

  #follows(id: number, partition: number, belief: SimReplica): boolean {
    const broker = this.brokers.get(id)
    return broker?.isAlive === true && broker.replicas.get(keyOf(partition))?.leaderEpoch === belief.leaderEpoch
  }

  #changeIsr(partition: number, belief: SimReplica, isr: readonly number[]): void {
    const path = partitionStateZnode.path(TOPIC, partition)
    if (isr.length === belief.isr.length || this.zookeeper.version(path) !== belief.version) return
    const { leader, leaderEpoch, controllerEpoch } = belief
    this.zookeeper.put(path, partitionStateZnode.encode({ leader, leaderEpoch, controllerEpoch, isr }))
    Object.assign(belief, { isr, version: this.zookeeper.version(path) })
    this.#notify(partition)
    this.#check(partition)
  }

  /** As /isr_change_notification does. */
  #notify(partition: number): void {
    const controller = this.#controller
    void controller?.queue.tell('in-sync sets', async () => {
      const known = controller.tools.context.partition({ topic: TOPIC, partition })
      if (!known) return
      known.leadership = this.state(partition)
      await controller.reassignments.isrChanged([known])
    })
  }

  #check(partition: number): void {
    const key = keyOf(partition)
    const state = this.state(partition)
    if (!state) return
    const acked = this.acked.get(key) ?? 0
    for (const id of state.isr) {
      const end = this.brokers.get(id)!.replicas.get(key)?.end
      if (acked > 0 && (end ?? 0) < acked)
        this.violations.push(`broker ${id} is in sync with ${end} of ${acked} records: ${JSON.stringify(state)}`)
    }
    if (state.leader !== -1 && !state.isr.includes(state.leader)) this.violations.push(`${state.leader} leads out of sync`)
  }

  #lead(id: number, known: KnownPartition): void {
    const broker = this.brokers.get(id)!
    const { leadership, assignment } = known
    if (!broker.isAlive || !leadership || !assignment.replicas.includes(id)) return
    const key = keyOf(known.partition)
    const before = broker.replicas.get(key)
    if (before && before.leaderEpoch >= leadership.leaderEpoch) return
    const { leader, leaderEpoch, isr, controllerEpoch, version } = leadership
    const told = { leader, leaderEpoch, isr, controllerEpoch, version, replicas: assignment.replicas, end: before?.end ?? 0 }
    broker.replicas.set(key, told)
    const end = this.brokers.get(leader)?.replicas.get(key)?.end
    if (leader !== id && end !== undefined) told.end = Math.min(told.end, end)
  }

  #stop(id: number, known: KnownPartition, leaderEpoch: number): void {
    const broker = this.brokers.get(id)!
    const replica = broker.replicas.get(keyOf(known.partition))
    if (!broker.isAlive || !replica || replica.leaderEpoch >= leaderEpoch) return
    broker.replicas.delete(keyOf(known.partition))
    this.#check(known.partition)
  }

  _make() {
    const over = Promise.withResolvers<void>()
    const context = new ControllerContext(this.#epoch, this.zookeeper.version('/controller_epoch')!)
    const zookeeper = this.zookeeper.client({ beforeWrite: () => this.#befall('before'), afterWrite: () => this.#befall('after') })
    const { requests, send } = this.#requests()
    const queue: EventQueue = new EventQueue({ clock, logger: silentLogger, afterEach: send, lost: () => this.crash() })
    const writer = new LeadershipWriter({
      zookeeper,
      context,
      reread: (known) => requests.leaderAndIsr(known.assignment.replicas, known, false),
    })
    const shared = { context, writer, requests, logger: silentLogger }
    const partitions = new PartitionMachine({ ...shared, isUncleanAllowed: () => Promise.resolve(false) })
    const replicas = new ReplicaMachine(shared)
    const tools: TermTools = {
      brokerId: 0,
      zookeeper,
      context,
      config: () => config,
      queue,
      requests,
      partitions,
      replicas,
      clock,
      logger: silentLogger,
    }
    const reassignments = makeReassignments(tools)
    const elections = makeLeaderElections({ ...tools, clock: { ...clock, sleep: (ms) => this.#pause(ms) } })
    const events = new BrokerEvents({
      tools,
      deletion: { brokersBack: async () => {} } as unknown as TopicDeletion,
      parts: [reassignments],
    })
    return { tools, reassignments, elections, events, queue, over }
  }

  #requests(): { requests: BrokerRequests; send: () => void } {
    const leads: [number, KnownPartition][] = []
    const stops = new Map<string, [number, KnownPartition, number]>()
    const requests = {
      open: () => {},
      close: () => {},
      updateMetadata: () => {},
      announce: () => {},
      leaderAndIsr: (ids: Iterable<number>, known: KnownPartition) =>
        void leads.push(...[...ids].map((id) => [id, known] as [number, KnownPartition])),
      stopReplica: (ids: Iterable<number>, known: KnownPartition, deletes: boolean) => {
        if (deletes) for (const id of ids) stops.set(`${id} ${known.partition}`, [id, known, known.leadership?.leaderEpoch ?? -1])
      },
    }
    const send = () => {
      for (const [id, known] of leads.splice(0)) this.#lead(id, known)
      for (const stop of stops.values()) this.#stop(...stop)
      stops.clear()
    }
    return { requests: requests as unknown as BrokerRequests, send }
  }

  async #takeOver({ zookeeper, context, partitions, replicas }: TermTools, events: BrokerEvents): Promise<void> {
    context.clear()
    await loadCluster(zookeeper, context, silentLogger)
    events.loaded()
    const all = [...context.all()]
    partitions.initialize(all)
    replicas.initialize(all)
    await partitions.online(
      all.filter(({ state }) => state !== 'ONLINE'),
      { type: 'offline', allowsUnclean: false },
    )
    const isOnline = ({ known, brokerId }: { known: KnownPartition; brokerId: number }) => context.isOnline(brokerId, known)
    replicas.online(replicasOf(all).filter(isOnline))
    await replicas.offline(replicasOf(all).filter((replica) => !isOnline(replica)))
  }

  #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.pauses.push({ ms, end: resolve })
    return promise
  }

  #befall(when: 'before' | 'after'): void {
    for (const partition of this.partitions()) this.#check(partition)
    if (when === 'before') this.#writes++
    const mishap = this.#mishap
    if (!mishap || mishap.when !== when || mishap.atWrite !== this.#writes) return
    this.#mishap = undefined
    if (mishap.what === 'dies') this.crash()
    throw new ZooKeeperError(mishap.what === 'dies' ? 'SESSION_EXPIRED' : 'CONNECTION_LOSS')
  }
}
