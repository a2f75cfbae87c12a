import { canonical } from '../../../kube/difference.ts'
import { asObject, type Json } from '../json.ts'
import { listType, type Schema } from './schema.ts'

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
