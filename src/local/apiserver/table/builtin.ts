import { asArray, asObject, asString, at, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { podColumns } from './pod.ts'
import { age } from './age.ts'
import type { ColumnSpec } from './column.ts'

const NONE = '<none>'
const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)
const count = (value: Json | undefined): number => Object.keys(asObject(value)).length
const column = (
  name: string,
  cell: ColumnSpec['cell'],
  options: { type?: string; priority?: number; format?: string } = {},
): ColumnSpec => ({ name, cell, ...options })
const path = (name: string, ...keys: string[]): ColumnSpec => column(name, (object) => asString(at(object, ...keys)))
const wide = { priority: 1 }
const integer = { type: 'integer' }

const templateOf = (object: KubeObject): JsonObject[] => asArray(at(object, 'spec', 'template', 'spec', 'containers')).map(asObject)
const CONTAINERS = [
  column(
    'Containers',
    (object) =>
      templateOf(object)
        .map((one) => asString(one['name']))
        .join(','),
    wide,
  ),
  column(
    'Images',
    (object) =>
      templateOf(object)
        .map((one) => asString(one['image']))
        .join(','),
    wide,
  ),
]
const SELECTOR = column('Selector', (object) => selectorText(at(object, 'spec', 'selector')), wide)
const AGE = column('Age', (object, nowMs) => age(object.metadata.creationTimestamp, nowMs))

export const selectorText = (selector: Json | undefined): string => {
  const labels = asObject(at(selector, 'matchLabels') ?? (at(selector, 'matchExpressions') ? {} : selector))
  const terms = Object.entries(labels).map(([key, value]) => `${key}=${asString(value)}`)
  for (const expression of asArray(at(selector, 'matchExpressions')).map(asObject)) {
    const operator = asString(expression['operator'])
    const key = asString(expression['key'])
    if (operator === 'Exists') terms.push(key)
    else if (operator === 'DoesNotExist') terms.push(`!${key}`)
    else terms.push(`${key} ${operator.toLowerCase()} (${asArray(expression['values']).map(asString).join(',')})`)
  }
  return terms.length > 0 ? terms.join(',') : NONE
}

const servicePorts = (object: KubeObject): string =>
  asArray(at(object, 'spec', 'ports'))
    .map(asObject)
    .map(
      (port) => `${number(port['port'])}${port['nodePort'] ? `:${number(port['nodePort'])}` : ''}/${asString(port['protocol']) || 'TCP'}`,
    )
    .join(',') || NONE

const externalAddress = (object: KubeObject): string => {
  const ips = asArray(at(object, 'spec', 'externalIPs')).map(asString)
  const type = asString(at(object, 'spec', 'type'))
  if (type === 'ExternalName') return asString(at(object, 'spec', 'externalName'))
  if (type !== 'LoadBalancer') return ips.join(',') || NONE
  const balancers = asArray(at(object, 'status', 'loadBalancer', 'ingress')).map(
    (one) => asString(asObject(one)['ip']) || asString(asObject(one)['hostname']),
  )
  return [...balancers, ...ips].join(',') || '<pending>'
}

const endpointsText = (object: KubeObject): string => {
  const all = asArray(object['subsets']).flatMap((subset) =>
    asArray(at(subset, 'addresses')).flatMap((address) =>
      asArray(at(subset, 'ports')).map((port) => `${asString(at(address, 'ip'))}:${number(at(port, 'port'))}`),
    ),
  )
  if (all.length === 0) return NONE
  return all.length > 3 ? `${all.slice(0, 3).join(',')} + ${all.length - 3} more...` : all.join(',')
}

const claimStatus = (object: KubeObject): string =>
  object.metadata.deletionTimestamp ? 'Terminating' : asString(at(object, 'status', 'phase'))
const ACCESS: Record<string, string> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' }
const accessModes = (modes: Json | undefined): string =>
  asArray(modes)
    .map((mode) => ACCESS[asString(mode)] ?? '')
    .join(',')

const nodeStatus = (object: KubeObject): string => {
  const ready = asArray(at(object, 'status', 'conditions'))
    .map(asObject)
    .find((one) => one['type'] === 'Ready')
  const words = [ready ? (ready['status'] === 'True' ? 'Ready' : 'NotReady') : 'Unknown']
  if (at(object, 'spec', 'unschedulable') === true) words.push('SchedulingDisabled')
  return words.join(',')
}
const nodeRoles = (object: KubeObject): string =>
  Object.keys(object.metadata.labels ?? {})
    .filter((label) => label.startsWith('node-role.kubernetes.io/'))
    .map((label) => label.slice('node-role.kubernetes.io/'.length))
    .join(',') || NONE
