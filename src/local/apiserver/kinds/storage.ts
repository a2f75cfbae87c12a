import { asObject, asString, at, child, clone, equal, fill, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { required } from '../rest/metadata.ts'
import type { Strategy } from '../rest/strategy.ts'
import type { FieldError } from '../status.ts'

export const claimDefaults = (claim: JsonObject): void => fill(child(claim, 'spec'), { volumeMode: 'Filesystem' })

const fixedPart = (object: KubeObject): Json => {
  const spec = clone(asObject(object['spec']))
  for (const key of ['resources', 'volumeName', 'volumeAttributesClassName', 'storageClassName']) delete spec[key]
  return spec
}
const CLAIM_IMMUTABLE =
  'Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims'

const claimErrors = (object: KubeObject, old: KubeObject | undefined): FieldError[] => {
  const spec = asObject(object['spec'])
  const errors: FieldError[] = []
  if (!Array.isArray(spec['accessModes']) || spec['accessModes'].length === 0)
    errors.push(required('spec.accessModes', 'at least 1 access mode is required'))
  if (at(spec, 'resources', 'requests', 'storage') === undefined) errors.push(required('spec.resources[storage]'))
  if (old && !equal(fixedPart(object), fixedPart(old)))
    errors.push({ reason: 'FieldValueForbidden', field: 'spec', message: CLAIM_IMMUTABLE })
  return errors
}

export const persistentVolumeClaim: Strategy = {
  reset: ['status'],
  returnsDeleted: true,
  defaults: claimDefaults,
  prepareCreate: (object) => {
    object['status'] = { phase: 'Pending' }
  },
  validate: claimErrors,
}

export const persistentVolume: Strategy = {
  reset: ['status'],
  returnsDeleted: true,
  defaults: (object) => {
    const spec = child(object, 'spec')
    fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' })
    if (spec['hostPath']) fill(asObject(spec['hostPath']), { type: '' })
  },
  prepareCreate: (object, { now }) => {
    object['status'] = { phase: 'Pending', lastPhaseTransitionTime: now }
  },
}

export const storageClass: Strategy = {
  reset: [],
  returnsDeleted: true,
  defaults: (object) => fill(object, { reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' }),
  validate: (object) => (asString(object['provisioner']) ? [] : [required('provisioner')]),
}
