// Generated from crds/topics.yaml by `npm run gen`. Do not edit.
import type { Condition, ObjectMeta } from './meta.ts'

export type TopicSpec = {
  /** The Cluster; namespace where it is in another one, which must allow this one (Cluster spec.allowedNamespaces). */
  clusterRef: {
    name: string
    namespace?: string
  }
  /** The name in Kafka; absent, the name of this resource. */
  name?: string
  /** Absent: a new topic gets the broker's default, and the number is not managed. */
  partitions?: number
  /** The replication factor. Absent: a new topic gets the broker's default, and it is not managed. */
  replicas?: number
  /** Kafka's own topic keys. Keys that do not stand here are not touched; one that is taken away goes back to the broker's default. */
  config?: Record<string, number | string>
  /** Whether the topic and its records go when this resource is deleted. */
  deletionPolicy: 'Retain' | 'Delete'
}

export type TopicStatus = {
  observedGeneration?: number
  topicName?: string
  /** Adopted: the topic was there before this resource. */
  origin?: 'Created' | 'Adopted'
  partitions?: number
  replicas?: number
  /** Present while partitions get another number of replicas. */
  replicasChange?: {
    targetReplicas?: number
    /** Partitions that do not have their new replicas yet. */
    partitionsLeft?: number
  }
  conditions?: Condition[]
}

/** A topic of a Cluster. */
export type Topic = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: TopicSpec; status?: TopicStatus }

export const topics: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: Topic } = {
  apiVersion: 'sofakafka.io/v1beta1',
  kind: 'Topic',
  plural: 'topics',
  namespaced: true,
}
