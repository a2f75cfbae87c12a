import { holdDefinition, isDefinition } from '../custom/lifecycle.ts'
import { asObject, type Json, type JsonObject } from '../json.ts'
import type { Resource } from '../resources.ts'
import { asBodyObject, decodeBody, PATCH_TYPES, type PatchType } from '../rest/body.ts'
import type { Call, ObjectReply, Server } from '../rest/context.ts'
import { deleteOptions, remove, type DeleteOptions } from '../rest/delete.ts'
import { matcherOf } from '../rest/list.ts'
import { patch, type PatchCall } from '../rest/patch.ts'
import { bind, evict, finalize } from '../rest/pods.ts'
import { getScale, patchScale, updateScale } from '../rest/scale.ts'
import { create, existing, update } from '../rest/write.ts'
import { requestToken } from '../reviews.ts'
import { methodNotAllowed, unknownPatchType, type Named } from '../status.ts'
import type { Tokens } from '../tokens.ts'
import { mediaType, readBody, type Exchange } from './exchange.ts'

/** The body of a request that may have none. */
const optionalBody = async (exchange: Exchange): Promise<JsonObject> => {
  const bytes = await readBody(exchange.request)
  return bytes.length === 0 ? {} : asObject(await decodeBody(bytes, mediaType(exchange.request)))
}
const requiredBody = async (exchange: Exchange): Promise<JsonObject> =>
  asBodyObject(await decodeBody(await readBody(exchange.request), mediaType(exchange.request)))
const patchBody = async (exchange: Exchange): Promise<Json> => {
  if (!(PATCH_TYPES as readonly string[]).includes(mediaType(exchange.request))) throw unknownPatchType()
  return decodeBody(await readBody(exchange.request), mediaType(exchange.request))
}

const patchCall = (call: Call, exchange: Exchange): PatchCall => ({
  ...call,
  warnings: call.warnings,
  patchType: mediaType(exchange.request) as PatchType,
  force: exchange.url.searchParams.get('force') === 'true',
})

export type WriteReply = ObjectReply | { code: 200 | 201; status: JsonObject }

const deletedStatus = (of: Named, name: string, uid: string): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: { name, ...(of.group ? { group: of.group } : {}), kind: of.plural, uid },
})

const deleteOne = (server: Server, call: Call, options: DeleteOptions): WriteReply => {
  if (isDefinition(call) && !call.dryRun) {
    existing(server, call)
    holdDefinition(server, call)
  }
  const { object, isGone } = remove(server, call, options)
  if (isGone && !server.strategyOf(call.resource).returnsDeleted)
    return { code: 200, status: deletedStatus(call.resource, call.name, object.metadata.uid) }
  return { code: 200, object }
}

/** Writes to one object or a collection, by method; everything between reading the body and storing is one turn of the event loop. */
export const writeMain = async (server: Server, call: Call, exchange: Exchange): Promise<WriteReply> => {
  const { method } = exchange.request
  if (method === 'POST') return create(server, call, await requiredBody(exchange))
  if (method === 'PUT') return update(server, call, await requiredBody(exchange))
  if (method === 'PATCH') return patch(server, patchCall(call, exchange), await patchBody(exchange))
  if (method !== 'DELETE') throw methodNotAllowed()
  const options = deleteOptions(await optionalBody(exchange), exchange.url.searchParams)
  if (call.name) return deleteOne(server, call, options)
  return { code: 200, status: deleteAll(server, call, { options, query: exchange.url.searchParams }) }
}

const deleteAll = (server: Server, call: Call, { options, query }: { options: DeleteOptions; query: URLSearchParams }): JsonObject => {
  const { resource } = call
  const matches = matcherOf(resource, query)
  const items = server.store.list(resource.storageKey, call.namespace).filter(matches)
  for (const object of items)
    deleteOne(server, { ...call, namespace: object.metadata.namespace ?? '', name: object.metadata.name }, options)
  return {
    kind: resource.listKind,
    apiVersion: resource.groupVersion,
    metadata: { resourceVersion: String(server.store.revision) },
    items: items as Json[],
  }
}

/** GET, PUT, PATCH and POST of a subresource. */
export const subresource = async (server: Server, call: Call, exchange: Exchange, tokens: Tokens): Promise<WriteReply> => {
  const { method } = exchange.request
  const key = `${call.subresource} ${method}`
  switch (key) {
    case 'status GET':
      return { code: 200, object: existing(server, call) }
    case 'status PUT':
      return update(server, call, await requiredBody(exchange))
    case 'status PATCH':
      return patch(server, patchCall(call, exchange), await patchBody(exchange))
    case 'scale GET':
      return getScale(server, call)
    case 'scale PUT':
      return updateScale(server, call, await requiredBody(exchange))
    case 'scale PATCH':
      return patchScale(server, patchCall(call, exchange), await patchBody(exchange))
    case 'binding POST':
      return { code: 201, status: bind(server, call, await requiredBody(exchange)) }
    case 'eviction POST':
      return { code: 201, status: evict(server, call, await requiredBody(exchange)) }
    case 'token POST':
      return { code: 201, status: requestToken(server, call, await requiredBody(exchange), tokens) }
    case 'finalize PUT':
      return { code: 200, object: finalize(server, call, await requiredBody(exchange)) }
    default:
      throw methodNotAllowed()
  }
}

export const isReview = (resource: Resource): boolean => resource.verbs.length === 1 && resource.verbs[0] === 'create'
