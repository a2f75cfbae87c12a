import type { AdminServices } from '../../src/broker/admin-ports.ts'
import type { ClusterLink, ConnectCluster, LocalParts } from '../../src/broker/cluster/link.ts'
import type { BrokerConfig } from '../../src/broker/config/broker-config.ts'
import type { Endpoint } from '../../src/broker/config/listeners.ts'
import { logConfigOf } from '../../src/broker/config/log-config.ts'
import { TopicConfig } from '../../src/broker/config/topic-config.ts'
import type { GroupStorage } from '../../src/broker/coordinator/ports.ts'
import type { Authorization, BrokerMetrics, ServingGuard, TopicCounter, Watched } from '../../src/broker/ports.ts'
import { NO_CONTROLLER_FIGURES } from '../../src/broker/controller/figures.ts'
import type { Metadata, TopicState } from '../../src/broker/metadata/view.ts'
import type { ErrorName } from '../../src/protocol/errors.ts'
import type { ScramCredential, ScramMechanism } from '../../src/security/scram.ts'

export type MemoryClusterOptions = {
  /** Partitions by topic; this broker leads them all. */
  topics?: Record<string, number>
  topicConfigs?: Record<string, Record<string, string>>
  authorizer?: Authorization
  plainUsers?: Record<string, string>
  scram?: (mechanism: ScramMechanism, username: string) => ScramCredential | undefined
}

export const everythingAllowed: Authorization = { isAllowed: () => true, authorizedOperations: () => 0 }

