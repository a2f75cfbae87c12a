import { asArray, asObject, child, fill, isObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import type { Strategy } from '../rest/strategy.ts'
import { controllerRevision, deployment, replicaSet, statefulSet } from './apps.ts'
import { configMap, event, namespace, node, secret, service } from './core.ts'
import { customResourceDefinition } from './crd.ts'
import { pod } from './pod.ts'
import { persistentVolume, persistentVolumeClaim, storageClass } from './storage.ts'

const STORED: Strategy = { reset: [] }

const budget: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  allowsUnconditionalUpdate: false,
  prepareCreate: (object) => {
    object['status'] = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  },
}
const networkPolicy: Strategy = {
  hasGeneration: true,
  reset: [],
  defaults: (object) => {
    const spec = child(object, 'spec')
    fill(spec, { policyTypes: Array.isArray(spec['egress']) && spec['egress'].length > 0 ? ['Ingress', 'Egress'] : ['Ingress'] })
  },
}
const endpointSlice: Strategy = {
  hasGeneration: true,
  reset: [],
  defaults: (object) => {
    for (const endpoint of asArray(object['endpoints']).filter(isObject)) fill(endpoint, { conditions: {} })
    for (const port of asArray(object['ports']).filter(isObject)) fill(port, { name: '', protocol: 'TCP' })
  },
}
const lease: Strategy = { reset: [], createsOnUpdate: true, allowsUnconditionalUpdate: false }
const endpoints: Strategy = {
  reset: [],
  createsOnUpdate: true,
  defaults: (object) => {
    for (const subset of asArray(object['subsets']))
      for (const port of asArray(asObject(subset)['ports']).filter(isObject)) fill(port, { protocol: 'TCP' })
  },
}
const generation: Strategy = { hasGeneration: true, reset: ['status'] }

const BUILTIN: Record<string, Strategy> = {
  '/Pod': pod,
  '/Service': service,
  '/Namespace': namespace,
  '/Secret': secret,
  '/ConfigMap': configMap,
  '/Node': node,
  '/Event': event,
  '/Endpoints': endpoints,
  '/ServiceAccount': { reset: [], returnsDeleted: true },
  '/PersistentVolumeClaim': persistentVolumeClaim,
  '/PersistentVolume': persistentVolume,
  'apps/StatefulSet': statefulSet,
  'apps/Deployment': deployment,
  'apps/ReplicaSet': replicaSet,
  'apps/ControllerRevision': controllerRevision,
  'apps/DaemonSet': generation,
  'batch/Job': generation,
  'batch/CronJob': generation,
  'policy/PodDisruptionBudget': budget,
  'networking.k8s.io/NetworkPolicy': networkPolicy,
  'discovery.k8s.io/EndpointSlice': endpointSlice,
  'coordination.k8s.io/Lease': lease,
  'storage.k8s.io/StorageClass': storageClass,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinition,
}
const CUSTOM_WITH_STATUS: Strategy = { hasGeneration: true, reset: ['status'], allowsUnconditionalUpdate: false }
const CUSTOM: Strategy = { hasGeneration: true, reset: [], allowsUnconditionalUpdate: false }

export const strategyOf = (resource: Resource): Strategy => {
  if (resource.custom) return resource.custom.hasStatus ? CUSTOM_WITH_STATUS : CUSTOM
  return BUILTIN[`${resource.group}/${resource.kind}`] ?? STORED
}
