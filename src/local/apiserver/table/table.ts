import { asString, type Json, type JsonObject, type KubeObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { builtinColumns } from './builtin.ts'
import { evaluate } from './json-path.ts'

export type ColumnSpec = {
  name: string
  type?: string
  format?: string
  priority?: number
  cell: (object: KubeObject, nowMs: number) => Json
}

/** '5d', '3h12m', '45s': how long ago, as kubectl prints ages. */
export const age = (timestamp: Json | undefined, nowMs: number): string => {
  const ms = Date.parse(asString(timestamp))
  return Number.isNaN(ms) ? '<unknown>' : duration(Math.floor((nowMs - ms) / 1000))
}

export const duration = (seconds: number): string => {
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`
  if (hours < 48) return `${hours}h`
  const days = Math.floor(hours / 24)
  if (hours < 192) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`
  if (days < 730) return `${days}d`
  const years = Math.floor(days / 365)
  return days % 365 === 0 || days >= 365 * 8 ? `${years}y` : `${years}y${days % 365}d`
}

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
  const own = builtinColumns[`${resource.group}/${resource.kind}`]
  return own ? [NAME, ...own, ...(own.some((column) => column.name === 'Age') ? [] : [AGE])] : [NAME, CREATED]
}

export const columnsOf = (resource: Resource): JsonObject[] =>
  specsOf(resource).map(({ name, type = 'string', format = '', priority = 0 }) => ({ name, type, format, description: '', priority }))

export const rowOf = (object: KubeObject, resource: Resource, nowMs: number): Json[] =>
  specsOf(resource).map((column) => column.cell(object, nowMs))
