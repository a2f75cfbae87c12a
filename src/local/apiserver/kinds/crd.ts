import { schemaOfVersion, schemaProblems } from '../custom/definition.ts'
import { asArray, asObject, asString, at, child, equal, fill, isObject, type JsonObject, type KubeObject } from '../json.ts'
import { invalidValue, required } from '../rest/metadata.ts'
import type { Strategy } from '../rest/strategy.ts'
import type { FieldError } from '../status.ts'

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io'

const condition = (type: string, reason: string, message: string, now: string): JsonObject => ({
  lastTransitionTime: now,
  message,
  reason,
  status: 'True',
  type,
})

const namesErrors = (object: KubeObject): FieldError[] => {
  const group = asString(at(object, 'spec', 'group'))
  const plural = asString(at(object, 'spec', 'names', 'plural'))
  const errors: FieldError[] = []
  for (const [field, value] of [
    ['spec.group', group],
    ['spec.names.plural', plural],
    ['spec.names.kind', asString(at(object, 'spec', 'names', 'kind'))],
    ['spec.scope', asString(at(object, 'spec', 'scope'))],
  ] as const) {
    if (!value) errors.push(required(field))
  }
  if (group && !group.includes('.')) errors.push(invalidValue('spec.group', group, 'should be a domain with at least one dot'))
  if (group && plural && object.metadata.name !== `${plural}.${group}`) {
    errors.push(invalidValue('metadata.name', object.metadata.name, 'must be spec.names.plural+"."+spec.group'))
  }
  return errors
}

const versionErrors = (object: KubeObject): FieldError[] => {
  const versions = asArray(at(object, 'spec', 'versions')).map(asObject)
  const errors: FieldError[] = []
  if (versions.length === 0) errors.push(required('spec.versions'))
  if (versions.filter((one) => one['storage'] === true).length !== 1) {
    errors.push(
      invalidValue(
        'spec.versions',
        versions.map((one) => one['name'] ?? ''),
        'must have exactly one version marked as storage version',
      ),
    )
  }
  versions.forEach((version, i) => {
    const path = `spec.versions[${i}].schema.openAPIV3Schema`
    if (!isObject(at(version, 'schema', 'openAPIV3Schema'))) return errors.push(required(path, 'schemas are required'))
    for (const { field, words } of schemaProblems(schemaOfVersion(version), path)) {
      const reason = words.startsWith('Required')
        ? 'FieldValueRequired'
        : words.startsWith('Forbidden')
          ? 'FieldValueForbidden'
          : 'FieldValueInvalid'
      errors.push({ reason, field, message: words })
    }
  })
  if (at(object, 'spec', 'conversion', 'strategy') === 'Webhook') {
    errors.push({
      reason: 'FieldValueNotSupported',
      field: 'spec.conversion.strategy',
      message: 'Unsupported value: "Webhook": supported values: "None"',
    })
  }
  return errors
}

const IMMUTABLE = [
  ['spec', 'group'],
  ['spec', 'scope'],
  ['spec', 'names', 'kind'],
  ['spec', 'names', 'plural'],
]

export const customResourceDefinition: Strategy = {
  hasGeneration: true,
  reset: ['status'],
  defaults: (object) => {
    const spec = child(object, 'spec')
    const names = child(spec, 'names')
    const kind = asString(names['kind'])
    if (kind) fill(names, { singular: kind.toLowerCase(), listKind: `${kind}List` })
    fill(spec, { conversion: { strategy: 'None' } })
  },
  prepareCreate: (object, { now }) => {
    const spec = asObject(object['spec'])
    const stored = asArray(spec['versions'])
      .map(asObject)
      .filter((one) => one['storage'] === true)
    object['status'] = {
      acceptedNames: { ...asObject(spec['names']) },
      conditions: [
        condition('NamesAccepted', 'NoConflicts', 'no conflicts found', now),
        condition('Established', 'InitialNamesAccepted', 'the initial names have been accepted', now),
      ],
      storedVersions: stored.map((one) => asString(one['name'])),
    }
  },
  validate: (object, old) => {
    const errors = [...namesErrors(object), ...versionErrors(object)]
    for (const path of old ? IMMUTABLE : []) {
      if (!equal(at(object, ...path), at(old, ...path)))
        errors.push(invalidValue(path.join('.'), at(object, ...path), 'field is immutable'))
    }
    return errors
  },
}
