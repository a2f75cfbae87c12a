// Generated from crds/acls.yaml by `npm run gen`. Do not edit.
import type { Condition, ObjectMeta } from './meta.ts'

export type AclSpec = {
  /** The Cluster; namespace where it is in another one, which must allow this one (Cluster spec.allowedNamespaces). */
  clusterRef: {
    name: string
    namespace?: string
  }
  /** A user name in Kafka (User spec.username). */
  user?: string
  /** A principal, for one that no User resource makes; User:* is everybody. */
  principal?: string
  rules: {
    resource: {
      type: 'Topic' | 'Group' | 'TransactionalId' | 'Cluster' | 'DelegationToken'
      /** With patternType Literal, * is every name. */
      name?: string
      /** Absent means Literal. */
      patternType?: 'Literal' | 'Prefixed'
    }
    operations: ('All' | 'Read' | 'Write' | 'Create' | 'Delete' | 'Alter' | 'Describe' | 'ClusterAction' | 'DescribeConfigs' | 'AlterConfigs' | 'IdempotentWrite')[]
    /** The address of the client; absent or * is every address. */
    host?: string
    /** Absent means Allow. */
    permission?: 'Allow' | 'Deny'
  }[]
  /** Whether the rules go when this resource is deleted. */
  deletionPolicy: 'Retain' | 'Delete'
}

export type AclStatus = {
  observedGeneration?: number
  principal?: string
  /** The number of bindings in Kafka that this resource owns. */
  bindings?: number
  conditions?: Condition[]
}

/** What one principal may do, and may not do, in a Cluster. */
export type Acl = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: AclSpec; status?: AclStatus }

export const acls: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: Acl } = {
  apiVersion: 'sofakafka.io/v1beta1',
  kind: 'Acl',
  plural: 'acls',
  namespaced: true,
}
