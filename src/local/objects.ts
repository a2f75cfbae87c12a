import { hasCondition } from '../kube/conditions.ts'
import { resourceOf } from '../kube/resources.ts'
import type { KubeObject, ObjectMeta, OwnerReference } from '../kube/types.ts'

/** The parts of Kubernetes objects that the controllers and the kubelet of the local mode read and write. Unknown fields pass through untouched. */
/** What every object has; the kinds below add their spec and status. */
export type Base = KubeObject
export type Meta = ObjectMeta

export type LabelSelector = {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] }[]
}

export type KeyToPath = { key: string; path: string; mode?: number }
export type FieldRef = { fieldPath: string; apiVersion?: string }
export type ResourceFieldRef = { containerName?: string; resource: string; divisor?: string }
type DownwardItem = { path: string; fieldRef?: FieldRef; resourceFieldRef?: ResourceFieldRef; mode?: number }
export type VolumeSource = {
  configMap?: { name: string; items?: KeyToPath[]; defaultMode?: number; optional?: boolean }
  secret?: { secretName?: string; name?: string; items?: KeyToPath[]; defaultMode?: number; optional?: boolean }
  downwardAPI?: { items?: DownwardItem[]; defaultMode?: number }
  serviceAccountToken?: { path: string; expirationSeconds?: number; audience?: string }
}
export type Volume = VolumeSource & {
  name: string
  emptyDir?: { medium?: string; sizeLimit?: string }
  persistentVolumeClaim?: { claimName: string; readOnly?: boolean }
  projected?: { sources: VolumeSource[]; defaultMode?: number }
}
export type VolumeMount = { name: string; mountPath: string; subPath?: string; subPathExpr?: string; readOnly?: boolean }

export type EnvVar = {
  name: string
  value?: string
  valueFrom?: {
    fieldRef?: FieldRef
    resourceFieldRef?: ResourceFieldRef
    secretKeyRef?: { name: string; key: string; optional?: boolean }
    configMapKeyRef?: { name: string; key: string; optional?: boolean }
  }
}
export type EnvFrom = {
  prefix?: string
  configMapRef?: { name: string; optional?: boolean }
  secretRef?: { name: string; optional?: boolean }
}
export type Probe = {
  httpGet?: { path?: string; port: number | string; host?: string; scheme?: string; httpHeaders?: { name: string; value: string }[] }
  tcpSocket?: { port: number | string; host?: string }
  exec?: { command: string[] }
  grpc?: { port: number }
  initialDelaySeconds?: number
  periodSeconds?: number
  timeoutSeconds?: number
  successThreshold?: number
  failureThreshold?: number
}
export type Container = {
  name: string
  image: string
  command?: string[]
  args?: string[]
  env?: EnvVar[]
  envFrom?: EnvFrom[]
  ports?: { name?: string; containerPort: number; protocol?: string }[]
  volumeMounts?: VolumeMount[]
  resources?: { limits?: Record<string, string | number>; requests?: Record<string, string | number> }
  readinessProbe?: Probe
  livenessProbe?: Probe
  startupProbe?: Probe
  lifecycle?: unknown
  restartPolicy?: 'Always'
  workingDir?: string
}
export type PodSpec = {
  nodeName?: string
  schedulerName?: string
  nodeSelector?: Record<string, string>
  serviceAccountName?: string
  containers: Container[]
  initContainers?: Container[]
  volumes?: Volume[]
  restartPolicy?: 'Always' | 'OnFailure' | 'Never'
  terminationGracePeriodSeconds?: number
  hostname?: string
  subdomain?: string
  readinessGates?: { conditionType: string }[]
}
export type ContainerState = {
  waiting?: { reason: string; message?: string }
  running?: { startedAt: string }
  terminated?: { exitCode: number; signal?: number; reason: string; message?: string; startedAt?: string; finishedAt?: string }
}
export type ContainerStatus = {
  name: string
  image: string
  imageID: string
  containerID?: string
  ready: boolean
  started: boolean
  restartCount: number
  state: ContainerState
  lastState: ContainerState
}
export type Condition = {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  lastTransitionTime?: string
  lastProbeTime?: string | null
  lastUpdateTime?: string
  lastHeartbeatTime?: string
  observedGeneration?: number
}
export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed'
export type PodStatus = {
  phase?: PodPhase
  conditions?: Condition[]
  reason?: string
  message?: string
  hostIP?: string
  hostIPs?: { ip: string }[]
  podIP?: string
  podIPs?: { ip: string }[]
  startTime?: string
  qosClass?: string
  containerStatuses?: ContainerStatus[]
  initContainerStatuses?: ContainerStatus[]
}
export type Pod = Base & { spec: PodSpec; status?: PodStatus }
export type PodTemplate = { metadata?: Partial<Meta>; spec: PodSpec }

export type ConfigMap = Base & { data?: Record<string, string>; binaryData?: Record<string, string> }
export type Secret = Base & { type?: string; data?: Record<string, string> }
export type Service = Base & {
  spec: {
    clusterIP?: string
    selector?: Record<string, string>
    ports?: ServicePort[]
    publishNotReadyAddresses?: boolean
    type?: string
  }
}
export type ServicePort = { name?: string; port: number; targetPort?: number | string; protocol?: string; appProtocol?: string }

