import { randomBytes } from 'node:crypto'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { KubeClient } from '../kube/client.ts'
import type { KubeConnection } from '../kube/connection.ts'
import { EventRecorder } from '../kube/event-recorder.ts'
import { LeaderElection } from '../kube/lease.ts'
import { keyOf, type Key } from '../kube/types.ts'
import { Definitions } from './definitions.ts'
import { entranceOf, homeOf } from './entrance.ts'
import { keepMemorySmall } from './heap.ts'
import { startHttp } from './http.ts'
import { CertificateEnds } from './certificates/ends.ts'
import type { OperatorPods } from './cluster/inputs.ts'
import { announcing } from './kafka/announcing.ts'
import type { Contacts } from './kafka/contact.ts'
import { KafkaContacts } from './kafka/contacts.ts'
import { lookAtCluster } from './migration/old-cluster.ts'
import { ZooKeeperEnsembles, type Ensembles } from './zookeeper/ensembles.ts'
import { metricsText } from './metrics.ts'
import { APPLIED, MANAGER } from './names.ts'
import { queuesOf, type QueueName, type Queues } from './queues.ts'
import type { Reason } from './reasons.ts'
import { Store } from './store.ts'
import { SettledUsers } from './user/settled.ts'

export type OperatorOptions = {
  connection: KubeConnection
  /** For Clusters that name no image and run none yet. */
  image: string
  advertise: 'pod-dns' | 'pod-ip'
  /** Absent: no network policies are made. */
  operatorPods?: OperatorPods
  httpHost: string
  /** 0 for any free one. */
  httpPort: number
  hasLeaderElection: boolean
  /** The namespaces that are watched; absent or empty: all. */
  watched?: readonly string[]
  /** Where the Lease is. */
  namespace: string
  identity: string
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  /** How to talk to Kafka; absent: over the network. */
  contacts?: (store: Store) => Contacts
  /** How to talk to ensembles of ZooKeeper; absent: over the network. */
  ensembles?: Ensembles
  relistMs?: number
  /** How long one reconcile may take; absent: as the kind needs. */
  deadlineMs?: number
}

export type Operator = {
  /** The exit code: 0 after stop, 1 when the lease was lost. */
  stopped: Promise<number>
  httpPort: number
  /** Resolves when this process leads and has read everything. */
  leading: Promise<void>
  stop(): Promise<void>
}

const LEASE_NAME = 'sofakafka-operator'
/** Another operator takes over at most this and two retries of two seconds after the last renewal; the holder itself stops acting well before. */
const LEASE_MS = 12_000
const RENEW_DEADLINE_MS = 8000
/** So that a request that nobody answers is followed by another one before that. */
const LEASE_TIMEOUT_MS = 3000
/** A reconcile that takes longer than this makes the process unhealthy: it is restarted, which is better than being stuck for ever. */
const STUCK_MS = 600_000
/** Of more requests at once than these, some are waited for by reconciles in a burst: events have time. */
const BUSY_REQUESTS = 16
/** What is still to be told in events at the stop is given so long. */
const FLUSH_MS = 2000
/** And Kafka, ZooKeeper and the API server so long to let go of their connections. */
const CLOSE_MS = 5000
/** Starts the operator. Reads at once; writes only while it holds the Lease. */
export const runOperator = async (options: OperatorOptions): Promise<Operator> => {
  const running = new RunningOperator(options)
  await running.start()
  return { stopped: running.stopped, httpPort: running.httpPort, leading: running.leading, stop: () => running.stop(0) }
}

class RunningOperator {
  readonly stopped: Promise<number>
  readonly leading: Promise<void>
  httpPort = 0
  readonly #options: OperatorOptions
  readonly #election: LeaderElection | undefined
  readonly #electionKube: KubeClient
  readonly #kube: KubeClient
  readonly #store: Store
  readonly #contacts: Contacts
  readonly #certificateEnds = new CertificateEnds()
  readonly #queues: Queues
  readonly #definitions: Definitions
  readonly #events: EventRecorder<Reason>
  readonly #calls = new Map<string, number>()
  #http: { close(): Promise<void> } | undefined
  #onStopped!: (code: number) => void
  #onLeading!: () => void
  #isLeading = false
  readonly #end = new AbortController()
  #tidying: Promise<void> | undefined
  #stopping: Promise<void> | undefined

