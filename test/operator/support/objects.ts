import type { Acl, Cluster, Topic, User } from '../../../src/api/index.ts'

const API = 'sofakafka.io/v1beta1'

/** Small valid objects; `spec` replaces what it names. */
export const cluster = (name: string, namespace: string, spec: Record<string, unknown> = {}): Cluster =>
  ({
    apiVersion: API,
    kind: 'Cluster',
    metadata: { name, namespace },
    spec: {
      zookeeper: { storage: { size: '1Gi' } },
      brokers: [{ name: 'kafka', replicas: 3, storage: { size: '1Gi' } }],
      authorization: {},
      ...spec,
    },
  }) as unknown as Cluster
export const topic = (name: string, namespace: string, spec: Record<string, unknown> = {}): Topic =>
  ({ apiVersion: API, kind: 'Topic', metadata: { name, namespace }, spec: { clusterRef: { name: 'ant' }, ...spec } }) as unknown as Topic
export const user = (name: string, namespace: string, spec: Record<string, unknown> = {}): User =>
  ({ apiVersion: API, kind: 'User', metadata: { name, namespace }, spec: { clusterRef: { name: 'ant' }, ...spec } }) as unknown as User
export const acl = (name: string, namespace: string, spec: Record<string, unknown> = {}): Acl =>
  ({
    apiVersion: API,
    kind: 'Acl',
    metadata: { name, namespace },
    spec: { clusterRef: { name: 'ant' }, user: 'app', rules: [{ resource: { type: 'Topic', name: 'T1' }, operations: ['Read'] }], ...spec },
  }) as unknown as Acl
