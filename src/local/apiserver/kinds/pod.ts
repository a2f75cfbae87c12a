import {
  asArray,
  asObject,
  asString,
  at,
  child,
  clone,
  equal,
  fill,
  isObject,
  type Json,
  type JsonObject,
  type KubeObject,
} from '../json.ts'
import { invalidValue, LABEL_WORDS, required } from '../rest/metadata.ts'
import type { CreateContext, Strategy } from '../rest/strategy.ts'
import type { FieldError } from '../status.ts'

const objects = (list: Json | undefined): JsonObject[] => asArray(list).filter(isObject)
const FILE_MODE = 420

const probeDefaults = (probe: JsonObject): void => {
  fill(probe, { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 })
  if (isObject(probe['httpGet'])) fill(probe['httpGet'], { path: '/', scheme: 'HTTP' })
  if (isObject(probe['grpc'])) fill(probe['grpc'], { service: '' })
}

const imageTag = (image: string): string => /:([^/:@]+)(?:@.*)?$/.exec(image)?.[1] ?? (image.includes('@') ? 'digest' : 'latest')

const containerDefaults = (container: JsonObject): void => {
  fill(container, {
    imagePullPolicy: imageTag(asString(container['image'])) === 'latest' ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  })
  const resources = asObject(container['resources'])
  const limits = asObject(resources['limits'])
  if (Object.keys(limits).length > 0) fill(child(resources, 'requests'), limits)
  for (const port of objects(container['ports'])) fill(port, { protocol: 'TCP' })
  for (const variable of objects(container['env'])) {
    const ref = at(variable, 'valueFrom', 'fieldRef')
    if (isObject(ref)) fill(ref, { apiVersion: 'v1' })
  }
  for (const name of ['livenessProbe', 'readinessProbe', 'startupProbe']) if (isObject(container[name])) probeDefaults(container[name])
}

const projectionDefaults = (source: JsonObject): void => {
  const token = source['serviceAccountToken']
  if (isObject(token)) fill(token, { expirationSeconds: 3600 })
  for (const item of objects(at(source, 'downwardAPI', 'items')))
    if (isObject(item['fieldRef'])) fill(item['fieldRef'], { apiVersion: 'v1' })
}

const volumeDefaults = (volume: JsonObject): void => {
  for (const name of ['secret', 'configMap', 'downwardAPI', 'projected'])
    if (isObject(volume[name])) fill(volume[name], { defaultMode: FILE_MODE })
  if (Object.keys(volume).length === 1) volume['emptyDir'] = {}
  if (isObject(volume['hostPath'])) fill(volume['hostPath'], { type: '' })
  projectionDefaults(volume)
  for (const source of objects(at(volume, 'projected', 'sources'))) projectionDefaults(source)
  const claim = at(volume, 'ephemeral', 'volumeClaimTemplate', 'spec')
  if (isObject(claim)) fill(claim, { volumeMode: 'Filesystem' })
}

/** The defaults of a PodSpec, in a pod and in a template alike. */
export const podSpecDefaults = (spec: JsonObject): void => {
  fill(spec, {
    dnsPolicy: 'ClusterFirst',
    restartPolicy: 'Always',
    schedulerName: 'default-scheduler',
    securityContext: {},
    terminationGracePeriodSeconds: 30,
  })
  if (spec['serviceAccountName']) fill(spec, { serviceAccount: asString(spec['serviceAccountName']) })
  for (const container of [...objects(spec['containers']), ...objects(spec['initContainers'])]) containerDefaults(container)
  for (const volume of objects(spec['volumes'])) volumeDefaults(volume)
}

const containerErrors = (container: JsonObject, path: string): FieldError[] => {
  const errors: FieldError[] = []
  if (!asString(container['name'])) errors.push(required(`${path}.name`))
  else if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(asString(container['name']))) {
    errors.push(invalidValue(`${path}.name`, container['name'], LABEL_WORDS))
  }
  if (!asString(container['image'])) errors.push(required(`${path}.image`))
  objects(container['ports']).forEach((port, i) => {
    const number = port['containerPort']
    if (typeof number !== 'number' || number < 1 || number > 65_535) {
      errors.push(
        number === undefined
          ? required(`${path}.ports[${i}].containerPort`)
          : invalidValue(`${path}.ports[${i}].containerPort`, number, 'must be between 1 and 65535, inclusive'),
      )
    }
  })
  return errors
}

const mountErrors = (spec: JsonObject, path: string): FieldError[] => {
  const volumes = new Set(objects(spec['volumes']).map((volume) => asString(volume['name'])))
  return objects(spec['containers']).flatMap((container, i) =>
    objects(container['volumeMounts']).flatMap((mount, j): FieldError[] => {
      if (volumes.has(asString(mount['name']))) return []
      return [
        {
          reason: 'FieldValueNotFound',
          field: `${path}.containers[${i}].volumeMounts[${j}].name`,
          message: `Not found: ${JSON.stringify(asString(mount['name']))}`,
        },
      ]
    }),
  )
}