  constructor(options: OperatorOptions) {
    this.#options = options
    this.stopped = new Promise((resolve) => {
      this.#onStopped = resolve
    })
    this.leading = new Promise((resolve) => {
      this.#onLeading = resolve
    })
    const { clocks, logger, connection } = options
    const identity = `${options.identity}_${randomBytes(4).toString('hex')}`
    const client = { connection, clock: clocks.monotonic, fieldManager: MANAGER, appliedAnnotation: APPLIED }
    this.#electionKube = new KubeClient({ ...client, timeoutMs: LEASE_TIMEOUT_MS })
    this.#election = options.hasLeaderElection
      ? new LeaderElection({
          kube: this.#electionKube,
          key: { namespace: options.namespace, name: LEASE_NAME },
          identity,
          clock: clocks.monotonic,
          wall: clocks.wall,
          logger,
          leaseDurationMs: LEASE_MS,
          renewDeadlineMs: RENEW_DEADLINE_MS,
        })
      : undefined
    this.#kube = new KubeClient({ ...client, ...(this.#election ? { fence: this.#election.fence } : {}) })
    const trigger = (kind: QueueName) => (key: Key) => this.#queues[kind].add(key)
    const triggers = { cluster: trigger('cluster'), topic: trigger('topic'), user: trigger('user'), acl: trigger('acl') }
    this.#store = new Store({
      kube: this.#kube,
      clock: clocks.monotonic,
      logger,
      triggers,
      namespaces: options.watched,
      relistMs: options.relistMs,
    })
    const contacts =
      options.contacts?.(this.#store) ??
      new KafkaContacts({ clock: clocks.monotonic, logger, entrance: entranceOf(this.#kube, this.#store), home: homeOf(this.#kube) })
    this.#contacts = announcing(contacts, (cluster) => this.#store.wake(cluster, 'BrokersUnreachable'))
    this.#events = new EventRecorder<Reason>({
      kube: this.#kube,
      clock: clocks.wall,
      monotonic: clocks.monotonic,
      isBusy: () => this.#kube.underway > BUSY_REQUESTS,
      logger,
      controller: 'sofakafka.io/operator',
      instance: identity,
    })
    const { kube, store } = { kube: this.#kube, store: this.#store }
    const environment = {
      certificateEnds: this.#certificateEnds,
      kube,
      store,
      contacts: this.#contacts,
      lookAtCluster: lookAtCluster({ clock: clocks.monotonic, logger }),
      ensembles: options.ensembles ?? new ZooKeeperEnsembles({ clock: clocks.monotonic, logger }),
      events: this.#events,
      settledUsers: new SettledUsers(store),
      clock: clocks.monotonic,
      wall: clocks.wall,
      logger,
      image: options.image,
      advertise: options.advertise,
      operatorPods: options.operatorPods,
      watched: options.watched ?? [],
      missingFields: () => this.#definitions.missing,
    }
    this.#definitions = new Definitions({
      kube,
      clock: clocks.monotonic,
      logger,
      onChange: () => store.clusters.list().forEach((cluster) => this.#queues.cluster.add(keyOf(cluster))),
    })
    const beforeKafka = (name: string): void => {
      this.#election?.fence()
      this.#calls.set(name, (this.#calls.get(name) ?? 0) + 1)
    }
    this.#queues = queuesOf(environment, { beforeKafka, deadlineMs: options.deadlineMs })
  }

  async start(): Promise<void> {
    const { httpHost, httpPort, logger } = this.#options
    const http = await startHttp(
      {
        metrics: () => this.#metrics(),
        isHealthy: () => Object.values(this.#queues).every((queue) => queue.oldestRunMs() < STUCK_MS),
        isReady: () => this.#isLeading || this.#store.informers.every((informer) => informer.isSynced),
      },
      { host: httpHost, port: httpPort },
    )
    this.#http = http
    this.httpPort = http.port
    this.#lead().catch((error: unknown) => {
      if (this.#stopping) return
      logger.error({ err: error }, 'the operator ends')
      void this.stop(1)
    })
  }

  #metrics(): string {
    const { monotonic, wall } = this.#options.clocks
    return metricsText({
      queues: this.#queues,
      store: this.#store,
      isLeader: this.#election?.isLeader ?? true,
      calls: this.#calls,
      answers: this.#kube.answers,
      certificateEnds: this.#certificateEnds,
      missingFields: this.#definitions.missing,
      monotonicMs: monotonic.nowMs(),
      wallMs: wall.nowMs(),
    })
  }

  stop(code: number): Promise<void> {
    this.#stopping ??= this.#finish(code)
    return this.#stopping
  }

  async #lead(): Promise<void> {
    const synced = this.#store.start()
    await this.#election?.acquire()
    void this.#election?.lost.then(() => this.stop(1))
    await synced
    if (this.#stopping) return
    this.#definitions.start()
    for (const queue of Object.values(this.#queues)) queue.start()
    this.#isLeading = true
    this.#onLeading()
    const isIdle = () => Object.values(this.#queues).every((queue) => queue.running().length === 0)
    this.#tidying = keepMemorySmall({ clock: this.#options.clocks.monotonic, signal: this.#end.signal, isIdle })
  }

  async #finish(code: number): Promise<void> {
    this.#end.abort(new Error('the operator stops'))
    await this.#tidying
    await Promise.all(Object.values(this.#queues).map((queue) => queue.stop()))
    await this.#within(FLUSH_MS, this.#events.flush())
    const ends = [this.#definitions.stop(), this.#store.stop(), this.#contacts.close()]
    // What is still asked of an API server that does not answer is given up, and the Lease is free before what may take longer.
    this.#kube.close()
    await this.#election?.stop()
    await this.#within(CLOSE_MS, Promise.all(ends))
    await this.#http?.close()
    this.#electionKube.close()
    this.#onStopped(code)
  }

  async #within(ms: number, ends: Promise<unknown>): Promise<void> {
    const done = new AbortController()
    const late = this.#options.clocks.monotonic.sleep(ms, done.signal).catch(() => {})
    await Promise.race([ends, late])
    done.abort()
  }
}