const nodeAddress =
  (type: string) =>
  (object: KubeObject): string => {
    const found = asArray(at(object, 'status', 'addresses'))
      .map(asObject)
      .find((one) => one['type'] === type)
    return asString(found?.['address']) || NONE
  }

const eventTarget = (object: KubeObject): string => {
  const involved = asObject(object['involvedObject'])
  return `${asString(involved['kind']).toLowerCase()}/${asString(involved['name'])}`
}
const eventSource = (object: KubeObject): string => {
  const source = at(object, 'source', 'component') ? asObject(object['source']) : undefined
  const words = source ? [source['component'], source['host']] : [object['reportingComponent'], object['reportingInstance']]
  return words.map(asString).filter(Boolean).join(', ')
}
const firstSeen = (object: KubeObject, nowMs: number): string => age(object['firstTimestamp'] ?? object['eventTime'], nowMs)
const lastSeen = (object: KubeObject, nowMs: number): string => {
  const last = at(object, 'series', 'lastObservedTime') ?? object['lastTimestamp']
  return last ? age(last, nowMs) : firstSeen(object, nowMs)
}

const crdScale = [
  column('Desired', (object) => number(at(object, 'spec', 'replicas')), integer),
  column('Current', (object) => number(at(object, 'status', 'replicas')), integer),
  column('Ready', (object) => number(at(object, 'status', 'readyReplicas')), integer),
]
const intOrString = (value: Json | undefined): string => (value === undefined || value === null ? 'N/A' : String(value as string))

