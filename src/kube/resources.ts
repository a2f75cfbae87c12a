import type { KubeObject, OwnerReference, Resource } from './types.ts'

const resource = <T extends KubeObject>(apiVersion: string, kind: string, plural: string, namespaced = true): Resource<T> => ({
  apiVersion,
  kind,
  plural,
  namespaced,
})

export type EnvVar = { name: string; value?: string; valueFrom?: unknown }
/** A variable that tells a container something of its own pod. */
export const fieldVariable = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } })
export type Container = {
  name: string
  image: string
  args?: string[]
  command?: string[]
  env?: EnvVar[]
  ports?: { name?: string; containerPort: number; protocol?: string }[]
  resources?: { requests?: Record<string, string | number>; limits?: Record<string, string | number> }
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean; subPath?: string }[]
  [field: string]: unknown
}
export type PodSpec = {
  containers: Container[]
  volumes?: { name: string; [source: string]: unknown }[]
  nodeName?: string
  [field: string]: unknown
}
export type PodTemplate = { metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> }; spec: PodSpec }
export type PodCondition = { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }
export type ContainerStatus = {
  name: string
  ready: boolean
  restartCount: number
  state?: {
    waiting?: { reason?: string; message?: string }
    running?: { startedAt?: string }
    terminated?: { reason?: string; message?: string; exitCode: number }
  }
  [field: string]: unknown
}
export type Pod = KubeObject & {
  spec: PodSpec
  status?: { phase?: string; podIP?: string; conditions?: PodCondition[]; containerStatuses?: ContainerStatus[]; [field: string]: unknown }
}
export type StatefulSet = KubeObject & {
  spec: {
    replicas: number
    serviceName: string
    selector: { matchLabels: Record<string, string> }
    template: PodTemplate
    ordinals?: { start: number }
    volumeClaimTemplates?: KubeObject[]
    [field: string]: unknown
  }
  status?: {
    replicas?: number
    readyReplicas?: number
    observedGeneration?: number
    updateRevision?: string
    currentRevision?: string
    [field: string]: unknown
  }
}
export type Service = KubeObject & {
  spec: {
    clusterIP?: string
    type?: string
    selector?: Record<string, string>
    publishNotReadyAddresses?: boolean
    ports: { name?: string; port: number; targetPort?: number | string; protocol?: string; nodePort?: number }[]
    [field: string]: unknown
  }
  status?: { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } }
}
export type ConfigMap = KubeObject & { data?: Record<string, string>; binaryData?: Record<string, string>; immutable?: boolean }
/** `data` is base64. */
export type Secret = KubeObject & { type?: string; data?: Record<string, string>; stringData?: Record<string, string>; immutable?: boolean }
export type PersistentVolumeClaim = KubeObject & {
  spec: { resources?: { requests?: Record<string, string> }; storageClassName?: string; volumeName?: string; [field: string]: unknown }
  status?: { phase?: string; [field: string]: unknown }
}
/** Times are RFC 3339 with microseconds. */
export type Lease = KubeObject & {
  spec?: { holderIdentity?: string; leaseDurationSeconds?: number; acquireTime?: string; renewTime?: string; leaseTransitions?: number }
}
export type Namespace = KubeObject & { spec?: unknown; status?: { phase?: string } }
export type Event = KubeObject & {
  type: string
  reason: string
  note?: string
  action?: string
  regarding?: { apiVersion: string; kind: string; name: string; namespace?: string; uid?: string }
  reportingController?: string
  reportingInstance?: string
  eventTime?: string
  series?: { count: number; lastObservedTime: string }
}

export const pods = resource<Pod>('v1', 'Pod', 'pods')
export const services = resource<Service>('v1', 'Service', 'services')
export const configMaps = resource<ConfigMap>('v1', 'ConfigMap', 'configmaps')
export const secrets = resource<Secret>('v1', 'Secret', 'secrets')
/** What of a Secret is there, never what is in it. */
export const secretsMetadata: Resource = { ...resource('v1', 'Secret', 'secrets'), metadataOnly: true }
export const persistentVolumeClaims = resource<PersistentVolumeClaim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims')
export const persistentVolumes = resource('v1', 'PersistentVolume', 'persistentvolumes', false)
export const serviceAccounts = resource('v1', 'ServiceAccount', 'serviceaccounts')
export const namespaces = resource<Namespace>('v1', 'Namespace', 'namespaces', false)
export const nodes = resource('v1', 'Node', 'nodes', false)
export const endpoints = resource('v1', 'Endpoints', 'endpoints')
export const statefulSets = resource<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets')
export const deployments = resource('apps/v1', 'Deployment', 'deployments')
export const replicaSets = resource('apps/v1', 'ReplicaSet', 'replicasets')
export const controllerRevisions = resource('apps/v1', 'ControllerRevision', 'controllerrevisions')
export const podDisruptionBudgets = resource('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets')
export const networkPolicies = resource('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies')
export const endpointSlices = resource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices')
export const leases = resource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases')
export const events = resource<Event>('events.k8s.io/v1', 'Event', 'events')
export const storageClasses = resource('storage.k8s.io/v1', 'StorageClass', 'storageclasses', false)
export const customResourceDefinitions = resource<KubeObject & { spec: Record<string, unknown>; status?: { conditions?: PodCondition[] } }>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  false,
)

/** A resource for kinds that are known only at run time. */
export const resourceOf = resource

/** The reference that lets the garbage collector remove what `owner` made. */
export const ownerReference = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})
