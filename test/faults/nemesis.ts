import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { electLeaders } from '../../src/protocol/api/43-elect-leaders.ts'
import { alterPartitionReassignments } from '../../src/protocol/api/45-alter-partition-reassignments.ts'
import { errorName, KafkaError } from '../../src/protocol/errors.ts'
import type { ResponseOf } from '../../src/protocol/schema.ts'
import type { Cluster } from './cluster.ts'
import type { Place } from './history.ts'
import type { Recorder } from './recorder.ts'
import { countFaults, describeFault, type Fault, type FaultKind } from './schedule.ts'

const PREFERRED = 0
/** Another controller is asked. */
const moved = (codes: readonly number[]): KafkaError | undefined =>
  codes.some((code) => errorName(code) === 'NOT_CONTROLLER') ? new KafkaError('NOT_CONTROLLER') : undefined
/** How long a power loss waits until every record is where it has to be; then it is left out, and counted as such. */
const IN_SYNC_WITHIN_MS = 30_000
const RESTART_WITHIN_MS = 30_000
/** After a power loss, until the replicas that lost something have it again. */
const RECOVERED_WITHIN_MS = 60_000

type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>

/** Does to the cluster what the schedule says. */
export class Nemesis {
  readonly #cluster: Cluster
  readonly #recorder: Recorder
  readonly #places: readonly Place[]
  readonly #client: ClusterClient
  readonly #isFlushed: boolean
  readonly #done: Fault[] = []
  readonly #skipped: Fault[] = []

