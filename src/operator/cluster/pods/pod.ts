import type { Cluster } from '../../../api/index.ts'
import { canonical, hashOf } from '../../../kube/difference.ts'
import { ownerReference, type Container, type PodTemplate, type StatefulSet } from '../../../kube/resources.ts'
import type { ObjectMeta } from '../../../kube/types.ts'
import { groupName, labelsOf, namespaceOf, RESTART_ON, selectorOf, serviceAccountName, TEMPLATE_HASH } from '../../names.ts'
import { restartedAt } from './restarted-at.ts'
import { sizingEnv } from './sizing.ts'

type Template = Cluster['spec']['zookeeper']['template']
type Resources = Cluster['spec']['zookeeper']['resources']
type Storage = { size: string; storageClassName?: string }

/** What a kind of pod is, beside what all our pods have. */
export type PodShape = {
  /** 'zookeeper' or the name of a group of brokers. */
  group: string
  role: 'kafka' | 'zookeeper'
  replicas: number
  firstId: number
  serviceName: string
  container: Container
  volumes: { name: string; [source: string]: unknown }[]
  storage: Storage
  resources: Resources
  template: Template
  zone: string | undefined
  terminationGracePeriodSeconds: number
  /**
   * For which a pod is replaced when it changes, beside template and zone: what the user asked for, never how this operator renders it. So another
   * operator, which renders something else, changes the template alone, and pods take that up when they are replaced for another reason.
   */
  restartOn: Record<string, unknown>
}

/** Before a key of spec.config in the annotation that says what a pod is restarted for. */
export const CONFIG = 'config '
const USER_ID = 10_001

const OWN_USER = { runAsUser: USER_ID, runAsGroup: USER_ID, fsGroup: USER_ID }
const POD_SECURITY = {
  runAsNonRoot: true,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
}
const CONTAINER_SECURITY = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }

/** The metadata of an object that goes when its Cluster goes. */
export const ownedMeta = (cluster: Cluster, name: string, role: 'kafka' | 'zookeeper'): ObjectMeta => ({
  name,
  namespace: namespaceOf(cluster),
  labels: labelsOf(cluster, role),
  ownerReferences: [ownerReference(cluster)],
})

type NodeSelectorTerm = { matchExpressions?: unknown[]; matchFields?: unknown[] }
type Affinity = {
  nodeAffinity?: { requiredDuringSchedulingIgnoredDuringExecution?: { nodeSelectorTerms?: NodeSelectorTerm[] }; [field: string]: unknown }
  [field: string]: unknown
}

/** The zone is required in every term of the user's own: terms are alternatives. */
const affinityOf = (zone: string | undefined, own: unknown): { affinity?: Affinity } => {
  const affinity = own as Affinity | undefined
  if (!zone) return affinity ? { affinity } : {}
  const inZone = { key: 'topology.kubernetes.io/zone', operator: 'In', values: [zone] }
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [{}]
  const nodeSelectorTerms = terms.map((term) => ({ ...term, matchExpressions: [...(term.matchExpressions ?? []), inZone] }))
  const nodeAffinity = { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } }
  return { affinity: { ...affinity, nodeAffinity } }
}

/** Over nodes, where that can be. */
const SPREAD = { maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }

const TAKEN_OVER = [
  'nodeSelector',
  'priorityClassName',
  'schedulerName',
  'runtimeClassName',
  'imagePullSecrets',
  'tolerations',
  'hostAliases',
  'dnsPolicy',
  'dnsConfig',
] as const

/** Fields of spec.template that are the pod's as they are. */
const ofTemplate = (template: Template): Record<string, unknown> =>
  Object.fromEntries(TAKEN_OVER.flatMap((field) => (template?.[field] === undefined ? [] : [[field, template[field]]])))

const podTemplate = (cluster: Cluster, shape: PodShape): PodTemplate => {
  const { template, zone, resources, container } = shape
  const selector = selectorOf(cluster, shape.group)
  return {
    metadata: {
      labels: { ...template?.labels, ...labelsOf(cluster, shape.role), ...selector },
      annotations: { ...template?.annotations, ...restartedAt(cluster) },
    },
    spec: {
      serviceAccountName: serviceAccountName(cluster, shape.role),
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { ...POD_SECURITY, ...(template?.securityContext ?? OWN_USER) },
      terminationGracePeriodSeconds: template?.terminationGracePeriodSeconds ?? shape.terminationGracePeriodSeconds,
      ...affinityOf(zone, template?.affinity),
      ...ofTemplate(template),
      topologySpreadConstraints: (template?.topologySpreadConstraints ?? [SPREAD]).map((one) => ({
        labelSelector: { matchLabels: selector },
        ...(one as object),
      })),
      containers: [
        {
          ...container,
          env: [...(container.env ?? []), ...sizingEnv(resources)],
          ...(resources ? { resources } : {}),
          securityContext: CONTAINER_SECURITY,
          volumeMounts: [...(container.volumeMounts ?? []), { name: 'tmp', mountPath: '/tmp' }],
        },
      ],
      volumes: [...shape.volumes, { name: 'tmp', emptyDir: {} }],
    },
  }
}

const PART_HASH_LENGTH = 8

/** As JSON: the hash of each part, of the settings by key. */
const partHashes = ({ settings, ...parts }: Record<string, unknown>): string => {
  const keys = Object.entries((settings ?? {}) as Record<string, string>).map(([key, value]) => [`${CONFIG}${key}`, value] as const)
  const said = [...Object.entries(parts).filter(([, value]) => value !== undefined), ...keys]
  return canonical(Object.fromEntries(said.map(([name, value]) => [name, hashOf(value, PART_HASH_LENGTH)])))
}

/** OnDelete: the operator picks which pod is replaced and when. Volumes stay when the set is scaled, and when it goes unless deletionPolicy is Delete. */
export const statefulSet = (cluster: Cluster, shape: PodShape): StatefulSet => {
  const template = podTemplate(cluster, shape)
  const parts = { ...shape.restartOn, template: shape.template, zone: shape.zone }
  const { size, storageClassName } = shape.storage
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMeta(cluster, groupName(cluster, shape.group), shape.role),
    spec: {
      serviceName: shape.serviceName,
      replicas: shape.replicas,
      ordinals: { start: shape.firstId },
      podManagementPolicy: 'Parallel',
      updateStrategy: { type: 'OnDelete' },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: cluster.spec.deletionPolicy, whenScaled: 'Retain' },
      selector: { matchLabels: selectorOf(cluster, shape.group) },
      template: {
        ...template,
        metadata: {
          ...template.metadata,
          annotations: { ...template.metadata?.annotations, [TEMPLATE_HASH]: hashOf(parts), [RESTART_ON]: partHashes(parts) },
        },
      },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: { name: 'data', labels: selectorOf(cluster, shape.group) },
          spec: {
            accessModes: ['ReadWriteOnce'],
            resources: { requests: { storage: size } },
            ...(storageClassName ? { storageClassName } : {}),
          },
        } as NonNullable<StatefulSet['spec']['volumeClaimTemplates']>[number],
      ],
    },
  }
}
