import type { Logger } from '../base/logger.ts'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { WorkerPool } from '../base/worker-pool.ts'
import type { ErrorName } from '../protocol/errors.ts'
import type { Action } from '../security/authorizer.ts'
import type { ScramCredential, ScramMechanism } from '../security/scram.ts'
import type { AdminServices } from './admin-ports.ts'
import type { AuthenticationCounts, Authentications } from './login/authentications.ts'
import type { BrokerConfig } from './config/broker-config.ts'
import type { GroupCoordinator } from './coordinator/coordinator.ts'
import type { FetchSessionFigures, FetchSessions } from './fetch/sessions.ts'
import type { Partition } from './partition.ts'
import type { ProducerIds } from './cluster/producer-ids.ts'
import type { ReplicationQuota } from './replicas/replication-quota.ts'
import type { TlsFigures } from './tls/listener-tls.ts'

/**
 * What handlers ask of the rest of the broker. A part that serves more APIs adds its own narrow interface here and a member to Services; who builds the
 * broker (program.ts, or a test) fills them in.
 */
export interface Services {
  readonly brokerId: number
  /** What holds now; asked anew for each request, since some keys change at run time. */
  readonly config: BrokerConfig
  readonly partitions: Partitions
  readonly metadata: Metadata
  readonly topicCreation: TopicCreation
  readonly fetchSessions: FetchSessions
  /** What followers may fetch of throttled replicas that this broker leads. */
  readonly leaderQuota: ReplicationQuota
  readonly groups: GroupCoordinator
  readonly producerIds: ProducerIds
  readonly admin: AdminServices
  readonly logDirs: LogDirStates
  readonly authorizer: Authorization
  readonly authentications: Authentications
  /** Throws ConfigError where the TLS listeners could not be served with this configuration. */
  checkCertificates(config: BrokerConfig): void
  readonly metrics: TopicMetrics
  readonly clocks: { monotonic: MonotonicClock; wall: WallClock }
  readonly pool: WorkerPool
  readonly logger: Logger
}

/** The replicas on this broker. */
export interface Partitions {
  /**
   * The partition, when this broker leads it. KafkaError: NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR;
   * FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when `currentLeaderEpoch` (-1: not known) is not this leader's.
   */
  leader(topic: string, partition: number, currentLeaderEpoch?: number): Partition
  /** Whatever it is here. */
  get(topic: string, partition: number): Partition | undefined
  /** As leader, but the partition may be a follower here. */
  replica(topic: string, partition: number, currentLeaderEpoch?: number): Partition
}

/** A log directory. One that failed shows no replicas. `offsetLag`: how far the replica's end is below its high watermark; -1 where it is not served. */
export type LogDirState = {
  path: string
  isOnline: boolean
  replicas: readonly { topic: string; partition: number; sizeBytes: number; offsetLag: number }[]
}
export interface LogDirStates {
  all(): readonly LogDirState[]
}

/** Says when a request has to wait because this process may have lost its place in the cluster without knowing. */
export interface ServingGuard {
  /** undefined: serve. `nowMs` is monotonic. */
  check(nowMs: number): Promise<void> | undefined
}

export type BrokerNode = { id: number; host: string; port: number; rack: string | null }
/** `leader` is -1 where there is none. */
export type PartitionState = {
  partition: number
  leader: number
  leaderEpoch: number
  replicas: readonly number[]
  isr: readonly number[]
  offlineReplicas: readonly number[]
}
/** By ascending partition. */
export type TopicState = { name: string; partitions: readonly PartitionState[] }

/** What this broker believes of the cluster. */
export interface Metadata {
  readonly clusterId: string
  /** -1 where none is known. */
  readonly controllerId: number
  topicNames(): Iterable<string>
  topic(name: string): TopicState | undefined
  /** The live brokers that have a listener of this name, with its address. */
  brokers(listener: string): readonly BrokerNode[]
  isAlive(brokerId: number): boolean
}

export interface TopicCreation {
  /** Creates topics with the broker's defaults. The answer for each is what Metadata says of it now: LEADER_NOT_AVAILABLE when it was made, else why not. */
  autoCreate(names: readonly string[]): Promise<ReadonlyMap<string, ErrorName>>
}

/** As security/authorizer.ts. */
export interface Authorization {
  isAllowed(action: Action): boolean
  authorizedOperations(action: Omit<Action, 'operation'>): number
}

export interface Credentials {
  scram(mechanism: ScramMechanism, username: string): ScramCredential | undefined
  /** User names with passwords, of a listener's sasl.jaas.config. */
  plainUsers(listener: string): ReadonlyMap<string, string>
}

/** What the request path counts. Times in ms, sizes in bytes. */
export interface RequestMetrics {
  request(observation: { api: string; version: number; totalMs: number; requestBytes: number; responseBytes: number }): void
  error(api: string, error: ErrorName): void
}

/** What only the controller knows; zeros elsewhere. */
export type ControllerFigures = {
  isActive: boolean
  offlinePartitions: number
  preferredReplicaImbalance: number
  topics: number
  partitions: number
  topicsToDelete: number
  replicasToDelete: number
  topicsIneligibleToDelete: number
  replicasIneligibleToDelete: number
  /** Since the broker's start. */
  uncleanElections: number
}
export const NO_CONTROLLER_FIGURES: ControllerFigures = {
  isActive: false,
  offlinePartitions: 0,
  preferredReplicaImbalance: 0,
  topics: 0,
  partitions: 0,
  topicsToDelete: 0,
  replicasToDelete: 0,
  topicsIneligibleToDelete: 0,
  replicasIneligibleToDelete: 0,
  uncleanElections: 0,
}

/** What a broker's followers are at. */
export type FollowerFigures = {
  /** By replica: the records that it lacks of what its leader's consumers see, and who fetches them, as Kafka names that one. */
  lags: readonly { clientId: string; topic: string; partition: number; lag: number }[]
  /** Replicas that cannot follow their leader. */
  failedPartitions: number
  /** Of records that were fetched and appended, since the start. */
  bytesIn: number
  /** The part of them for replicas that a reassignment adds. */
  reassignmentBytesIn: number
}

/** What the broker's parts offer for counting when asked. */
export interface Watched {
  controller(): ControllerFigures
  followers(): FollowerFigures
  fetchSessions(): FetchSessionFigures
  partitions: {
    all(): Iterable<Partition>
    readonly isrChanges: { readonly shrink: number; readonly expand: number; readonly failed: number }
  }
  connectionCount(): number
  authentications(): readonly (AuthenticationCounts & { listener: string })[]
  tls(): readonly TlsFigures[]
  logDirs: LogDirStates
  groups: Pick<GroupCoordinator, 'counts'>
}

export type TopicCounter = 'messagesIn' | 'bytesIn' | 'bytesOut' | 'produces' | 'failedProduces' | 'fetches' | 'failedFetches'
export type ReplicationCounter = 'replicationBytesOut' | 'reassignmentBytesOut'
/** What handlers count per topic, and of what goes to followers. */
export interface TopicMetrics {
  topic(name: string, counter: TopicCounter, by?: number): void
  replication(counter: ReplicationCounter, by: number): void
}

export interface BrokerMetrics extends RequestMetrics, TopicMetrics {
  watch(parts: Watched): void
  /** In the Prometheus text format. */
  text(): string | Promise<string>
}
