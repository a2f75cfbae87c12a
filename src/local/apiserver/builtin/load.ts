import type { Schema } from '../schema/schema.ts'
import data from './schemas.json' with { type: 'json' }

export type BuiltinResource = {
  groupVersion: string
  name: string
  singularName: string
  namespaced: boolean
  kind: string
  group?: string
  version?: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
}

const definitions = data.definitions as unknown as Record<string, Schema>

/** Replaces each $ref by the definition itself. What stands beside a $ref wins over the definition. */
const linked = (schema: Schema): Schema => {
  if (schema.$ref) {
    const { $ref, default: _zero, ...beside } = schema
    const target = definitions[$ref]!
    return Object.keys(beside).length === 0 ? target : { ...target, ...beside }
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) schema.properties![name] = linked(child)
  if (schema.items) schema.items = linked(schema.items)
  if (typeof schema.additionalProperties === 'object') schema.additionalProperties = linked(schema.additionalProperties)
  return schema
}
/** As it stands in the file, for OpenAPI documents. */
export const rawDefinitions = structuredClone(definitions)
for (const schema of Object.values(definitions)) linked(schema)

export const builtinResources = data.resources as readonly BuiltinResource[]
const schemaNames = data.schemaOf as Record<string, string>
export const builtinSchemaName = (groupVersion: string, kind: string): string | undefined => schemaNames[`${groupVersion}/${kind}`]
export const builtinSchema = (groupVersion: string, kind: string): Schema => definitions[builtinSchemaName(groupVersion, kind) ?? ''] ?? {}
/** Metadata of every object. */
export const metadataSchema = definitions['apimachinery.pkg.apis.meta.v1.ObjectMeta']!
