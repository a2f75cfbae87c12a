import type { AclAdmin } from '../../client/acl-admin.ts'
import type { BrokerConfigAdmin } from '../../client/broker-config-admin.ts'
import type { Admin } from '../../client/admin.ts'
import type { PartitionAdmin } from '../../client/partition-admin.ts'
import type { Key } from '../../kube/types.ts'
import type { ScramCredential, ScramMechanism } from '../../security/scram.ts'
import type { LiveBroker } from './placement.ts'

/** What the operator does with one Kafka cluster. Calls reject with `Unreachable` where there is nobody to talk to. */
export type Contact = {
  admin: Pick<Admin, keyof Admin>
  partitions: Pick<PartitionAdmin, keyof PartitionAdmin>
  brokerConfigs: Pick<BrokerConfigAdmin, keyof BrokerConfigAdmin>
  acls: Pick<AclAdmin, keyof AclAdmin>
  records: Records
  /** What the brokers check a login of this user against; undefined when there is none. */
  scramCredential(user: string, mechanism: ScramMechanism): Promise<ScramCredential | undefined>
  /** Gives all that Kafka has in ZooKeeper to the brokers' login; gives how many znodes were open. */
  protectZnodes(): Promise<number>
  /** The cluster's id, the broker that is the controller now, and the brokers that are registered. */
  describeCluster(): Promise<{ clusterId: string | null; controllerId: number; brokers: LiveBroker[] }>
  /** What each registered broker tells clients to connect to, NAME://HOST:PORT, by its id. */
  endpoints(): Promise<Map<number, string[]>>
}

/** One contact per Cluster, made at the first use. */
export type Contacts = {
  /** Rejects with Unreachable when the Cluster has no broker that serves, or none answers. */
  get(cluster: Key): Promise<Contact>
  /** How long every attempt has failed; 0 after one that did not. */
  unreachableMs(cluster: Key): number
  forget(cluster: Key): void
  close(): Promise<void>
}

export class Unreachable extends Error {}

/** `brokers` has one record, `config`: the keys that the Cluster has set at run time. */
export type RecordKind = 'topics' | 'users' | 'acls' | 'brokers'

/** What the operator did to a thing in Kafka and for whom, kept in Kafka's ZooKeeper: it outlives the resource, the operator and the Kubernetes cluster. */
export type OwnerRecord = {
  owner: { namespace: string; name: string; uid: string }
  deletionPolicy: 'Retain' | 'Delete'
  /** Of a topic that was there before the resource. */
  isAdopted?: true
  /** Of a topic, and of the brokers together: the configuration keys that the resource sets. */
  config?: string[]
  /** Of a topic whose partitions get other replicas: set before the first begins to move, taken away when all is cleared up. */
  isMoving?: true
  /** Of a user. */
  mechanism?: ScramMechanism
  /** Of a principal: its bindings that a resource made, each a JSON text. */
  bindings?: string[]
}

/**
 * Records by the name of the topic, user or principal. Several operators, each of its own Kubernetes cluster, may look after one Kafka cluster: each has its own
 * records and never changes another's.
 */
export type Records = {
  get(kind: RecordKind, name: string): Promise<OwnerRecord | undefined>
  /** Writes nothing where it stands already. */
  put(kind: RecordKind, name: string, record: OwnerRecord): Promise<void>
  delete(kind: RecordKind, name: string): Promise<void>
  /** Names that may have a record of this operator. */
  list(kind: RecordKind): Promise<string[]>
  /** What other operators keep for this name: what they stand for is not to be taken away. */
  others(kind: RecordKind, name: string): Promise<OwnerRecord[]>
}
