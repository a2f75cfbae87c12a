import { timestamp } from '../../../kube/time.ts'
import { recordUpdate } from '../fields/managed-fields.ts'
import { asObject, asString, at, clone, equal, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { decodeErrors } from '../schema/decode.ts'
import { applyDefaults, prune } from '../schema/prune.ts'
import { validateCustom } from '../custom/validate.ts'
import { fromStored, toStored, type Resource } from '../resources.ts'
import { fieldSchema, type Schema } from '../schema/schema.ts'
import { alreadyExists, badRequest, conflict, forbidden, invalid, MODIFIED, notFound, StatusError, type FieldError } from '../status.ts'
import { keyOf } from '../store/store.ts'
import { managerOf, type Call, type ObjectReply, type Server } from './context.ts'
import { adoptBody, initialMetadata, keepMetadata, newFinalizers, validateMetadata } from './metadata.ts'
import { isRemovable } from './removal.ts'
import type { Strategy } from './strategy.ts'
import { metadataSchema } from '../builtin/load.ts'

/** Reports or refuses unknown fields by fieldValidation, drops them, and fills the kind's defaults. */
export const normalise = (server: Server, call: Call, object: KubeObject): void => {
  const { resource } = call
  const errors = resource.custom ? [] : decodeErrors(object as Json, resource.schema)
  if (errors.length > 0) throw undecodable(call, object, errors[0]!)
  const metadata = object.metadata as Json
  const unknown = [...prune(metadata, metadataSchema, 'metadata', true), ...pruneBody(object, resource)]
  if (unknown.length > 0 && call.fieldValidation !== 'Ignore') {
    const words = [...new Set(unknown)].map((path) => `unknown field "${path}"`)
    if (call.fieldValidation === 'Strict') {
      throw undecodable(call, object, `strict decoding error: ${words.join(', ')}`)
    }
    call.warnings.push(...words)
  }
  if (resource.custom) applyDefaults(object as Json, resource.schema)
  else dropEmpty(object, resource.schema)
  server.strategyOf(resource).defaults?.(object)
}

/** Go structs have no null, and maps and lists that are empty are not written: both are as absent. creationTimestamp of templates stays null, as Go writes it. */
const dropEmpty = (value: JsonObject, schema: Schema | undefined): void => {
  for (const [key, child] of Object.entries(value)) {
    const own = fieldSchema(schema, key)
    if (child === null ? key !== 'creationTimestamp' : isUnwritten(child, own) && !schema?.required?.includes(key)) delete value[key]
    else if (Array.isArray(child)) child.filter(isObject).forEach((item) => dropEmpty(item, own?.items))
    else if (isObject(child)) dropEmpty(child, own)
  }
}
const isUnwritten = (value: Json | undefined, schema: Schema | undefined): boolean =>
  Array.isArray(value)
    ? value.length === 0
    : isObject(value) && schema?.additionalProperties !== undefined && Object.keys(value).length === 0

/** A patch that leaves what cannot be decoded is the patch's fault, not the body's. */
const undecodable = (call: Call, object: KubeObject, words: string): StatusError => {
  const { kind, version } = call.resource
  if (!('patchType' in call)) return badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${words}`)
  const message = `Invalid value: ${JSON.stringify(JSON.stringify(object))}: ${words}`
  return invalid({ group: '', plural: '', kind: '' }, '', [{ reason: 'FieldValueInvalid', field: 'patch', message }])
}

const pruneBody = (object: KubeObject, resource: Resource): string[] => {
  const { metadata, ...body } = object
  const removed = prune(body as Json, resource.schema, '', !resource.custom)
  for (const key of Object.keys(object)) if (key !== 'metadata' && !Object.hasOwn(body, key)) delete object[key]
  object.metadata = metadata
  return removed
}

export const validate = (server: Server, call: Call, object: KubeObject, old: KubeObject | undefined): void => {
  const { resource } = call
  const errors: FieldError[] = [...validateMetadata(object)]
  if (old) errors.push(...newFinalizers(object, old), ...(resource.custom ? newFinalizers(object, old) : []))
  errors.push(...(server.strategyOf(resource).validate?.(object, old) ?? []))
  if (resource.custom) errors.push(...validateCustom(resource, object, old))
  if (errors.length > 0) throw invalid(resource, object.metadata.name ?? '', errors)
}

const requireNamespace = (server: Server, call: Call, name: string): void => {
  if (!call.resource.namespaced) return
  const namespace = server.store.get('/namespaces', call.namespace)
  if (!namespace) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, call.namespace)
  if (!namespace.metadata.deletionTimestamp) return
  const why = `unable to create new content in namespace ${call.namespace} because it is being terminated`
  throw forbidden(call.resource, name, why, [
    { reason: 'NamespaceTerminating', message: `namespace ${call.namespace} is being terminated`, field: 'metadata.namespace' },
  ])
}

/** Stores an object in its kind's stored form and gives it back in the caller's. */
export const putStored = (server: Server, resource: Resource, object: KubeObject): KubeObject =>
  fromStored(server.store.put(resource.storageKey, toStored(object, resource)), resource)

/** Stores a new object. `managed` is set by apply, which writes managedFields itself. */
export const create = (server: Server, call: Call, body: JsonObject, managed = false): ObjectReply => {
  const { resource } = call
  const strategy = server.strategyOf(resource)
  const object = adoptBody(call, body)
  if (asString(object.metadata['resourceVersion']))
    throw new StatusError(500, '', 'resourceVersion should not be set on objects to be created')
  requireNamespace(server, call, object.metadata.name ?? asString(object.metadata['generateName']))
  for (const field of strategy.reset) delete object[field]
  normalise(server, call, object)
  initialMetadata(server, object, strategy.hasGeneration === true)
  strategy.prepareCreate?.(object, { ...server.creation, now: timestamp(server.wall.nowMs()) })
  validate(server, call, object, undefined)
  const key = keyOf(object.metadata.namespace, object.metadata.name)
  if (server.store.get(resource.storageKey, key)) throw alreadyExists(resource, object.metadata.name)
  if (!managed) recordUpdate(undefined, object, resource.schema, { manager: managerOf(server, call, 'Update'), reset: strategy.reset })
  strategy.admit?.(object, { ...server.creation, now: timestamp(server.wall.nowMs()) })
  return { code: 201, object: call.dryRun ? object : putStored(server, resource, object) }
}

export const existing = (server: Server, call: Call): KubeObject => {
  const found = server.store.get(call.resource.storageKey, keyOf(call.resource.namespaced ? call.namespace : undefined, call.name))
  if (!found) throw notFound(call.resource, call.name)
  return fromStored(found, call.resource)
}

const specOf = (object: KubeObject): JsonObject => {
  const { metadata: _metadata, status: _status, ...rest } = object
  return rest
}

/** Takes over from `old` what this call may not write. */
const restrict = (call: Call, object: KubeObject, old: KubeObject, strategy: Strategy): KubeObject => {
  if (call.subresource === 'status') {
    const metadata = call.resource.custom
      ? { ...clone(old.metadata), managedFields: object.metadata.managedFields, resourceVersion: object.metadata.resourceVersion }
      : object.metadata
    const out = { ...clone(old), metadata, status: object['status'] } as KubeObject
    if (out['status'] === undefined) delete out['status']
    return out
  }
  for (const field of strategy.reset) {
    if (old[field] === undefined) delete object[field]
    else object[field] = clone(old[field])
  }
  return object
}

const checkPreconditions = (call: Call, object: KubeObject, old: KubeObject, strategy: Strategy): void => {
  const { resource } = call
  const version = asString(object.metadata['resourceVersion'])
  if (!version && strategy.allowsUnconditionalUpdate === false) {
    throw invalid({ ...resource, kind: resource.plural }, call.name, [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message: 'Invalid value: 0x0: must be specified for an update' },
    ])
  }
  const uid = asString(object.metadata.uid)
  if (uid && uid !== old.metadata.uid) {
    const key = `/registry/${resource.custom ? resource.storageKey : resource.plural}/${keyOf(old.metadata.namespace, call.name)}`
    const storage = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: `
    throw conflict(
      resource,
      call.name,
      `${storage}Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    )
  }
  if (version && version !== old.metadata.resourceVersion) throw conflict(resource, call.name, MODIFIED)
}

const storeChange = (server: Server, call: Call, next: KubeObject, old: KubeObject): ObjectReply => {
  const { storageKey } = call.resource
  next.metadata.resourceVersion = old.metadata.resourceVersion
  if (call.dryRun) return { code: 200, object: next }
  if (isUnchanged(next, old)) return { code: 200, object: old }
  if (!isRemovable(next)) return { code: 200, object: putStored(server, call.resource, next) }
  return { code: 200, object: server.store.delete(storageKey, keyOf(next.metadata.namespace, next.metadata.name), next) ?? next }
}

/** Stores a changed object, or removes it when the change released its last finalizer. Writes nothing when nothing changed. */
export const replace = (server: Server, call: Call, object: KubeObject, managed = false): ObjectReply => {
  const { resource } = call
  const strategy = server.strategyOf(resource)
  const old = existing(server, call)
  checkPreconditions(call, object, old, strategy)
  normalise(server, call, object)
  const next = restrict(call, object, old, strategy)
  keepMetadata(next, old)
  if (call.subresource === '' || call.subresource === 'scale') strategy.prepareUpdate?.(next, old)
  if (strategy.hasGeneration && !equal(specOf(next), specOf(old))) next.metadata.generation = (old.metadata.generation ?? 0) + 1
  validate(server, call, next, old)
  if (!managed) {
    const reset = call.subresource === 'status' ? [] : strategy.reset
    recordUpdate(old, next, resource.schema, { manager: managerOf(server, call, 'Update'), reset })
  }
  return storeChange(server, call, next, old)
}

/** Equal but for the times in managedFields. */
const isUnchanged = (next: KubeObject, old: KubeObject): boolean => {
  const timeless = (object: KubeObject): Json => ({
    ...object,
    metadata: { ...object.metadata, managedFields: (object.metadata.managedFields ?? []).map((entry) => ({ ...entry, time: '' })) },
  })
  return equal(timeless(next), timeless(old))
}

export const update = (server: Server, call: Call, body: JsonObject): ObjectReply => {
  const strategy = server.strategyOf(call.resource)
  const object = adoptBody(call, body)
  const key = keyOf(call.resource.namespaced ? call.namespace : undefined, call.name)
  if (strategy.createsOnUpdate && !call.subresource && !server.store.get(call.resource.storageKey, key)) {
    if (at(object, 'metadata', 'uid')) throw notFound(call.resource, call.name)
    return create(server, call, asObject(object))
  }
  return replace(server, call, object)
}
