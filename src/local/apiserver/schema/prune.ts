import { isObject, type Json, type JsonObject } from '../json.ts'
import { fieldSchema, type Schema } from './schema.ts'

const METADATA_FIELDS = ['apiVersion', 'kind', 'metadata']

const knows = (schema: Schema): boolean =>
  !schema['x-kubernetes-preserve-unknown-fields'] &&
  (schema.properties !== undefined || schema.additionalProperties !== undefined || schema.type === 'object')

const opaque = (schema: Schema): boolean => schema.properties === undefined && schema.additionalProperties === undefined

/** Removes the fields that the schema does not know, in place, and returns their paths as the API server names them. */
export const prune = (value: Json | undefined, schema: Schema | undefined, path = '', isBuiltin = false): string[] => {
  if (!schema || value === null || value === undefined) return []
  if (Array.isArray(value)) return value.flatMap((item, i) => prune(item, schema.items, `${path}[${i}]`, isBuiltin))
  if (!isObject(value)) return []
  if (isBuiltin && opaque(schema)) return []
  const removed: string[] = []
  for (const key of Object.keys(value)) {
    const at = path ? `${path}.${key}` : key
    const child = fieldSchema(schema, key)
    if (child) removed.push(...prune(value[key], child, at, isBuiltin))
    else if (isUnknown(schema, key)) {
      delete value[key]
      removed.push(at)
    }
  }
  return removed
}

const isUnknown = (schema: Schema, key: string): boolean =>
  knows(schema) && schema.additionalProperties !== true && !(schema['x-kubernetes-embedded-resource'] && METADATA_FIELDS.includes(key))

/** Fills a CRD's defaults in place. A null where null is not allowed counts as absent when there is a default. */
export const applyDefaults = (value: Json | undefined, schema: Schema | undefined): void => {
  if (!schema) return
  if (Array.isArray(value)) return value.forEach((item) => applyDefaults(item, schema.items))
  if (!isObject(value)) return
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const here: Json | undefined = value[name]
    const isMissing = here === undefined || (here === null && !child.nullable)
    if (child.default !== undefined && isMissing) value[name] = structuredClone(child.default)
    else if (here === null && !child.nullable) delete value[name]
    applyDefaults(value[name], child)
  }
  defaultEntries(value, schema)
}

const defaultEntries = (value: JsonObject, schema: Schema): void => {
  if (typeof schema.additionalProperties !== 'object') return
  for (const key of Object.keys(value)) {
    if (value[key] === null && !schema.additionalProperties.nullable && schema.additionalProperties.default !== undefined) {
      value[key] = structuredClone(schema.additionalProperties.default)
    }
    applyDefaults(value[key], schema.additionalProperties)
  }
}