export const podSpecErrors = (spec: JsonObject, path: string): FieldError[] => {
  const containers = objects(spec['containers'])
  const errors = containers.length === 0 ? [required(`${path}.containers`)] : []
  const names = new Set<string>()
  containers.forEach((container, i) => {
    errors.push(...containerErrors(container, `${path}.containers[${i}]`))
    const name = asString(container['name'])
    if (names.has(name))
      errors.push({
        reason: 'FieldValueDuplicate',
        field: `${path}.containers[${i}].name`,
        message: `Duplicate value: ${JSON.stringify(name)}`,
      })
    names.add(name)
  })
  objects(spec['initContainers']).forEach((container, i) => errors.push(...containerErrors(container, `${path}.initContainers[${i}]`)))
  return [...errors, ...mountErrors(spec, path)]
}

const qosClass = (spec: JsonObject): string => {
  const containers = [...objects(spec['containers']), ...objects(spec['initContainers'])]
  const amounts = containers.flatMap((one) =>
    ['requests', 'limits'].flatMap((kind) =>
      Object.keys(asObject(at(one, 'resources', kind))).filter((name) => ['cpu', 'memory'].includes(name)),
    ),
  )
  if (amounts.length === 0) return 'BestEffort'
  const isGuaranteed = containers.every((one) =>
    ['cpu', 'memory'].every((name) => {
      const limit = at(one, 'resources', 'limits', name)
      return limit !== undefined && equal(limit, at(one, 'resources', 'requests', name) ?? limit)
    }),
  )
  return isGuaranteed ? 'Guaranteed' : 'Burstable'
}

const TOKEN_MOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/** What the admission plugins of a real server add: the service account with its token volume, tolerations, priority. */
const admit = (pod: KubeObject, context: CreateContext): void => {
  const spec = child(pod, 'spec')
  fill(spec, { serviceAccountName: 'default', preemptionPolicy: 'PreemptLowerPriority', priority: 0 })
  fill(spec, { serviceAccount: asString(spec['serviceAccountName']) })
  tolerate(spec)
  if (spec['automountServiceAccountToken'] === false) return
  const containers = [...objects(spec['containers']), ...objects(spec['initContainers'])]
  const unmounted = containers.filter((one) => !objects(one['volumeMounts']).some((mount) => mount['mountPath'] === TOKEN_MOUNT))
  if (unmounted.length === 0) return
  const name = `kube-api-access-${context.random(5)}`
  spec['volumes'] = [...asArray(spec['volumes']), tokenVolume(name)]
  for (const one of unmounted) one['volumeMounts'] = [...asArray(one['volumeMounts']), { mountPath: TOKEN_MOUNT, name, readOnly: true }]
}

const tokenVolume = (name: string): JsonObject => ({
  name,
  projected: {
    defaultMode: FILE_MODE,
    sources: [
      { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
      { configMap: { items: [{ key: 'ca.crt', path: 'ca.crt' }], name: 'kube-root-ca.crt' } },
      { downwardAPI: { items: [{ fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' }, path: 'namespace' }] } },
    ],
  },
})

const tolerate = (spec: JsonObject): void => {
  const present = objects(spec['tolerations'])
  for (const key of ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']) {
    if (!present.some((one) => one['key'] === key || (one['key'] === undefined && one['operator'] === 'Exists'))) {
      present.push({ effect: 'NoExecute', key, operator: 'Exists', tolerationSeconds: 300 })
    }
  }
  spec['tolerations'] = present
}

const IMMUTABLE =
  'Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

const comparable = (pod: KubeObject): JsonObject => {
  const spec = clone(asObject(pod['spec']))
  for (const container of [...objects(spec['containers']), ...objects(spec['initContainers'])]) delete container['image']
  for (const key of ['tolerations', 'activeDeadlineSeconds']) delete spec[key]
  return spec
}

export const pod: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  returnsDeleted: true,
  defaults: (object) => {
    podSpecDefaults(child(object, 'spec'))
    fill(child(object, 'spec'), { enableServiceLinks: true })
  },
  admit,
  prepareCreate: (object) => {
    object['status'] = { phase: 'Pending', qosClass: qosClass(asObject(object['spec'])) }
  },
  validate: (object, old) => {
    if (!old) return podSpecErrors(asObject(object['spec']), 'spec')
    if (equal(comparable(object), comparable(old))) return []
    return [{ reason: 'FieldValueForbidden', field: 'spec', message: IMMUTABLE }]
  },
}
