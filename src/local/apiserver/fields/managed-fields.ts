import { asArray, asObject, asString, equal, type Json, type JsonObject, type KubeObject } from '../json.ts'
import type { Schema } from '../schema/schema.ts'
import { badRequest, StatusError } from '../status.ts'
import { compare, decodeFields, encodeFields, fieldsOf, printPath, SEPARATOR, type FieldSet } from './field-set.ts'
import { merge, remove } from './merge.ts'

/** Who writes: recorded in metadata.managedFields. */
export type Manager = { name: string; operation: 'Apply' | 'Update'; apiVersion: string; subresource: string; time: string }
type Owner = Manager & { fields: FieldSet }

/** Set by the server, or the object's name: nobody owns these. */
const UNOWNED = ['f:apiVersion', 'f:kind', 'f:metadata']
const UNOWNED_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
]
const unowned = new Set([...UNOWNED, ...UNOWNED_METADATA.map((name) => `f:metadata${SEPARATOR}f:${name}`)])
/** As many Update managers as a real server keeps apart. */
const MAX_UPDATE_MANAGERS = 10

const ownersOf = (object: KubeObject | undefined): Owner[] =>
  asArray(object?.metadata.managedFields).map((entry) => {
    const one = asObject(entry)
    return {
      name: asString(one['manager']),
      operation: one['operation'] === 'Apply' ? 'Apply' : 'Update',
      apiVersion: asString(one['apiVersion']),
      subresource: asString(one['subresource']),
      time: asString(one['time']),
      fields: decodeFields(one['fieldsV1']),
    }
  })

const isSame = (a: Manager, b: Manager): boolean =>
  a.name === b.name && a.operation === b.operation && a.subresource === b.subresource && a.apiVersion === b.apiVersion

const encode = (owners: readonly Owner[]): JsonObject[] =>
  owners
    .filter((owner) => owner.fields.size > 0)
    .sort((a, b) =>
      a.operation === b.operation
        ? a.time < b.time
          ? -1
          : a.time > b.time
            ? 1
            : a.name < b.name
              ? -1
              : 1
        : a.operation === 'Apply'
          ? -1
          : 1,
    )
    .map((owner) => ({
      apiVersion: owner.apiVersion,
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(owner.fields),
      manager: owner.name,
      operation: owner.operation,
      ...(owner.subresource ? { subresource: owner.subresource } : {}),
      time: owner.time,
    }))

const own = (fields: FieldSet, reset: readonly string[]): FieldSet => {
  for (const path of fields) {
    if (unowned.has(path) || path.startsWith(`f:metadata${SEPARATOR}f:managedFields`)) fields.delete(path)
    if (reset.some((field) => path === `f:${field}` || path.startsWith(`f:${field}${SEPARATOR}`))) fields.delete(path)
  }
  return fields
}

const without = (object: KubeObject): KubeObject =>
  ({ ...object, metadata: { ...object.metadata, managedFields: undefined, resourceVersion: '' } }) as unknown as KubeObject

/** Gives `after` the managedFields that follow from a create, update or patch by `manager`. `reset`: top-level fields that this write cannot set. */
export const recordUpdate = (
  before: KubeObject | undefined,
  after: KubeObject,
  schema: Schema,
  options: { manager: Manager; reset: readonly string[] },
): void => {
  const { manager, reset } = options
  const given = after.metadata.managedFields
  const isReset = before !== undefined && given !== undefined && (given.length === 0 || equal(given, [{}]))
  const keepsGiven = given !== undefined && given.length > 0 && !isReset
  const owners = isReset ? [] : ownersOf(keepsGiven ? after : before)
  if (isReset) {
    after.metadata.managedFields = undefined as never
    return
  }
  const { changed, removed } = compare(before && (without(before) as Json), without(after) as Json, schema)
  own(changed, reset)
  for (const owner of owners) {
    const isOther = !isSame(owner, manager)
    owner.fields = new Set([...owner.fields].filter((path) => !removed.has(path) && !(isOther && changed.has(path))))
  }
  const me = owners.find((owner) => isSame(owner, manager))
  if (changed.size > 0) {
    if (me) {
      for (const path of changed) me.fields.add(path)
      me.time = manager.time
    } else owners.push({ ...manager, fields: changed })
  }
  after.metadata.managedFields = encode(limited(owners))
  if (after.metadata.managedFields.length === 0) delete after.metadata['managedFields']
}

