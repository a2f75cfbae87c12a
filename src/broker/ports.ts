import type { Logger } from '../base/logger.ts'
import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { WorkerPool } from '../base/worker-pool.ts'
import type { ErrorName } from '../protocol/errors.ts'
import type { Action } from '../security/authorizer.ts'
import type { AdminServices } from './admin-ports.ts'
import type { ControllerFigures } from './controller/figures.ts'
import type { Metadata } from './metadata/view.ts'
import type { Partitions } from './partitions.ts'
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

export interface TopicCreation {
  /** Creates topics with the broker's defaults. The answer for each is what Metadata says of it now: LEADER_NOT_AVAILABLE when it was made, else why not. */
  autoCreate(names: readonly string[]): Promise<ReadonlyMap<string, ErrorName>>
}

/** As security/authorizer.ts. */
export interface Authorization {
  isAllowed(action: Action): boolean
  authorizedOperations(action: Omit<Action, 'operation'>): number
}

/** What the request path counts. Times in ms, sizes in bytes. */
export interface RequestMetrics {
  request(observation: { api: string; version: number; totalMs: number; requestBytes: number; responseBytes: number }): void
  error(api: string, error: ErrorName): void
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
