// Generated from crds/users.yaml by `npm run gen`. Do not edit.
import type { Condition, ObjectMeta } from './meta.ts'

export type UserSpec = {
  /** The Cluster; namespace where it is in another one, which must allow this one (Cluster spec.allowedNamespaces). */
  clusterRef: {
    name: string
    namespace?: string
  }
  /** The name in Kafka; absent, the name of this resource. */
  username?: string
  authentication: {
    /** TLS: a client certificate, made and renewed by the operator, for listeners with authentication.type TLS. */
    type: 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'TLS'
    /** Where the password is; absent, the operator makes one of 43 characters. */
    password?: {
      /** A Secret in the namespace of this resource. */
      secretKeyRef: {
        name: string
        key: string
      }
    }
  }
  /** Whether the login and its Secret go when this resource is deleted. */
  deletionPolicy: 'Retain' | 'Delete'
}

export type UserStatus = {
  observedGeneration?: number
  username?: string
  /** The Secret with username, password, sasl.jaas.config and bootstrap.servers. */
  secretName?: string
  conditions?: Condition[]
}

/** A user of a Cluster, with a Secret that holds what a client needs. */
export type User = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: UserSpec; status?: UserStatus }

export const users: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: User } = {
  apiVersion: 'sofakafka.io/v1beta1',
  kind: 'User',
  plural: 'users',
  namespaced: true,
}
