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

/** Removes fields in place; a container that `keep` names something inside of stays. */
export const remove = (value: Json | undefined, fields: FieldSet, schema: Schema | undefined): void => {
  const tops = [...fields].filter((path) => !hasAncestor(path, fields))
  removeAt(value, new Set(tops), schema, '')
}

const hasAncestor = (path: string, fields: FieldSet): boolean => {
  for (let end = path.lastIndexOf(SEPARATOR); end > 0; end = path.lastIndexOf(SEPARATOR, end - 1))
    if (fields.has(path.slice(0, end))) return true
  return false
}

const removeAt = (value: Json | undefined, fields: FieldSet, schema: Schema | undefined, path: string): void => {
  if (isObject(value)) {
    for (const name of Object.keys(value)) {
      const at = join(path, `f:${name}`)
      if (fields.has(at)) delete value[name]
      else removeAt(value[name], fields, fieldSchema(schema, name), at)
    }
  } else if (Array.isArray(value) && listType(schema) !== 'atomic') {
    for (let i = value.length - 1; i >= 0; i--) {
      const at = join(path, itemElement(value[i]!, schema))
      if (fields.has(at)) value.splice(i, 1)
      else removeAt(value[i], fields, schema?.items, at)
    }
  }
}
