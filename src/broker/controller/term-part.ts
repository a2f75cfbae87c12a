import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { BrokerRequests } from './broker-requests.ts'
import type { ControllerContext, KnownPartition } from './context.ts'
import type { EventQueue } from './event-queue.ts'
import type { PartitionMachine } from './partition-machine.ts'
import type { ReplicaMachine } from './replica-machine.ts'

/** The tools of one term. All that changes anything is used inside of work on `queue` only. */
export type TermTools = {
  readonly brokerId: number
  readonly zookeeper: ZooKeeperClient
  readonly context: ControllerContext
  readonly queue: EventQueue
  /** Leaders: elections by strategy, written and noted for the brokers. */
  readonly partitions: PartitionMachine
  /** Replicas: made, stopped, deleted. */
  readonly replicas: ReplicaMachine
  /** What the brokers will be told when the present event ends. */
  readonly requests: BrokerRequests
  /** What holds now, run-time settings included. */
  readonly config: () => BrokerConfig
  readonly clock: MonotonicClock
  readonly logger: Logger
}

/** A part of the administration with a state of its own, made anew for every term. Every method but `follow` runs on the queue, and again after a ZooKeeper failure. */
export interface TermPart {
  /** The cluster is loaded and every partition has the leader that it can have. */
  started?(): Promise<void>
  /** These brokers have (again) been told of everything. */
  brokersStarted?(brokerIds: readonly number[]): Promise<void>
  /** Leaders have changed the in-sync sets; the new ones are in the context. */
  isrChanged?(partitions: readonly KnownPartition[]): Promise<void>
  /** The topics are about to be deleted. */
  topicsToDelete?(topics: readonly string[]): Promise<void>
  /** Whether a topic must not be deleted now; it is tried again with the next event of the deletion. */
  holdsBackDeletion?(topic: string): boolean
  /** Follows znodes of its own until `ended`, putting work on the queue; rejects with SESSION_EXPIRED. */
  follow?(ended: Promise<void>): Promise<void>
}
export type MakeTermPart<P extends TermPart = TermPart> = (tools: TermTools) => P
