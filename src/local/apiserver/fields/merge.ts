import { clone, isObject, type Json, type JsonObject } from '../json.ts'
import { itemElement } from '../schema/list-keys.ts'
import { fieldSchema, isAtomicMap, listType, type Schema } from '../schema/schema.ts'
import { join, SEPARATOR, type FieldSet } from './field-set.ts'

/** Lays an applied configuration over the live value: maps merge, associative lists merge by key, all else is replaced. */
export const merge = (live: Json | undefined, applied: Json | undefined, schema: Schema | undefined): Json | undefined => {
  if (applied === undefined) return clone(live)
  if (isObject(live) && isObject(applied) && !isAtomicMap(schema)) {
    const out: JsonObject = clone(live)
    for (const [name, value] of Object.entries(applied)) out[name] = merge(live[name], value, fieldSchema(schema, name))
    return out
  }
  if (Array.isArray(live) && Array.isArray(applied) && listType(schema) !== 'atomic') return mergeList(live, applied, schema)
  return clone(applied)
}

/** The applied order rules; an item that only the live list has comes as soon as everything before it has come. */
const mergeList = (live: Json[], applied: Json[], schema: Schema | undefined): Json[] => {
  const wanted = new Map(applied.map((item) => [itemElement(item, schema), item]))
  const present = new Map(live.map((item) => [itemElement(item, schema), item]))
  const order = [...present.keys()]
  const placed = new Set<string>()
  const out: Json[] = []
  let next = 0
  const takeOwn = (): void => {
    for (; next < order.length && (!wanted.has(order[next]!) || placed.has(order[next]!)); next++) {
      if (!wanted.has(order[next]!)) out.push(clone(present.get(order[next]!)!))
    }
  }
  for (const [element, item] of wanted) {
    takeOwn()
    out.push(merge(present.get(element), item, schema?.items) as Json)
    placed.add(element)
  }
  takeOwn()
  return out
}

/** Removes fields in place, and the containers that are empty thereafter: they go with their last member, unless somebody owns them as they are (`isOwned`). */
export const remove = (value: Json | undefined, fields: FieldSet, schema: Schema | undefined, isOwned: (path: string) => boolean): void => {
  const tops = [...fields].filter((path) => !hasAncestor(path, fields))
  removeAt(value, { fields: new Set(tops), isOwned }, schema, '')
}

const hasAncestor = (path: string, fields: FieldSet): boolean => {
  for (let end = path.lastIndexOf(SEPARATOR); end > 0; end = path.lastIndexOf(SEPARATOR, end - 1))
    if (fields.has(path.slice(0, end))) return true
  return false
}

type Removal = { fields: FieldSet; isOwned: (path: string) => boolean }

const sizeOf = (value: Json | undefined): number => {
  if (Array.isArray(value)) return value.length
  return isObject(value) ? Object.keys(value).length : -1
}

const removeAt = (value: Json | undefined, removal: Removal, schema: Schema | undefined, path: string): void => {
  const { fields, isOwned } = removal
  if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const at = join(path, `f:${name}`)
      if (fields.has(at)) delete value[name]
      else {
        const before = sizeOf(value[name])
        removeAt(value[name], removal, fieldSchema(schema, name), at)
        if (before > 0 && sizeOf(value[name]) === 0 && !isOwned(at)) delete value[name]
      }
    }
  } else if (Array.isArray(value) && listType(schema) !== 'atomic') {
    for (let i = value.length - 1; i >= 0; i--) {
      const at = join(path, itemElement(value[i]!, schema))
      if (fields.has(at)) value.splice(i, 1)
      else removeAt(value[i], removal, schema?.items, at)
    }
  }
}
