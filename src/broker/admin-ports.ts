import type { RequestOf } from '../protocol/schema.ts'
import type { updateMetadata } from '../protocol/api/06-update-metadata.ts'
import type { Int64 } from '../protocol/int64.ts'
import type { ControllerTerm } from './controller/term.ts'
import type { AclStore } from './metadata/acl-store.ts'
import type { ConfigStore } from './metadata/config-store.ts'
import type { TopicAdmin } from './metadata/topic-admin.ts'
import type { PartitionTable } from './partition-table.ts'

/** What administration and the controller's requests need beyond serving records. */
export interface AdminServices {
  /** Whether this broker is the controller now. */
  isController(): boolean
  /** The controller, while this broker is it. */
  controller(): ControllerTerm | undefined
  readonly topics: TopicAdmin
  readonly configs: ConfigStore
  /** undefined: no authorizer is configured. */
  readonly acls: AclStore | undefined
  readonly control: Control
}

/** The receiving end of the controller's requests. */
export interface Control {
  readonly replicas: PartitionTable
  /** KafkaError STALE_CONTROLLER_EPOCH or STALE_BROKER_EPOCH for a request of a former controller, or for a former life of this broker. */
  admit(request: { controllerEpoch: number; brokerEpoch: Int64 }): void
  updateMetadata(request: RequestOf<typeof updateMetadata>): void
}
