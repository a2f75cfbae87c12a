// The types of src/api from the schemas in crds/.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

type Schema = {
  type?: string
  description?: string
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema
  enum?: string[]
  default?: unknown
  'x-kubernetes-int-or-string'?: boolean
}
type Definition = {
  spec: { group: string; names: { kind: string; plural: string }; versions: { name: string; schema: { openAPIV3Schema: Schema } }[] }
}

const SCALARS: Record<string, string> = { string: 'string', integer: 'number', number: 'number', boolean: 'boolean' }

/** The fields of metav1.Condition, which every status has; its type is written by hand. */
const CONDITION_FIELDS = ['lastTransitionTime', 'message', 'observedGeneration', 'reason', 'status', 'type']
const isCondition = ({ properties = {} }: Schema): boolean => String(Object.keys(properties).sort()) === String(CONDITION_FIELDS)

const typeOf = (schema: Schema, indent: string): string => {
  if (isCondition(schema)) return 'Condition'
  if (schema['x-kubernetes-int-or-string']) return 'number | string'
  if (schema.enum) return schema.enum.map((value) => `'${value}'`).join(' | ')
  if (schema.type === 'array') {
    const item = typeOf(schema.items ?? {}, indent)
    return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
  }
  if (schema.type === 'object' && schema.additionalProperties) return `Record<string, ${typeOf(schema.additionalProperties, indent)}>`
  if (schema.type === 'object' && schema.properties) return objectOf(schema, indent)
  return SCALARS[schema.type ?? ''] ?? 'unknown'
}

const objectOf = (schema: Schema, indent: string): string => {
  const inner = `${indent}  `
  const lines = Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    // A default is there before anybody reads the object.
    const isThere = schema.required?.includes(name) || property.default !== undefined
    const doc = property.description ? [`${inner}/** ${property.description} */`] : []
    return [...doc, `${inner}${name}${isThere ? '' : '?'}: ${typeOf(property, inner)}`]
  })
  return `{\n${lines.join('\n')}\n${indent}}`
}

const fileOf = (source: string, definition: Definition): string => {
  const { group, names, versions } = definition.spec
  const version = versions[0]!
  const { spec, status } = version.schema.openAPIV3Schema.properties!
  const { kind, plural } = names
  return `// Generated from crds/${source} by \`npm run gen\`. Do not edit.
import type { Condition, ObjectMeta } from './meta.ts'

export type ${kind}Spec = ${typeOf(spec!, '')}

export type ${kind}Status = ${typeOf(status!, '')}

/** ${version.schema.openAPIV3Schema.description ?? kind} */
export type ${kind} = { apiVersion: string; kind: string; metadata: ObjectMeta; spec: ${kind}Spec; status?: ${kind}Status }

export const ${plural}: { apiVersion: string; kind: string; plural: string; namespaced: boolean; type?: ${kind} } = {
  apiVersion: '${group}/${version.name}',
  kind: '${kind}',
  plural: '${plural}',
  namespaced: true,
}
`
}

const pathsOf = (schema: Schema, path: string): string[] => [
  ...Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const inner = path === '' ? name : `${path}.${name}`
    return [inner, ...pathsOf(property, inner)]
  }),
  ...(schema.items ? pathsOf(schema.items, `${path}[]`) : []),
]

/** Every field of every kind, so that the operator can tell when the installed definitions are older than it is. */
const fieldsOf = (definitions: readonly Definition[]): string => {
  const kinds = definitions.map(({ spec: { names, versions } }) => {
    const { spec, status } = versions[0]!.schema.openAPIV3Schema.properties!
    const paths = [...pathsOf(spec!, 'spec'), ...pathsOf(status!, 'status')]
    return `  ${names.kind}: [\n${paths.map((path) => `    '${path}',\n`).join('')}  ],\n`
  })
  const head =
    '// Generated from crds/ by `npm run gen`. Do not edit.\n\n/** The fields of each kind, by path; [] is the inside of a list. */\n'
  return `${head}export const FIELDS: Readonly<Record<string, readonly string[]>> = {\n${kinds.join('')}}\n`
}

/** Path -> text of every generated file of src/api. */
export const apiTypes = (): Map<string, string> => {
  const files = new Map<string, string>()
  const sources = readdirSync('crds')
    .filter((name) => name.endsWith('.yaml'))
    .sort()
  const definitions = sources.map((source) => parse(readFileSync(join('crds', source), 'utf8')) as Definition)
  for (const [index, source] of sources.entries()) {
    const definition = definitions[index]!
    files.set(join('src', 'api', `${definition.spec.names.kind.toLowerCase()}.ts`), fileOf(source, definition))
  }
  files.set(join('src', 'api', 'fields.ts'), fieldsOf(definitions))
  return files
}
