import { isObject, type Json, type JsonObject } from '../json.ts'
import { itemElement } from '../schema/list-keys.ts'
import { fieldSchema, isAtomicMap, isStructField, listType, type Schema } from '../schema/schema.ts'

/**
 * Paths of fields, as server-side apply owns them. A path is its elements ('f:name', 'k:{...}', 'v:...') joined by SEPARATOR, so that set arithmetic is that of Set.
 */
export type FieldSet = Set<string>
export const SEPARATOR = '\n'
export const join = (path: string, element: string): string => (path ? `${path}${SEPARATOR}${element}` : element)

/** The fields that an applied configuration names: leaves, empty containers, map keys, and items of associative lists. */
export const fieldsOf = (value: Json | undefined, schema: Schema | undefined, path = '', into: FieldSet = new Set()): FieldSet => {
  if (isObject(value) && !(isAtomicMap(schema) && path)) {
    for (const [name, child] of Object.entries(value)) {
      if (child === undefined) continue
      const at = join(path, `f:${name}`)
      fieldsOf(child, fieldSchema(schema, name), at, into)
      if (isEmptyOrNull(child) || !isStructField(schema, name)) into.add(at)
    }
  } else if (Array.isArray(value) && listType(schema) !== 'atomic') {
    for (const item of value) {
      const at = join(path, itemElement(item, schema))
      fieldsOf(item, schema?.items, at, into)
      into.add(at)
    }
  } else if (path) into.add(path)
  return into
}

const isEmptyOrNull = (value: Json): boolean =>
  value === null || (Array.isArray(value) && value.length === 0) || (isObject(value) && Object.keys(value).length === 0)

/** What differs between two values: the paths that are new or have another value, and the paths that are gone. */
export type Difference = { changed: FieldSet; removed: FieldSet }
export const compare = (before: Json | undefined, after: Json | undefined, schema: Schema | undefined): Difference => {
  const difference: Difference = { changed: new Set(), removed: new Set() }
  walk({ before, after, schema, path: '' }, difference)
  return difference
}

type Pair = { before: Json | undefined; after: Json | undefined; schema: Schema | undefined; path: string }

const walk = (pair: Pair, difference: Difference): void => {
  const { before, after, schema, path } = pair
  if (after === undefined) return addAll(before, schema, path, difference.removed)
  if (before === undefined) return addAll(after, schema, path, difference.changed)
  if (isObject(before) && isObject(after) && !(isAtomicMap(schema) && path)) return walkMap(pair, difference)
  if (Array.isArray(before) && Array.isArray(after) && listType(schema) !== 'atomic') return walkList(pair, difference)
  if (JSON.stringify(before) !== JSON.stringify(after) && path) difference.changed.add(path)
}

/** The creationTimestamp of a template is written as null and belongs to nobody. */
const isUnset = (name: string, value: Json | undefined): boolean => name === 'creationTimestamp' && value === null

const walkMap = ({ before, after, schema, path }: Pair, difference: Difference): void => {
  const [old, now] = [before as JsonObject, after as JsonObject]
  for (const name of new Set([...Object.keys(old), ...Object.keys(now)])) {
    if (old[name] === now[name] || isUnset(name, old[name] ?? now[name])) continue
    walk({ before: old[name], after: now[name], schema: fieldSchema(schema, name), path: join(path, `f:${name}`) }, difference)
  }
}

const walkList = ({ before, after, schema, path }: Pair, difference: Difference): void => {
  const old = new Map((before as Json[]).map((item) => [itemElement(item, schema), item]))
  const now = new Map((after as Json[]).map((item) => [itemElement(item, schema), item]))
  for (const element of new Set([...old.keys(), ...now.keys()])) {
    walk({ before: old.get(element), after: now.get(element), schema: schema?.items, path: join(path, element) }, difference)
  }
}

/** Every path at and under a value that came or went as a whole. */
const addAll = (value: Json | undefined, schema: Schema | undefined, path: string, into: FieldSet): void => {
  if (value === undefined) return
  if (path) into.add(path)
  if (isObject(value) && !(isAtomicMap(schema) && path)) {
    for (const [name, child] of Object.entries(value)) {
      if (!isUnset(name, child)) addAll(child, fieldSchema(schema, name), join(path, `f:${name}`), into)
    }
  } else if (Array.isArray(value) && listType(schema) !== 'atomic') {
    for (const item of value) addAll(item, schema?.items, join(path, itemElement(item, schema)), into)
  }
}

/** FieldsV1: nested objects; '.' marks an inner path that is itself a member. */
export const encodeFields = (fields: FieldSet): JsonObject => {
  const root: JsonObject = {}
  for (const path of [...fields].sort()) {
    let here = root
    for (const element of path.split(SEPARATOR)) here = (here[element] ??= {}) as JsonObject
  }
  markInner(root, '', fields)
  return root
}

const markInner = (node: JsonObject, path: string, fields: FieldSet): void => {
  const elements = Object.keys(node)
  for (const element of elements) markInner(node[element] as JsonObject, join(path, element), fields)
  if (path && elements.length > 0 && fields.has(path)) node['.'] = {}
}

export const decodeFields = (node: Json | undefined, path = '', into: FieldSet = new Set()): FieldSet => {
  if (!isObject(node)) return into
  const elements = Object.keys(node)
  if (path && (elements.length === 0 || elements.includes('.'))) into.add(path)
  for (const element of elements) if (element !== '.') decodeFields(node[element], join(path, canonicalElement(element)), into)
  return into
}

/** Key elements from clients may order their keys otherwise. */
const canonicalElement = (element: string): string => {
  if (!element.startsWith('k:')) return element
  const keys = JSON.parse(element.slice(2)) as Record<string, unknown>
  const sorted = Object.keys(keys).sort()
  return `k:{${sorted.map((key) => `${JSON.stringify(key)}:${JSON.stringify(keys[key])}`).join(',')}}`
}

/** '.spec.ports[port=80,protocol="TCP"].name', as conflicts name a field. */
export const printPath = (path: string): string =>
  path
    .split(SEPARATOR)
    .map((element) => {
      if (element.startsWith('f:')) return `.${element.slice(2)}`
      if (element.startsWith('v:')) return `[=${element.slice(2)}]`
      const keys = Object.entries(JSON.parse(element.slice(2)) as Record<string, unknown>)
      return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`
    })
    .join('')