/** Columns between the name and the age, as kubectl 1.32 shows them, by group/kind. */
export const builtinColumns: Record<string, ColumnSpec[]> = {
  '/Pod': podColumns,
  '/Service': [
    path('Type', 'spec', 'type'),
    column('Cluster-IP', (object) => asString(at(object, 'spec', 'clusterIP')) || NONE),
    column('External-IP', externalAddress),
    column('Port(s)', servicePorts),
    AGE,
    column('Selector', (object) => selectorText(at(object, 'spec', 'selector')), wide),
  ],
  '/Endpoints': [column('Endpoints', endpointsText)],
  '/ConfigMap': [column('Data', (object) => count(object['data']) + count(object['binaryData']))],
  '/Secret': [path('Type', 'type'), column('Data', (object) => count(object['data']), integer)],
  '/Namespace': [path('Status', 'status', 'phase')],
  '/ServiceAccount': [column('Secrets', (object) => asArray(object['secrets']).length)],
  '/Node': [
    column('Status', nodeStatus),
    column('Roles', nodeRoles),
    AGE,
    path('Version', 'status', 'nodeInfo', 'kubeletVersion'),
    column('Internal-IP', nodeAddress('InternalIP'), wide),
    column('External-IP', nodeAddress('ExternalIP'), wide),
    column('OS-Image', (object) => asString(at(object, 'status', 'nodeInfo', 'osImage')) || '<unknown>', wide),
    column('Kernel-Version', (object) => asString(at(object, 'status', 'nodeInfo', 'kernelVersion')) || '<unknown>', wide),
    column('Container-Runtime', (object) => asString(at(object, 'status', 'nodeInfo', 'containerRuntimeVersion')) || '<unknown>', wide),
  ],
  '/PersistentVolumeClaim': [
    column('Status', claimStatus),
    path('Volume', 'spec', 'volumeName'),
    column('Capacity', (object) => (at(object, 'spec', 'volumeName') ? asString(at(object, 'status', 'capacity', 'storage')) : '')),
    column('Access Modes', (object) => (at(object, 'spec', 'volumeName') ? accessModes(at(object, 'status', 'accessModes')) : '')),
    path('StorageClass', 'spec', 'storageClassName'),
    column('VolumeAttributesClass', (object) => asString(at(object, 'spec', 'volumeAttributesClassName')) || '<unset>'),
    AGE,
    column('VolumeMode', (object) => asString(at(object, 'spec', 'volumeMode')) || 'Filesystem', wide),
  ],
  '/PersistentVolume': [
    path('Capacity', 'spec', 'capacity', 'storage'),
    column('Access Modes', (object) => accessModes(at(object, 'spec', 'accessModes'))),
    path('Reclaim Policy', 'spec', 'persistentVolumeReclaimPolicy'),
    column('Status', claimStatus),
    column('Claim', (object) => {
      const claim = asObject(at(object, 'spec', 'claimRef'))
      return claim['name'] ? `${asString(claim['namespace'])}/${asString(claim['name'])}` : ''
    }),
    path('StorageClass', 'spec', 'storageClassName'),
    column('VolumeAttributesClass', (object) => asString(at(object, 'spec', 'volumeAttributesClassName')) || '<unset>'),
    path('Reason', 'status', 'reason'),
    AGE,
    column('VolumeMode', (object) => asString(at(object, 'spec', 'volumeMode')) || 'Filesystem', wide),
  ],
  '/Event': [
    column('Last Seen', lastSeen),
    path('Type', 'type'),
    path('Reason', 'reason'),
    column('Object', eventTarget),
    column('Subobject', (object) => asString(at(object, 'involvedObject', 'fieldPath')), wide),
    column('Source', eventSource, wide),
    path('Message', 'message'),
    column('First Seen', firstSeen, wide),
    column('Count', (object) => number(at(object, 'series', 'count')) || number(object['count']) || 1, wide),
    column('Name', (object) => object.metadata.name, { ...wide, format: 'name' }),
  ],
  'apps/StatefulSet': [
    column('Ready', (object) => `${number(at(object, 'status', 'readyReplicas'))}/${number(at(object, 'spec', 'replicas'))}`),
    AGE,
    ...CONTAINERS,
  ],
  'apps/Deployment': [
    column('Ready', (object) => `${number(at(object, 'status', 'readyReplicas'))}/${number(at(object, 'spec', 'replicas'))}`),
    column('Up-to-date', (object) => number(at(object, 'status', 'updatedReplicas'))),
    column('Available', (object) => number(at(object, 'status', 'availableReplicas'))),
    AGE,
    ...CONTAINERS,
    SELECTOR,
  ],
  'apps/ReplicaSet': [...crdScale, AGE, ...CONTAINERS, SELECTOR],
  'apps/ControllerRevision': [
    column('Controller', (object) => {
      const owner = asObject((object.metadata.ownerReferences ?? []).find((one) => one['controller'] === true))
      return owner['name']
        ? `${asString(owner['kind']).toLowerCase()}.${asString(owner['apiVersion']).split('/')[0]}/${asString(owner['name'])}`
        : NONE
    }),
    column('Revision', (object) => number(object['revision'])),
  ],
  'policy/PodDisruptionBudget': [
    column('Min Available', (object) => intOrString(at(object, 'spec', 'minAvailable'))),
    column('Max Unavailable', (object) => intOrString(at(object, 'spec', 'maxUnavailable'))),
    column('Allowed Disruptions', (object) => number(at(object, 'status', 'disruptionsAllowed')), integer),
  ],
  'discovery.k8s.io/EndpointSlice': [
    path('AddressType', 'addressType'),
    column(
      'Ports',
      (object) =>
        asArray(object['ports'])
          .map((port) => number(at(port, 'port')))
          .join(',') || '<unset>',
    ),
    column(
      'Endpoints',
      (object) =>
        asArray(object['endpoints'])
          .flatMap((one) => asArray(at(one, 'addresses')).map(asString))
          .join(',') || '<unset>',
    ),
  ],
  'coordination.k8s.io/Lease': [path('Holder', 'spec', 'holderIdentity')],
  'storage.k8s.io/StorageClass': [
    path('Provisioner', 'provisioner'),
    path('ReclaimPolicy', 'reclaimPolicy'),
    path('VolumeBindingMode', 'volumeBindingMode'),
    column('AllowVolumeExpansion', (object) => object['allowVolumeExpansion'] === true),
  ],
  'rbac.authorization.k8s.io/RoleBinding': [
    column('Role', (object) => `${asString(at(object, 'roleRef', 'kind'))}/${asString(at(object, 'roleRef', 'name'))}`),
  ],
  'rbac.authorization.k8s.io/ClusterRoleBinding': [
    column('Role', (object) => `${asString(at(object, 'roleRef', 'kind'))}/${asString(at(object, 'roleRef', 'name'))}`),
  ],
  'networking.k8s.io/NetworkPolicy': [column('Pod-Selector', (object) => selectorText(at(object, 'spec', 'podSelector')))],
}
