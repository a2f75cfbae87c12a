import { asObject, isObject, type Json } from '../json.ts'
import { listType, type Schema } from './schema.ts'

/** A canonical text of a JSON value: equal values have equal texts, whatever the order of their keys. */
export const canonical = (value: Json | undefined): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value ?? null)
  const keys = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
}

/**
 * Names an item of an associative list as managedFields do: 'k:{"name":"a"}' for a map list, 'v:"a"' for a set. A missing key counts with its schema's default;
 * without one it is left out.
 */
export const itemElement = (item: Json, schema: Schema | undefined): string => {
  if (listType(schema) !== 'map') return `v:${canonical(item)}`
  const keys: Record<string, Json> = {}
  for (const key of [...(schema?.['x-kubernetes-list-map-keys'] ?? [])].sort()) {
    const value = asObject(item)[key] ?? schema?.items?.properties?.[key]?.default
    if (value !== undefined) keys[key] = value
  }
  return `k:${canonical(keys)}`
}
