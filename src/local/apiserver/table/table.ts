import type { Json, JsonObject, KubeObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { age } from './age.ts'
import { builtinColumns } from './builtin.ts'
import type { ColumnSpec } from './column.ts'
import { evaluate } from './json-path.ts'

const NAME: ColumnSpec = { name: 'Name', format: 'name', cell: (object) => object.metadata.name }
const AGE: ColumnSpec = { name: 'Age', cell: (object, nowMs) => age(object.metadata.creationTimestamp, nowMs) }
const CREATED: ColumnSpec = { name: 'Created At', type: 'date', cell: (object) => object.metadata.creationTimestamp }

const custom = (resource: Resource): ColumnSpec[] => [
  NAME,
  ...resource.custom!.columns.map((column): ColumnSpec => ({
    name: column.name,
    type: column.type,
    format: column.format,
    priority: column.priority,
    cell: (object, nowMs) => customCell(evaluate(object, column.jsonPath), column.type, nowMs),
  })),
]

const customCell = (found: Json | undefined, type: string, nowMs: number): Json => {
  if (found === undefined || found === null) return null
  if (type === 'date') return age(found, nowMs)
  if (type === 'string') return typeof found === 'string' ? found : JSON.stringify(found)
  if (type === 'integer') return typeof found === 'number' ? Math.trunc(found) : null
  return found
}

const specsOf = (resource: Resource): ColumnSpec[] => {
  if (resource.custom) return custom(resource)
  const own = builtinColumns[resource.storageKey === '/events' ? '/Event' : `${resource.group}/${resource.kind}`]
  if (!own) return [NAME, CREATED]
  const has = (name: string): boolean => own.some((column) => column.name === name)
  // Events show their name last.
  return has('Name') ? own : [NAME, ...own, ...(has('Age') ? [] : [AGE])]
}

export const columnsOf = (resource: Resource): JsonObject[] =>
  specsOf(resource).map(({ name, type = 'string', format = '', priority = 0 }) => ({ name, type, format, description: '', priority }))

export const rowOf = (object: KubeObject, resource: Resource, nowMs: number): Json[] =>
  specsOf(resource).map((column) => column.cell(object, nowMs))
