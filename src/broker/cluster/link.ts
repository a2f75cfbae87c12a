import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { WorkerPool } from '../../base/worker-pool.ts'
import type { LogConfig } from '../../log/log-config.ts'
import type { LogManager } from '../../log/log-manager.ts'
import type { AdminServices } from '../admin-ports.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Endpoint } from '../config/listeners.ts'
import type { GroupStorage } from '../coordinator/ports.ts'
import type { IncarnationOf } from '../replicas/incarnations.ts'
import type { IsrStore } from '../replicas/isr-store.ts'
import type { AnnounceIsrChanges } from '../replicas/isr-notifications.ts'
import type { PartitionTable } from '../partition-table.ts'
import type { ProducerIds } from './producer-ids.ts'
import type { Authorization, ServingGuard, TopicCreation } from '../ports.ts'
import type { ControllerFigures } from '../controller/figures.ts'
import type { Credentials } from '../login/credentials.ts'
import type { Metadata } from '../metadata/view.ts'

/** What the parts of a broker are made of. */
export type BrokerEnvironment = {
  config: BrokerConfig
  disk: Disk
  clocks: { monotonic: MonotonicClock; wall: WallClock }
  logger: Logger
  pool: WorkerPool
}

/** The broker's own parts, which the cluster's requests change. */
export type LocalParts = { logs: LogManager; partitions: PartitionTable }

/** This broker's tie to its cluster: who it is in it, what it is told, and how it joins and leaves. One per start. */
export interface ClusterLink {
  readonly brokerId: number
  readonly clusterId: string
  /** What holds now, run-time settings included. */
  readonly config: BrokerConfig
  readonly metadata: Metadata
  readonly authorizer: Authorization
  readonly credentials: Credentials
  readonly groupStorage: GroupStorage
  readonly producerIds: ProducerIds
  readonly guard: ServingGuard
  /** Where leaders write their in-sync sets, and tell the controller that they did. */
  readonly isrStore: IsrStore & { announce: AnnounceIsrChanges }
  /** Which topic of a name there is now; undefined where names are enough. */
  readonly incarnationOf: IncarnationOf | undefined
  /** For the metrics. */
  controllerFigures(): ControllerFigures
  logConfigOf(topic: string): LogConfig
  /** All topics' settings, for the logs that are found at the start. */
  topicConfigs(): ReadonlyMap<string, LogConfig>
  /** The logs are open: hands the replicas over to who speaks for the controller. */
  attach(parts: LocalParts): { admin: AdminServices; topicCreation: TopicCreation }
  /** The ports are bound: registers under the advertised addresses. Requests are served only after this resolves, so it must not wait for any. */
  join(advertised: readonly Endpoint[]): Promise<void>
  /** Tells the controller that a log directory here failed; it goes on trying until ZooKeeper has it, or the broker leaves. */
  reportFailedLogDir(): Promise<void>
  /** Hands leadership over and takes the broker out of the cluster; called while requests are still answered. */
  leave(): Promise<void>
  /** Ends all ties; after the last answer. */
  close(): Promise<void>
  /** Resolves with the reason when the broker can no longer be part of the cluster and has to stop. */
  readonly lost: Promise<string>
}
export type ConnectCluster = (environment: BrokerEnvironment) => Promise<ClusterLink>