  /** `isFlushed`: every record is synced before it is acknowledged, so that a power loss has to wait for nothing. */
  constructor(options: { cluster: Cluster; recorder: Recorder; places: readonly Place[]; isFlushed: boolean }) {
    this.#cluster = options.cluster
    this.#recorder = options.recorder
    this.#places = options.places
    this.#isFlushed = options.isFlushed
    this.#client = new ClusterClient({
      bootstrap: this.#cluster.bootstrap,
      clientId: 'nemesis',
      clock: monotonicClock,
      logger: silentLogger,
      timeoutMs: 3000,
    })
  }

  get counts(): { done: Partial<Record<FaultKind, number>>; skipped: Partial<Record<FaultKind, number>> } {
    return { done: countFaults(this.#done), skipped: countFaults(this.#skipped) }
  }

  /**
   * Resolves when the last fault has ended. A power loss is alone, from the moment in which nothing else goes on until everything is in sync again: who else leaves
   * the in-sync sets before they show it counts among those that failed at once. The faults that waited for it follow right away.
   */
  async run(schedule: readonly Fault[]): Promise<void> {
    const startMs = performance.now()
    let running: Promise<void>[] = []
    for (const fault of schedule) {
      await sleep(Math.max(0, startMs + fault.atMs - performance.now()))
      const isAlone = fault.kind === 'power-loss' && !this.#isFlushed
      if (isAlone) await Promise.all(running.splice(0))
      const inflicted = this.#inflict(fault)
      running.push(inflicted)
      if (!isAlone) continue
      await inflicted
      await this.#allInSync([], RECOVERED_WITHIN_MS)
      running = []
    }
    await Promise.all(running)
  }

  /** Everything is as it should be again, as far as it is in the hands of the harness. */
  async heal(): Promise<void> {
    this.#cluster.healLinks()
    for (const server of this.#cluster.brokers.values()) server.order({ kind: 'heal' })
    await this.#cluster.zookeeper.start()
    for (const server of this.#cluster.brokers.values()) server.start()
    this.#client.close()
  }

  async #inflict(fault: Fault): Promise<void> {
    this.#recorder.note(`begins: ${describeFault(fault).trim()}`)
    try {
      const isDone = await this.#apply(fault)
      if (isDone === false) this.#skipped.push(fault)
      else this.#done.push(fault)
      this.#recorder.note(`${isDone === false ? 'left out' : 'ended'}: ${fault.kind}`)
    } catch (error) {
      this.#done.push(fault)
      this.#recorder.note(`ended: ${fault.kind} with ${(error as Error).message}`)
    }
  }

  #apply(fault: Fault): Promise<boolean | void> {
    switch (fault.kind) {
      case 'kill':
        return this.#kill(fault)
      case 'pause':
        return this.#cluster.broker(fault.broker).pause(fault.forMs)
      case 'cut':
      case 'slow':
      case 'isolate':
        return this.#disturbLinks(fault)
      case 'disk-full':
        return this.#breakDisk(fault, 'full')
      case 'io-error':
        return this.#breakDisk(fault, fault.on)
      case 'power-loss':
        return this.#losePower(fault)
      case 'zookeeper-restart':
        return this.#takeZooKeeper(0)
      case 'zookeeper-absence':
        return this.#takeZooKeeper(fault.forMs)
      default:
        return this.#administer(fault)
    }
  }

  #administer(fault: FaultOf<'clock-jump' | 'rolling-restart' | 'reassign' | 'elect' | 'controller-move'>): Promise<boolean | void> {
    switch (fault.kind) {
      case 'clock-jump':
        this.#cluster.broker(fault.broker).order({ kind: 'clock-jump', byMs: fault.byMs })
        return Promise.resolve()
      case 'rolling-restart':
        return this.#rollingRestart()
      case 'reassign':
        return this.#reassignFault(fault)
      case 'elect':
        return this.#elect(fault)
      case 'controller-move':
        return this.#cluster.znodes.removeController()
    }
  }

  async #kill({ broker, forMs }: FaultOf<'kill'>): Promise<void> {
    const server = this.#cluster.broker(broker)
    server.hold()
    await server.end('SIGKILL')
    await sleep(forMs)
    server.release()
  }

  async #disturbLinks(fault: FaultOf<'cut' | 'slow' | 'isolate'>): Promise<void> {
    const { brokers } = this.#cluster.options
    const links =
      fault.kind === 'isolate'
        ? [...brokers.filter((broker) => broker !== fault.broker), ...(fault.also ? (['zookeeper'] as const) : [])].flatMap((other) =>
            this.#cluster.linksBetween(fault.broker, other),
          )
        : this.#cluster.linksBetween(...fault.ends)
    for (const link of links) {
      if (fault.kind === 'slow') link.slow(fault.delayMs)
      else link.cut(fault.how)
    }
    await sleep(fault.forMs)
    for (const link of links) link.heal()
  }

  /** The broker is started again afterwards, as after a repair: a directory stays offline until then. */
  async #breakDisk(
    { broker, directory, forMs }: FaultOf<'disk-full' | 'io-error'>,
    fault: 'full' | 'write' | 'sync' | 'read',
  ): Promise<void> {
    const server = this.#cluster.broker(broker)
    server.order({ kind: 'disk-fault', directory, fault })
    await sleep(forMs)
    server.order({ kind: 'heal' })
    server.hold()
    await server.end('SIGTERM', RESTART_WITHIN_MS)
    server.release()
  }

  async #losePower({ brokers, forMs }: FaultOf<'power-loss'>): Promise<boolean> {
    const servers = brokers.map((broker) => this.#cluster.broker(broker))
    if (!this.#isFlushed && !(await this.#allInSync(brokers, IN_SYNC_WITHIN_MS))) return false
    for (const server of servers) server.hold()
    for (const server of servers) server.order({ kind: 'power-loss' })
    // A process that is paused loses its power when it wakes; one that ended in the meantime has none.
    await Promise.race([Promise.all(servers.map((server) => server.exited)), sleep(RESTART_WITHIN_MS)])
    await sleep(forMs)
    for (const server of servers) server.release()
    return true
  }

  /** Waits until each partition has all its replicas in sync, one of them on a broker that keeps its power, and all processes run. */
  async #allInSync(losers: readonly number[], withinMs: number): Promise<boolean> {
    const endsMs = performance.now() + withinMs
    for (let isFirst = true; performance.now() < endsMs; isFirst = false) {
      const isSafe = await this.#isSafe(losers, isFirst).catch(() => false)
      if (isSafe && [...this.#cluster.brokers.values()].every((server) => server.isServing && !server.isHeld)) return true
      await sleep(100)
    }
    return false
  }

  async #isSafe(losers: readonly number[], grow: boolean): Promise<boolean> {
    const { znodes, options } = this.#cluster
    const registered = await znodes.registrations()
    let isSafe = true
    for (const place of await this.allPlaces()) {
      const { replicas, isMoving } = await znodes.assignment(place.topic)
      const assigned = replicas.get(place.partition)!
      const { isr, writtenZxid } = await znodes.partitionState(place.topic, place.partition)
      // An in-sync set from before a broker came back does not know yet that it was away.
      const isStale = assigned.some((broker) => (registered.get(broker) ?? writtenZxid) >= writtenZxid)
      if (isStale || isMoving || isr.length < assigned.length || isr.every((broker) => losers.includes(broker))) isSafe = false
      if (grow && assigned.every((broker) => losers.includes(broker))) await this.#reassign(place, options.brokers)
    }
    return isSafe
  }

  /** Those of the workload and of the groups' offsets. */
  async allPlaces(): Promise<Place[]> {
    const topic = '__consumer_offsets'
    const offsets = await this.#cluster.znodes.assignment(topic).catch(() => undefined)
    return [...this.#places, ...[...(offsets?.replicas.keys() ?? [])].map((partition) => ({ topic, partition }))]
  }

  async #takeZooKeeper(forMs: number): Promise<void> {
    await this.#cluster.zookeeper.kill()
    await sleep(forMs)
    await this.#cluster.zookeeper.start()
  }

  async #rollingRestart(): Promise<void> {
    for (const server of this.#cluster.brokers.values()) {
      server.hold()
      await server.end('SIGTERM', RESTART_WITHIN_MS)
      server.release()
      await Promise.race([server.serving(), sleep(RESTART_WITHIN_MS)])
    }
  }

  async #reassignFault({ topic, partition, replicas, cancelAfterMs }: FaultOf<'reassign'>): Promise<void> {
    await this.#reassign({ topic, partition }, replicas)
    if (cancelAfterMs === undefined) return
    await sleep(cancelAfterMs)
    await this.#reassign({ topic, partition }, null)
  }

  async #reassign({ topic, partition }: Place, replicas: readonly number[] | null): Promise<void> {
    const request = { timeoutMs: 5000, topics: [{ name: topic, partitions: [{ partitionIndex: partition, replicas }] }] }
    const codesOf = ({ errorCode, responses }: ResponseOf<typeof alterPartitionReassignments>) => [
      errorCode,
      ...responses.flatMap(({ partitions }) => partitions.map((one) => one.errorCode)),
    ]
    const answer = await this.#client.controller(alterPartitionReassignments, request, (answer) => moved(codesOf(answer)))
    const errors = codesOf(answer)
      .filter((code) => code !== 0)
      .map(errorName)
    const what = replicas === null ? 'cancel' : replicas.join(',')
    if (errors.length > 0) this.#recorder.note(`reassignment of ${topic}-${partition} to ${what}: ${errors.join(' ')}`)
  }

  async #elect({ topic, partition }: FaultOf<'elect'>): Promise<void> {
    const request = { electionType: PREFERRED, topicPartitions: [{ topic, partitionId: [partition] }], timeoutMs: 5000 }
    const codesOf = ({ errorCode, replicaElectionResults }: ResponseOf<typeof electLeaders>) => [
      errorCode,
      ...replicaElectionResults.flatMap(({ partitionResult }) => partitionResult.map((one) => one.errorCode)),
    ]
    const answer = await this.#client.controller(electLeaders, request, (answer) => moved(codesOf(answer)))
    const errors = codesOf(answer)
      .filter((code) => code !== 0)
      .map(errorName)
    if (errors.length > 0) this.#recorder.note(`election of ${topic}-${partition}: ${errors.join(' ')}`)
  }
}
