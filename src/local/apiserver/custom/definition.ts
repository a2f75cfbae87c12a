import { asArray, asObject, asString, at, type Json, type JsonObject, type KubeObject } from '../json.ts'
import type { Column, CustomDefinition, Resource, Subresource } from '../resources.ts'
import { ruleProblem } from '../schema/cel.ts'
import type { Schema } from '../schema/schema.ts'
import { metadataSchema } from '../builtin/load.ts'

const SCHEMA_KEYS_REFUSED = ['$ref', 'definitions', 'dependencies', 'patternProperties', 'additionalItems', 'id']

const children = (schema: Schema): [string, Schema][] => [
  ...Object.entries(schema.properties ?? {}).map(([name, child]): [string, Schema] => [`.properties[${name}]`, child]),
  ...(schema.items ? [['.items', schema.items] as [string, Schema]] : []),
  ...(typeof schema.additionalProperties === 'object' ? [['.additionalProperties', schema.additionalProperties] as [string, Schema]] : []),
]

type Problem = { field: string; words: string }

const listKeyProblems = (schema: Schema, path: string): Problem[] =>
  (schema['x-kubernetes-list-map-keys'] ?? [])
    .filter((key) => !schema.items?.required?.includes(key) && schema.items?.properties?.[key]?.default === undefined)
    .map((key) => ({
      field: `${path}.items.properties[${key}].default`,
      words: 'Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
    }))

const ruleProblems = (schema: Schema, path: string): Problem[] =>
  (schema['x-kubernetes-validations'] ?? []).flatMap((rule, i) => {
    const problem = ruleProblem(rule)
    const words = `Invalid value: ${JSON.stringify(rule.rule)}: compilation failed: ${problem}`
    return problem ? [{ field: `${path}.x-kubernetes-validations[${i}].rule`, words }] : []
  })

/** Why a schema is not served, each as a field and words: not structural, a list key that is not required, or a CEL rule that is beyond this server. */
export const schemaProblems = (schema: Schema, path: string): Problem[] => {
  const problems: Problem[] = SCHEMA_KEYS_REFUSED.filter((key) => Object.hasOwn(schema, key)).map((key) => ({
    field: `${path}.${key}`,
    words: 'Forbidden: is not supported',
  }))
  const isFree = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']
  if (!schema.type && !isFree)
    problems.push({ field: `${path}.type`, words: 'Required value: must not be empty for specified object fields' })
  if (schema.properties && schema.additionalProperties) {
    problems.push({ field: `${path}.additionalProperties`, words: 'Forbidden: additionalProperties and properties are mutual exclusive' })
  }
  const own = [...problems, ...listKeyProblems(schema, path), ...ruleProblems(schema, path)]
  return [...own, ...children(schema).flatMap(([at, child]) => schemaProblems(child, path + at))]
}

const versionsOf = (crd: KubeObject): JsonObject[] => asArray(at(crd, 'spec', 'versions')).map(asObject)

export const schemaOfVersion = (version: JsonObject): Schema => asObject(at(version, 'schema', 'openAPIV3Schema')) as Schema

const columnsOf = (version: JsonObject): Column[] => {
  const own = asArray(version['additionalPrinterColumns']).map((column): Column => {
    const one = asObject(column)
    return {
      name: asString(one['name']),
      type: asString(one['type']),
      format: asString(one['format']),
      description: asString(one['description']),
      priority: typeof one['priority'] === 'number' ? one['priority'] : 0,
      jsonPath: asString(one['jsonPath']),
    }
  })
  return own.length > 0
    ? own
    : [{ name: 'Age', type: 'date', format: '', description: '', priority: 0, jsonPath: '.metadata.creationTimestamp' }]
}

const MAIN_VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch']
const SUB_VERBS = ['get', 'patch', 'update']

const subresourcesOf = (version: JsonObject, groupVersion: string, kind: string): Map<string, Subresource> => {
  const map = new Map<string, Subresource>()
  if (at(version, 'subresources', 'status')) map.set('status', { kind, groupVersion, verbs: SUB_VERBS })
  if (at(version, 'subresources', 'scale')) map.set('scale', { kind: 'Scale', groupVersion: 'autoscaling/v1', verbs: SUB_VERBS })
  return map
}

const definitionOf = (version: JsonObject): CustomDefinition => {
  const scale = at(version, 'subresources', 'scale')
  return {
    columns: columnsOf(version),
    selectableFields: asArray(version['selectableFields']).map((field) => asString(asObject(field)['jsonPath']).replace(/^\./, '')),
    hasStatus: at(version, 'subresources', 'status') !== undefined,
    ...(scale
      ? {
          scale: {
            specReplicasPath: asString(at(scale, 'specReplicasPath')),
            statusReplicasPath: asString(at(scale, 'statusReplicasPath')),
            labelSelectorPath: asString(at(scale, 'labelSelectorPath')),
          },
        }
      : {}),
  }
}

const withMetadata = (schema: Schema): Schema => ({
  ...schema,
  properties: { ...schema.properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metadataSchema },
})

/** The resources that a CustomResourceDefinition serves, one per served version. */
export const resourcesOf = (crd: KubeObject): Resource[] => {
  const spec = asObject(crd['spec'])
  const names = asObject(spec['names'])
  const group = asString(spec['group'])
  const words = (value: Json | undefined): string[] => asArray(value).map(asString)
  return versionsOf(crd)
    .filter((version) => version['served'] === true)
    .map((version): Resource => {
      const groupVersion = `${group}/${asString(version['name'])}`
      const kind = asString(names['kind'])
      return {
        group,
        version: asString(version['name']),
        groupVersion,
        plural: asString(names['plural']),
        singular: asString(names['singular']),
        kind,
        listKind: asString(names['listKind']),
        namespaced: spec['scope'] === 'Namespaced',
        shortNames: words(names['shortNames']),
        categories: words(names['categories']),
        verbs: MAIN_VERBS,
        subresources: subresourcesOf(version, groupVersion, kind),
        schema: withMetadata(schemaOfVersion(version)),
        storageKey: `${group}/${asString(names['plural'])}`,
        custom: definitionOf(version),
      }
    })
}