const limited = (owners: Owner[]): Owner[] => {
  const updates = owners.filter((owner) => owner.operation === 'Update').sort((a, b) => (a.time < b.time ? -1 : 1))
  if (updates.length <= MAX_UPDATE_MANAGERS) return owners
  const old = updates.slice(0, updates.length - MAX_UPDATE_MANAGERS + 1)
  const merged = new Map<string, Owner>()
  for (const owner of old) {
    const into = merged.get(owner.apiVersion)
    if (into) for (const path of owner.fields) into.fields.add(path)
    else merged.set(owner.apiVersion, { ...owner, name: 'ancient-changes', subresource: '' })
  }
  return [...owners.filter((owner) => !old.includes(owner)), ...merged.values()]
}

export type ApplyOptions = { manager: Manager; force: boolean; reset: readonly string[] }

/** Server-side apply: the merged object with its managedFields, without a resourceVersion of its own. Throws Conflict unless forced. */
export const applyConfiguration = (
  live: KubeObject | undefined,
  applied: KubeObject,
  schema: Schema,
  options: ApplyOptions,
): KubeObject => {
  const { manager, force, reset } = options
  if (asArray(applied.metadata.managedFields).length > 0) throw badRequest('metadata.managedFields must be nil')
  const config = { ...applied } as KubeObject
  for (const field of reset) delete config[field]
  const wanted = own(fieldsOf(config as Json, schema), [])
  const others = ownersOf(live).filter((owner) => !isSame(owner, manager))
  const last = ownersOf(live).find((owner) => isSame(owner, manager))
  const merged = merge((live ? without(live) : {}) as Json, config as Json, schema) as KubeObject
  merged.metadata.resourceVersion = live?.metadata.resourceVersion ?? asString(applied.metadata.resourceVersion)
  const isOwned = (path: string): boolean => wanted.has(path) || others.some(({ fields }) => fields.has(path))
  remove(merged as Json, droppedFields(last, wanted, others), schema, isOwned)
  const base = live ? (without(live) as Json) : undefined
  const { changed, removed } = compare(base, without(merged) as Json, schema)
  own(changed, reset)
  const isTaken = (path: string): boolean => changed.has(path) && wanted.has(path)
  const contested = others.map((owner) => ({ owner, paths: [...owner.fields].filter(isTaken) })).filter(({ paths }) => paths.length > 0)
  if (contested.length > 0 && !force) throw applyConflict(contested)
  for (const owner of others) owner.fields = new Set([...owner.fields].filter((path) => !removed.has(path) && !isTaken(path)))
  const isSameAsLast = last !== undefined && changed.size + removed.size === 0 && equal([...last.fields].sort(), [...wanted].sort())
  merged.metadata.managedFields = encode([...others, { ...manager, fields: wanted, time: isSameAsLast ? last.time : manager.time }])
  return merged
}

/** What this manager applied before, applies no longer, and nobody else owns. */
const droppedFields = (last: Owner | undefined, wanted: FieldSet, others: readonly Owner[]): FieldSet => {
  const held = new Set([...wanted, ...others.flatMap((owner) => [...owner.fields])])
  return new Set([...(last?.fields ?? [])].filter((path) => !isHeld(path, held)))
}

/** True when the set names the path or something inside of it. */
const isHeld = (path: string, fields: FieldSet): boolean => {
  if (fields.has(path)) return true
  for (const one of fields) if (one.startsWith(path + SEPARATOR)) return true
  return false
}

const applyConflict = (contested: { owner: Owner; paths: string[] }[]): StatusError => {
  const describe = ({ owner }: { owner: Owner }): string =>
    `conflict with "${owner.name}"${owner.subresource ? ` with subresource "${owner.subresource}"` : ''}${owner.operation === 'Update' ? ` using ${owner.apiVersion}` : ''}`
  const causes = contested.flatMap((one) =>
    one.paths.map((path) => ({ reason: 'FieldManagerConflict', message: describe(one), field: printPath(path) })),
  )
  const words = contested.map((one) => {
    const fields = one.paths.map(printPath)
    return fields.length === 1
      ? `${describe(one)}: ${fields[0]}`
      : `${describe(one).replace('conflict', 'conflicts')}:\n- ${fields.join('\n- ')}`
  })
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`
  return new StatusError(409, 'Conflict', `Apply failed with ${count}: ${words.join('\n')}`, { causes })
}