export type ClaimSpec = {
  accessModes?: string[]
  storageClassName?: string
  volumeName?: string
  resources?: { requests?: { storage?: string | number } }
}
export type Claim = Base & {
  spec: ClaimSpec
  status?: { phase?: string; accessModes?: string[]; capacity?: { storage?: string | number } }
}
export type PersistentVolume = Base & {
  spec: {
    capacity?: { storage?: string | number }
    accessModes?: string[]
    persistentVolumeReclaimPolicy?: 'Retain' | 'Delete'
    storageClassName?: string
    claimRef?: { apiVersion?: string; kind?: string; namespace: string; name: string; uid?: string }
    local?: { path: string }
    hostPath?: { path: string }
  }
  status?: { phase?: string }
}

type RetentionPolicy = 'Retain' | 'Delete'
export type StatefulSet = Base & {
  spec: {
    replicas?: number
    serviceName?: string
    selector: LabelSelector
    template: PodTemplate
    podManagementPolicy?: 'OrderedReady' | 'Parallel'
    updateStrategy?: { type?: 'RollingUpdate' | 'OnDelete'; rollingUpdate?: { partition?: number } }
    volumeClaimTemplates?: { metadata: Partial<Meta> & { name: string }; spec: ClaimSpec }[]
    persistentVolumeClaimRetentionPolicy?: { whenDeleted?: RetentionPolicy; whenScaled?: RetentionPolicy }
    ordinals?: { start?: number }
    minReadySeconds?: number
    revisionHistoryLimit?: number
  }
  status?: StatefulSetStatus
}
export type StatefulSetStatus = {
  observedGeneration?: number
  replicas?: number
  readyReplicas?: number
  availableReplicas?: number
  currentReplicas?: number
  updatedReplicas?: number
  currentRevision?: string
  updateRevision?: string
  collisionCount?: number
}
export type ControllerRevision = Base & { data?: unknown; revision: number }

export type Deployment = Base & {
  spec: {
    replicas?: number
    selector: LabelSelector
    template: PodTemplate
    strategy?: { type?: 'RollingUpdate' | 'Recreate'; rollingUpdate?: { maxSurge?: number | string; maxUnavailable?: number | string } }
    paused?: boolean
    progressDeadlineSeconds?: number
    revisionHistoryLimit?: number
  }
  status?: {
    observedGeneration?: number
    replicas?: number
    updatedReplicas?: number
    readyReplicas?: number
    availableReplicas?: number
    unavailableReplicas?: number
    conditions?: Condition[]
  }
}
export type ReplicaSet = Base & {
  spec: { replicas?: number; selector: LabelSelector; template: PodTemplate }
  status?: {
    observedGeneration?: number
    replicas: number
    readyReplicas?: number
    availableReplicas?: number
    fullyLabeledReplicas?: number
  }
}

export type Node = Base & {
  spec?: { podCIDR?: string; taints?: { key: string; effect: string }[]; unschedulable?: boolean }
  status?: {
    conditions?: Condition[]
    addresses?: { type: string; address: string }[]
    capacity?: Record<string, string>
    allocatable?: Record<string, string>
    daemonEndpoints?: { kubeletEndpoint: { Port: number } }
    nodeInfo?: Record<string, string>
  }
}
export type ServiceAccount = Base & { secrets?: unknown[] }
export type Namespace = Base & { spec?: { finalizers?: string[] }; status?: { phase?: string } }
export type Endpoints = Base & {
  subsets?: {
    addresses?: { ip: string; nodeName?: string; targetRef?: unknown }[]
    notReadyAddresses?: { ip: string; nodeName?: string; targetRef?: unknown }[]
    ports?: { name?: string; port: number; protocol: string }[]
  }[]
}
export type EndpointSlice = Base & { addressType: string; endpoints: unknown[]; ports: unknown[] }
export type Lease = Base & { spec?: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string } }

export const pods = resourceOf<Pod>('v1', 'Pod', 'pods')
export const services = resourceOf<Service>('v1', 'Service', 'services')
export const configMaps = resourceOf<ConfigMap>('v1', 'ConfigMap', 'configmaps')
export const secrets = resourceOf<Secret>('v1', 'Secret', 'secrets')
export const claims = resourceOf<Claim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims')
export const persistentVolumes = resourceOf<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', false)
export const namespaces = resourceOf<Namespace>('v1', 'Namespace', 'namespaces', false)
export const nodes = resourceOf<Node>('v1', 'Node', 'nodes', false)
export const serviceAccounts = resourceOf<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts')
export const endpoints = resourceOf<Endpoints>('v1', 'Endpoints', 'endpoints')
export const endpointSlices = resourceOf<EndpointSlice>('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices')
export const statefulSets = resourceOf<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets')
export const controllerRevisions = resourceOf<ControllerRevision>('apps/v1', 'ControllerRevision', 'controllerrevisions')
export const deployments = resourceOf<Deployment>('apps/v1', 'Deployment', 'deployments')
export const replicaSets = resourceOf<ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets')
export const leases = resourceOf<Lease>('coordination.k8s.io/v1', 'Lease', 'leases')

/** RFC 3339 with seconds, as Kubernetes' metav1.Time. */

export const isReady = (pod: Pod): boolean => hasCondition(pod, 'Ready')
export const isTerminating = (object: Base): boolean => object.metadata.deletionTimestamp !== undefined
export const isOver = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

export const controllerOf = (object: Base): OwnerReference | undefined => object.metadata.ownerReferences?.find((owner) => owner.controller)
export const matchesLabels = (selector: LabelSelector, labels: Record<string, string> = {}): boolean =>
  Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
  (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key]
    if (operator === 'In') return value !== undefined && values.includes(value)
    if (operator === 'NotIn') return value === undefined || !values.includes(value)
    return (value !== undefined) === (operator === 'Exists')
  })
