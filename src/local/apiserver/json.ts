/** JSON as the API carries it. An absent key and an undefined value are the same. */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json | undefined }

export type Metadata = JsonObject & {
  name: string
  namespace?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: { [key: string]: string }
  annotations?: { [key: string]: string }
  finalizers?: string[]
  ownerReferences?: JsonObject[]
  managedFields?: JsonObject[]
}
/** An object as it is stored: never changed in place, a write stores another one. */
export type KubeObject = JsonObject & { apiVersion: string; kind: string; metadata: Metadata }

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {})
export const asArray = (value: unknown): Json[] => (Array.isArray(value) ? (value as Json[]) : [])
export const asString = (value: unknown): string => (typeof value === 'string' ? value : '')

export const clone = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map(clone) as T
  if (typeof value !== 'object' || value === null) return value
  const out: Record<string, unknown> = {}
  for (const [key, child] of Object.entries(value)) if (child !== undefined) out[key] = clone(child as unknown)
  return out as T
}

export const equal = (a: unknown, b: unknown): boolean => {
  if (a === b) return true
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => equal(item, b[i]))
  if (!isObject(a) || !isObject(b)) return false
  const keys = Object.keys(a).filter((key) => a[key] !== undefined)
  return keys.length === Object.keys(b).filter((key) => b[key] !== undefined).length && keys.every((key) => equal(a[key], b[key]))
}

/** The value at a path of plain keys; undefined where the path ends early. */
export const at = (value: unknown, ...path: string[]): Json | undefined => {
  let here = value
  for (const key of path) here = isObject(here) ? here[key] : undefined
  return here as Json | undefined
}

/** The object at `key`, made when absent or null. */
export const child = (parent: JsonObject, key: string): JsonObject => {
  const found = parent[key]
  if (isObject(found)) return found
  const made: JsonObject = {}
  parent[key] = made
  return made
}

/** Sets what is absent or null. */
export const fill = (target: JsonObject, defaults: JsonObject): void => {
  for (const [key, value] of Object.entries(defaults)) if (target[key] === undefined || target[key] === null) target[key] = clone(value)
}
