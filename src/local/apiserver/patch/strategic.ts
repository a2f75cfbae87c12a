import { asArray, asObject, clone, equal, isObject, type Json, type JsonObject } from '../json.ts'
import { fieldSchema, type Schema } from '../schema/schema.ts'
import { badRequest } from '../status.ts'

const DIRECTIVE = '$patch'
const RETAIN_KEYS = '$retainKeys'
const DELETE_FROM = '$deleteFromPrimitiveList/'
const SET_ORDER = '$setElementOrder/'

const strategies = (schema: Schema | undefined): string[] => (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',')

/** Strategic merge patch, on a copy: lists that the schema marks with patchStrategy merge are merged by their key; the $ directives are kubectl's. */
export const strategicMergePatch = (target: Json | undefined, patch: Json, schema: Schema | undefined): Json => {
  if (!isObject(patch)) return clone(patch)
  return mergeMap(isObject(target) ? clone(target) : {}, patch, schema)
}

const mergeMap = (target: JsonObject, patch: JsonObject, schema: Schema | undefined): JsonObject => {
  const directive = patch[DIRECTIVE]
  if (directive === 'replace') return withoutDirectives(patch)
  if (directive === 'delete') return {}
  if (directive !== undefined && directive !== 'merge') throw badRequest(`Unknown patch type found: ${JSON.stringify(directive)}`)
  retain(target, patch[RETAIN_KEYS])
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$') || value === undefined) continue
    mergeField(target, key, value, fieldSchema(schema, key))
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(DELETE_FROM)) deleteFrom(target, key.slice(DELETE_FROM.length), asArray(value))
    if (key.startsWith(SET_ORDER)) reorder(target, key.slice(SET_ORDER.length), asArray(value), schema)
  }
  return target
}

const mergeField = (target: JsonObject, key: string, value: Json, schema: Schema | undefined): void => {
  const strategy = strategies(schema)
  if (value === null) delete target[key]
  else if (Array.isArray(value)) target[key] = strategy.includes('merge') ? mergeList(asArray(target[key]), value, schema) : clone(value)
  else if (isObject(value)) {
    const old = isObject(target[key]) && !strategy.includes('replace') ? (target[key] as JsonObject) : {}
    target[key] = mergeMap(old, value, schema)
  } else target[key] = value
}

const mergeList = (target: Json[], patch: Json[], schema: Schema | undefined): Json[] => {
  const mergeKey = schema?.['x-kubernetes-patch-merge-key']
  if (!mergeKey) return [...target, ...patch.filter((item) => !target.some((one) => equal(one, item))).map(clone)]
  if (patch.some((item) => asObject(item)[DIRECTIVE] === 'replace')) {
    return patch
      .filter((item) => !(DIRECTIVE in asObject(item) && !(mergeKey in asObject(item))))
      .map((item) => withoutDirectives(asObject(item)))
  }
  const out = [...target]
  for (const item of patch.map(asObject)) {
    const key = item[mergeKey]
    if (key === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`)
    const position = out.findIndex((one) => equal(asObject(one)[mergeKey], key))
    if (item[DIRECTIVE] === 'delete') {
      if (position >= 0) out.splice(position, 1)
    } else if (position >= 0) out[position] = mergeMap(asObject(out[position]), item, schema?.items)
    else out.push(mergeMap({}, item, schema?.items))
  }
  return out
}

const withoutDirectives = (value: JsonObject): JsonObject => {
  const out = clone(value)
  for (const key of Object.keys(out)) if (key.startsWith('$')) delete out[key]
  return out
}

const retain = (target: JsonObject, keys: Json | undefined): void => {
  if (!Array.isArray(keys)) return
  for (const key of Object.keys(target)) if (!keys.includes(key)) delete target[key]
}

const deleteFrom = (target: JsonObject, key: string, items: Json[]): void => {
  const list = target[key]
  if (Array.isArray(list)) target[key] = list.filter((one) => !items.some((item) => equal(one, item)))
}

/** Items that the order names come in that order; the others stay behind the item that they followed. */
const reorder = (target: JsonObject, key: string, order: Json[], schema: Schema | undefined): void => {
  const list = target[key]
  if (!Array.isArray(list)) return
  const mergeKey = fieldSchema(schema, key)?.['x-kubernetes-patch-merge-key']
  const rank = (item: Json): number =>
    order.findIndex((one) => (mergeKey ? equal(asObject(one)[mergeKey], asObject(item)[mergeKey]) : equal(one, item)))
  let last = -1
  const ranked = list.map((item, i) => {
    const own = rank(item)
    if (own >= 0) last = own
    return { item, i, rank: own >= 0 ? own : last + 0.5 }
  })
  target[key] = ranked.sort((a, b) => a.rank - b.rank || a.i - b.i).map(({ item }) => item)
}
