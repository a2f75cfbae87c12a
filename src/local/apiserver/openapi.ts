import { builtinSchemaName, rawDefinitions } from './builtin/load.ts'
import { VERSION, etagOf } from './discovery.ts'
import { asObject, clone, isObject, type Json, type JsonObject } from './json.ts'
import type { Resource, Resources } from './resources.ts'
import type { Schema } from './schema/schema.ts'

const METADATA = 'apimachinery.pkg.apis.meta.v1.ObjectMeta'
const PREFIX = 'io.k8s.'

const customName = (resource: Resource): string => [...resource.group.split('.').reverse(), resource.version, resource.kind].join('.')
const schemaName = (resource: Resource): string => {
  const own = builtinSchemaName(resource.groupVersion, resource.kind)
  return own ? PREFIX + own : customName(resource)
}

/** References of the compact definitions become those of a document. */
const withRefs = (value: Json, root: string): Json => {
  if (Array.isArray(value)) return value.map((item) => withRefs(item, root))
  if (!isObject(value)) return value
  const out: JsonObject = {}
  for (const [key, child] of Object.entries(value)) {
    if (key === '$ref' && typeof child === 'string') out['$ref'] = `${root}${PREFIX}${child}`
    else if (child !== undefined) out[key] = withRefs(child, root)
  }
  return out
}

const refsOf = (value: Json | undefined, into: Set<string>): void => {
  if (Array.isArray(value)) return value.forEach((item) => refsOf(item, into))
  if (!isObject(value)) return
  if (typeof value['$ref'] === 'string' && !into.has(value['$ref'])) {
    into.add(value['$ref'])
    refsOf(rawDefinitions[value['$ref']] as Json, into)
  }
  for (const child of Object.values(value)) refsOf(child, into)
}

const kindMark = (resource: Resource): JsonObject => ({
  'x-kubernetes-group-version-kind': [{ group: resource.group, version: resource.version, kind: resource.kind }],
})

const customSchema = (resource: Resource, root: string): JsonObject => {
  const schema = clone(resource.schema) as Schema
  return {
    ...(schema as JsonObject),
    properties: { ...(schema.properties as JsonObject), metadata: { $ref: `${root}${PREFIX}${METADATA}` } },
    ...kindMark(resource),
  }
}

const definitionsFor = (resources: readonly Resource[], root: string): JsonObject => {
  const names = new Set<string>([METADATA])
  refsOf(rawDefinitions[METADATA] as Json, names)
  const out: JsonObject = {}
  for (const resource of resources) {
    const own = builtinSchemaName(resource.groupVersion, resource.kind)
    if (!own) out[customName(resource)] = customSchema(resource, root)
    else {
      names.add(own)
      refsOf(rawDefinitions[own] as Json, names)
    }
  }
  for (const name of names) out[PREFIX + name] = withRefs(rawDefinitions[name] as Json, root)
  for (const resource of resources) if (!resource.custom) Object.assign(asObject(out[schemaName(resource)]), kindMark(resource))
  return out
}

const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation', 'force', 'pretty']

/** Enough of a path for clients that look for what a PATCH of a kind takes. */
const pathsFor = (resource: Resource, isV3: boolean): JsonObject => {
  const prefix = resource.group ? `/apis/${resource.groupVersion}` : `/api/${resource.version}`
  const base = `${prefix}${resource.namespaced ? '/namespaces/{namespace}' : ''}/${resource.plural}`
  const parameters = PARAMETERS.map((name) => ({ name, in: 'query', ...(isV3 ? { schema: { type: 'string' } } : { type: 'string' }) }))
  const operation = (action: string): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: resource.group, version: resource.version, kind: resource.kind },
    parameters,
    responses: { '200': { description: 'OK' } },
  })
  return {
    [base]: { post: operation('post'), get: operation('list') },
    [`${base}/{name}`]: { get: operation('get'), put: operation('put'), patch: operation('patch') },
  }
}

const pathsOf = (resources: readonly Resource[], isV3: boolean): JsonObject =>
  Object.assign({}, ...resources.map((one) => pathsFor(one, isV3))) as JsonObject

export const openapiV2 = (resources: Resources): JsonObject => ({
  swagger: '2.0',
  info: { title: 'Kubernetes', version: VERSION['gitVersion'] },
  paths: pathsOf(resources.all(), false),
  definitions: definitionsFor(resources.all(), '#/definitions/'),
})

export const openapiV3 = (resources: Resources, groupVersion: string): JsonObject | undefined => {
  const own = resources.all().filter((one) => one.groupVersion === groupVersion)
  if (own.length === 0) return undefined
  const schemas = definitionsFor(own, '#/components/schemas/')
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: VERSION['gitVersion'] },
    paths: pathsOf(own, true),
    components: { schemas },
  }
}

export const openapiV3Index = (resources: Resources): JsonObject => {
  const paths: JsonObject = {}
  for (const { group, version, groupVersion } of resources.all()) {
    const path = group ? `apis/${groupVersion}` : `api/${version}`
    paths[path] ??= { serverRelativeURL: `/openapi/v3/${path}?hash=${etagOf(JSON.stringify(openapiV3(resources, groupVersion)))}` }
  }
  return { paths }
}