/** A cluster of one broker, without ZooKeeper: what tests of the broker's own parts need of a cluster, no more. */
export class MemoryCluster implements ClusterLink {
  readonly brokerId: number
  readonly clusterId = 'memory-cluster-0000000'
  readonly config: BrokerConfig
  readonly lost = new Promise<string>(() => {})
  readonly authorizer: Authorization
  readonly metadata: Metadata
  readonly credentials: ClusterLink['credentials']
  readonly groupStorage: GroupStorage
  guard: ServingGuard = { check: () => undefined }
  /** Of clients that keep them in ZooKeeper, by group/topic/partition. */
  readonly oldOffsets = new Map<string, number>()
  /** False: the controller has not told the broker of the cluster yet. */
  isTold = true
  /** What was called, in order. */
  readonly calls: string[] = []
  readonly incarnationOf = undefined
  #producerIds = 0
  readonly producerIds = { next: () => Promise.resolve(this.#producerIds++) }
  readonly isrStore = {
    isReachable: true,
    change: (_partition: unknown, { zkVersion }: { zkVersion: number }) => Promise.resolve({ zkVersion: zkVersion + 1 }),
    announce: () => Promise.resolve(),
  }
  readonly #options: MemoryClusterOptions
  readonly #topics = new Map<string, number>()
  #parts: LocalParts | undefined
  #leading: Promise<unknown> = Promise.resolve()
  #advertised: readonly Endpoint[] = []

  constructor(config: BrokerConfig, options: MemoryClusterOptions) {
    this.config = config
    this.brokerId = config.get('broker.id')
    this.#options = options
    this.authorizer = options.authorizer ?? everythingAllowed
    this.credentials = {
      scram: (mechanism, username) => options.scram?.(mechanism, username),
      plainUsers: () => new Map(Object.entries(options.plainUsers ?? {})),
    }
    this.metadata = this.#makeMetadata()
    const { oldOffsets } = this
    this.groupStorage = {
      createTopic: ({ name, partitions }) => Promise.resolve(this.createTopic(name, partitions)),
      zookeeperOffsets: {
        get: (...at) => Promise.resolve(oldOffsets.get(at.join('/'))),
        set: (group, topic, partition, offset) => Promise.resolve(void oldOffsets.set([group, topic, partition].join('/'), offset)),
      },
    }
  }

  controllerFigures() {
    return { ...NO_CONTROLLER_FIGURES, isActive: true }
  }
  logConfigOf(topic: string) {
    return logConfigOf(new TopicConfig(this.config, new Map(Object.entries(this.#options.topicConfigs?.[topic] ?? {}))))
  }

  topicConfigs() {
    return new Map(Object.keys(this.#options.topics ?? {}).map((topic) => [topic, this.logConfigOf(topic)]))
  }

  get partitions() {
    return this.#parts?.partitions
  }

  attach(parts: LocalParts) {
    this.#parts = parts
    for (const [topic, partitions] of Object.entries(this.#options.topics ?? {})) this.createTopic(topic, partitions)
    return {
      admin: {} as AdminServices,
      topicCreation: {
        autoCreate: (names: readonly string[]) => {
          for (const name of names) this.createTopic(name, 1)
          return Promise.resolve(new Map<string, ErrorName>(names.map((name) => [name, 'LEADER_NOT_AVAILABLE'])))
        },
      },
    }
  }

  createTopic(topic: string, partitions: number): void {
    this.#topics.set(topic, partitions)
    for (let partition = 0; partition < partitions; partition++) {
      const leadership = {
        leader: this.brokerId,
        leaderEpoch: 0,
        isr: [this.brokerId],
        replicas: [this.brokerId],
        addingReplicas: [],
        removingReplicas: [],
        controllerEpoch: 1,
        zkVersion: 0,
      }
      // Where it fails the broker does not lead, which is what a test sees.
      const leading = this.#parts!.partitions.lead(topic, partition, leadership, true)
      this.#leading = Promise.allSettled([this.#leading, leading])
    }
  }

  async join(advertised: readonly Endpoint[]): Promise<void> {
    this.#advertised = advertised
    this.calls.push('join')
    await this.#leading
  }

  reportFailedLogDir(): Promise<void> {
    this.calls.push('reportFailedLogDir')
    return Promise.resolve()
  }

  async leave(): Promise<void> {
    this.calls.push('leave')
    await this.#leading
  }

  close(): Promise<void> {
    this.calls.push('close')
    return Promise.resolve()
  }

  #makeMetadata(): Metadata {
    const { brokerId, clusterId } = this
    return {
      clusterId,
      controllerId: brokerId,
      topicNames: () => this.#topics.keys(),
      topic: (name) => this.#topicState(name),
      brokers: (listener) => {
        const endpoint = this.#advertised.find(({ name }) => name === listener)
        return endpoint ? [{ id: brokerId, host: endpoint.host, port: endpoint.port, rack: null }] : []
      },
      isAlive: (id) => this.isTold && id === brokerId,
    }
  }

  #topicState(name: string): TopicState | undefined {
    const count = this.#topics.get(name)
    if (count === undefined) return undefined
    const ids = [this.brokerId]
    const partitions = Array.from({ length: count }, (_, partition) => ({
      partition,
      leader: this.brokerId,
      leaderEpoch: 0,
      replicas: ids,
      isr: ids,
      offlineReplicas: [],
    }))
    return { name, partitions }
  }
}

export const memoryCluster =
  (options: MemoryClusterOptions = {}): ConnectCluster =>
  ({ config }) =>
    Promise.resolve(new MemoryCluster(config, options))

/** Counts requests and errors by API. */
export class CountingMetrics implements BrokerMetrics {
  readonly requests = new Map<string, number>()
  readonly errors: string[] = []

  request({ api }: { api: string }): void {
    this.requests.set(api, (this.requests.get(api) ?? 0) + 1)
  }
  error(api: string, error: ErrorName): void {
    this.errors.push(`${api} ${error}`)
  }
  /** Counters by "topic counter". */
  readonly topics = new Map<string, number>()
  topic(name: string, counter: TopicCounter, by = 1): void {
    this.topics.set(`${name} ${counter}`, (this.topics.get(`${name} ${counter}`) ?? 0) + by)
  }
  replication(): void {}
  watched: Watched | undefined
  watch(parts: Watched): void {
    this.watched = parts
  }
  text(): string {
    return [...this.requests].map(([api, count]) => `requests{api="${api}"} ${count}\n`).join('')
  }
}
