import { applyConfiguration } from '../fields/managed-fields.ts'
import { asObject, asString, clone, isObject, type Json, type JsonObject, type KubeObject } from '../json.ts'
import { jsonPatch, mergePatch } from '../patch/json-patch.ts'
import { strategicMergePatch } from '../patch/strategic.ts'
import { fromStored } from '../resources.ts'
import { prune } from '../schema/prune.ts'
import { badRequest, conflict, invalid, MODIFIED, notFound, StatusError, unsupportedMediaType } from '../status.ts'
import { keyOf } from '../store/store.ts'
import { PATCH_TYPES, type PatchType } from './body.ts'
import { managerOf, type Call, type ObjectReply, type Server } from './context.ts'
import { adoptBody } from './metadata.ts'
import { create, existing, normalise, replace } from './write.ts'

export type PatchCall = Call & { patchType: PatchType; force: boolean }

const patched = (call: PatchCall, old: KubeObject, body: Json): Json => {
  switch (call.patchType) {
    case 'application/json-patch+json':
      return jsonPatch(old, body)
    case 'application/merge-patch+json':
      return mergePatch(old, body)
    default:
      return strategicMergePatch(old, body, call.resource.schema)
  }
}

const acceptedTypes = (call: Call): readonly string[] =>
  call.resource.custom ? PATCH_TYPES.filter((type) => type !== 'application/strategic-merge-patch+json') : PATCH_TYPES

/** PATCH in all four media types; apply makes what is absent. */
export const patch = (server: Server, call: PatchCall, body: Json): ObjectReply => {
  if (!acceptedTypes(call).includes(call.patchType)) throw unsupportedMediaType(acceptedTypes(call))
  if (call.patchType === 'application/apply-patch+yaml') return apply(server, call, body)
  const old = existing(server, call)
  const result = patched(call, old, body)
  if (!isObject(result)) throw badRequest('the patch leaves no object')
  // Without a resourceVersion in the patch, the one of `old` stays in the result and matches.
  const next = result as KubeObject
  if (asString(asObject(next.metadata)['resourceVersion']) !== old.metadata.resourceVersion && hasVersion(next))
    throw conflict(call.resource, call.name, MODIFIED)
  const kind = [asString(next.apiVersion), asString(next.kind)]
  if (kind[0] !== old.apiVersion || kind[1] !== old.kind) {
    throw new StatusError(400, 'BadRequest', `the patch changes apiVersion or kind to ${kind.join(' ')}, and that cannot be changed`)
  }
  next.metadata.resourceVersion = old.metadata.resourceVersion
  return replace(server, call, adoptPatched(call, next))
}

const hasVersion = (object: KubeObject): boolean => asString(asObject(object.metadata)['resourceVersion']) !== ''

const adoptPatched = (call: Call, next: KubeObject): KubeObject => {
  const { name } = next.metadata
  if (name !== call.name) {
    throw invalid(call.resource, call.name, [
      { reason: 'FieldValueInvalid', field: 'metadata.name', message: `Invalid value: ${JSON.stringify(name ?? '')}: field is immutable` },
    ])
  }
  return adoptBody(call, next)
}

const apply = (server: Server, call: PatchCall, body: Json): ObjectReply => {
  if (!isObject(body)) throw badRequest('the applied configuration must be an object')
  const { resource } = call
  if (!call.manager) {
    throw new StatusError(
      422,
      'Invalid',
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
      {
        group: 'meta.k8s.io',
        kind: 'PatchOptions',
        causes: [{ reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' }],
      },
    )
  }
  const applied = adoptBody(call, body)
  const strategy = server.strategyOf(resource)
  const reset =
    call.subresource === 'status'
      ? Object.keys(applied).filter((key) => !['apiVersion', 'kind', 'metadata', 'status'].includes(key))
      : strategy.reset
  const found = server.store.get(resource.storageKey, keyOf(resource.namespaced ? call.namespace : undefined, call.name))
  const live = found && fromStored(found, resource)
  if (!live && call.subresource) throw notFound(resource, call.name)
  const version = asString(applied.metadata['resourceVersion'])
  if (live && version && version !== live.metadata.resourceVersion) throw conflict(resource, call.name, MODIFIED)
  if (!live && asString(applied.metadata.uid)) {
    throw conflict(
      resource,
      call.name,
      `uid mismatch: the provided object specified uid ${asString(applied.metadata.uid)}, and no existing object was found`,
    )
  }
  const options = { manager: managerOf(server, call, 'Apply'), force: call.force, reset }
  checkFields(server, call, applied)
  const next = applyConfiguration(live, applied, resource.schema, options)
  const quiet: Call = { ...call, fieldValidation: 'Ignore' }
  return live ? replace(server, quiet, next, true) : create(server, quiet, withoutVersion(next), true)
}

/** Unknown fields are told of before they could be owned. Defaults do not count as applied. */
const checkFields = (server: Server, call: Call, applied: KubeObject): void => {
  normalise(server, call, clone(applied))
  prune(applied as Json, call.resource.schema, '', !call.resource.custom)
}

const withoutVersion = (object: KubeObject): JsonObject => {
  delete (object.metadata as JsonObject)['resourceVersion']
  return object
}
