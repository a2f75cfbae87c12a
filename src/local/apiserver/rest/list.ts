import type { JsonObject, KubeObject } from '../json.ts'
import { fromStored, type Resource } from '../resources.ts'
import { badRequest } from '../status.ts'
import { keyOf } from '../store/store.ts'
import type { Server } from './context.ts'
import { fieldMatcher, labelMatcher, type Matcher } from './selectors.ts'
import { metadataOnly, table, type View } from './view.ts'

export type ListCall = { resource: Resource; namespace: string; query: URLSearchParams; view: View }

export const matcherOf = (resource: Resource, query: URLSearchParams): Matcher => {
  const [label, field] = [labelMatcher(query.get('labelSelector')), fieldMatcher(resource, query.get('fieldSelector'))]
  return (object) => label(object) && field(object)
}

/** A page's end: the key of its last object. */
const encodeContinue = (revision: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url')
const decodeContinue = (token: string): { start: string } => {
  try {
    const { start } = JSON.parse(Buffer.from(token, 'base64url').toString()) as { start?: unknown }
    if (typeof start === 'string') return { start }
  } catch {
    // Answered below.
  }
  throw badRequest('continue key is not valid: it must be the one that the last page gave')
}

const objectKey = (object: KubeObject): string => keyOf(object.metadata.namespace, object.metadata.name)

export const list = (server: Server, call: ListCall): JsonObject => {
  const { resource, query, view } = call
  const matches = matcherOf(resource, query)
  const token = query.get('continue')
  const after = token ? decodeContinue(token).start : ''
  const all = server.store.list(resource.storageKey, call.namespace).filter((object) => objectKey(object) > after && matches(object))
  const limit = Number(query.get('limit') ?? 0)
  const page = limit > 0 && all.length > limit ? all.slice(0, limit) : all
  const { revision } = server.store
  const metadata: JsonObject = { resourceVersion: String(revision) }
  if (page.length < all.length)
    Object.assign(metadata, { continue: encodeContinue(revision, objectKey(page.at(-1)!)), remainingItemCount: all.length - page.length })
  if (view.form === 'table') return table(page, resource, { view, nowMs: server.wall.nowMs(), metadata })
  if (view.form === 'metadata')
    return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: page.map(metadataOnly) }
  return {
    kind: resource.listKind,
    apiVersion: resource.groupVersion,
    metadata,
    items: page.map((object) => item(fromStored(object, resource), resource)),
  }
}

/** Items of built-in lists do not repeat their kind. */
const item = (object: KubeObject, resource: Resource): JsonObject => {
  if (resource.custom) return object
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = object
  return rest
}
