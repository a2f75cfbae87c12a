import { asArray, asObject, asString, at, child, clone, equal, fill, isObject, type Json, type KubeObject } from '../json.ts'
import { invalidValue, required } from '../rest/metadata.ts'
import type { Strategy } from '../rest/strategy.ts'
import type { FieldError } from '../status.ts'
import { claimDefaults } from './storage.ts'
import { podSpecDefaults, podSpecErrors } from './pod.ts'

const templateDefaults = (object: KubeObject): void => {
  const template = child(child(object, 'spec'), 'template')
  child(template, 'metadata')['creationTimestamp'] ??= null
  podSpecDefaults(child(template, 'spec'))
}

/** The selector must be there and choose the template's own pods. */
const workloadErrors = (object: KubeObject): FieldError[] => {
  const labels = asObject(at(object, 'spec', 'template', 'metadata', 'labels'))
  const selector = at(object, 'spec', 'selector')
  const errors: FieldError[] = []
  if (!isObject(selector) || Object.keys(selector).length === 0) errors.push(required('spec.selector'))
  const wanted = Object.entries(asObject(at(selector, 'matchLabels')))
  if (errors.length > 0 || wanted.some(([key, value]) => labels[key] !== value)) {
    const shown = `map[string]string{${Object.entries(labels)
      .map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
      .join(', ')}}`
    const message = `Invalid value: ${shown}: \`selector\` does not match template \`labels\``
    errors.push({ reason: 'FieldValueInvalid', field: 'spec.template.metadata.labels', message })
  }
  const replicas = at(object, 'spec', 'replicas')
  if (typeof replicas === 'number' && replicas < 0)
    errors.push(invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0'))
  const spec = asObject(at(object, 'spec', 'template', 'spec'))
  // A StatefulSet's claim templates are volumes of its pods.
  const claims = asArray(at(object, 'spec', 'volumeClaimTemplates')).map((claim) => ({ name: asString(at(claim, 'metadata', 'name')) }))
  return [...errors, ...podSpecErrors({ ...spec, volumes: [...asArray(spec['volumes']), ...claims] }, 'spec.template.spec')]
}

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]
const REFUSED =
  "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"

const fixedPart = (object: KubeObject): Json => {
  const spec = clone(asObject(object['spec']))
  for (const key of MUTABLE) delete spec[key]
  return spec
}

export const statefulSet: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  defaults: (object) => {
    const spec = child(object, 'spec')
    fill(spec, {
      podManagementPolicy: 'OrderedReady',
      replicas: 1,
      revisionHistoryLimit: 10,
      updateStrategy: {},
      persistentVolumeClaimRetentionPolicy: {},
    })
    fill(asObject(spec['persistentVolumeClaimRetentionPolicy']), { whenDeleted: 'Retain', whenScaled: 'Retain' })
    const strategy = child(spec, 'updateStrategy')
    fill(strategy, { type: 'RollingUpdate' })
    if (strategy['type'] === 'RollingUpdate') fill(child(strategy, 'rollingUpdate'), { partition: 0 })
    templateDefaults(object)
    for (const claim of asArray(spec['volumeClaimTemplates']).filter(isObject)) {
      fill(claim, { apiVersion: 'v1', kind: 'PersistentVolumeClaim', status: { phase: 'Pending' } })
      child(claim, 'metadata')['creationTimestamp'] ??= null
      claimDefaults(claim)
    }
  },
  prepareCreate: (object) => {
    object['status'] = { availableReplicas: 0, replicas: 0 }
  },
  validate: (object, old) => {
    const errors = workloadErrors(object)
    if (old && !equal(fixedPart(object), fixedPart(old))) errors.push({ reason: 'FieldValueForbidden', field: 'spec', message: REFUSED })
    return errors
  },
}

const selectorIsFixed = (object: KubeObject, old: KubeObject | undefined): FieldError[] => {
  if (!old || equal(at(object, 'spec', 'selector'), at(old, 'spec', 'selector'))) return []
  return [invalidValue('spec.selector', at(object, 'spec', 'selector'), 'field is immutable')]
}

export const deployment: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  defaults: (object) => {
    const spec = child(object, 'spec')
    fill(spec, { progressDeadlineSeconds: 600, replicas: 1, revisionHistoryLimit: 10 })
    const strategy = child(spec, 'strategy')
    fill(strategy, { type: 'RollingUpdate' })
    if (strategy['type'] === 'RollingUpdate') fill(child(strategy, 'rollingUpdate'), { maxSurge: '25%', maxUnavailable: '25%' })
    templateDefaults(object)
  },
  prepareCreate: (object) => {
    object['status'] = {}
  },
  validate: (object, old) => [...workloadErrors(object), ...selectorIsFixed(object, old)],
}

export const replicaSet: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  defaults: (object) => {
    fill(child(object, 'spec'), { replicas: 1 })
    templateDefaults(object)
  },
  prepareCreate: (object) => {
    object['status'] = { replicas: 0 }
  },
  validate: (object, old) => [...workloadErrors(object), ...selectorIsFixed(object, old)],
}

export const controllerRevision: Strategy = {
  reset: [],
  validate: (object, old) =>
    old && !equal(object['data'], old['data']) ? [invalidValue('data', asString(old.metadata.name), 'field is immutable')] : [],
}
