import type { MonotonicClock } from '../base/clock.ts'
import type { KubeConnection } from './connection.ts'
import { covers, hashOf, mergePatchOf } from './difference.ts'
import { isKubeError, KubeError } from './error.ts'
import { Transport } from './transport.ts'
import {
  keyOf,
  type CreateOptions,
  type DeleteOptions,
  type Key,
  type Kube,
  type KubeList,
  type KubeObject,
  type ListOptions,
} from './types.ts'
import type { PatchOptions, PatchType, Resource, WatchEvent, WatchOptions } from './types.ts'
import { watchEvents } from './watch-stream.ts'

export type KubeClientOptions = {
  connection: KubeConnection
  clock: MonotonicClock
  /** Who owns the fields that `apply` writes, and the user agent. */
  fieldManager: string
  /** The annotation in which `apply` keeps the hash of what it last sent. */
  appliedAnnotation: string
  /** For an answer that is not a stream. */
  timeoutMs?: number
  /** A watch that has been silent for so long is broken off. The API server sends a bookmark about every minute. */
  watchIdleMs?: number
  /** Asked before each write; throws when this process may not write any more. */
  fence?: () => void
}

const CONTENT_TYPES: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

/** What a list, and a watch, of metadata asks for. Source: "Metadata-only fetches" of the Kubernetes API concepts. */
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'

/** Lists come in pages of this many objects. */
const PAGE_SIZE = 500

export const pathOf = (resource: Resource, namespace: string | undefined, name?: string, subresource?: string): string =>
  [
    resource.apiVersion.includes('/') ? '/apis' : '/api',
    resource.apiVersion,
    ...(resource.namespaced && namespace ? ['namespaces', encodeURIComponent(namespace)] : []),
    resource.plural,
    ...(name === undefined ? [] : [encodeURIComponent(name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/')

export const queryOf = (values: Record<string, string | number | boolean | undefined>): string => {
  const query = new URLSearchParams()
  for (const [key, value] of Object.entries(values)) if (value !== undefined) query.set(key, String(value))
  const text = query.toString()
  return text && `?${text}`
}

/** `Kube` over HTTP. Its connections stay open until `close`. */
export class KubeClient implements Kube {
  readonly #transport: Transport
  readonly #options: KubeClientOptions
  /** The status that this client has written over an object as it was read. A cache may hold that object for a while yet: what differs from it is not what differs from the server's. */
  readonly #written = new WeakMap<KubeObject, unknown>()

  constructor(options: KubeClientOptions) {
    this.#options = options
    this.#transport = new Transport({
      connection: options.connection,
      clock: options.clock,
      timeoutMs: options.timeoutMs ?? 30_000,
      userAgent: options.fieldManager,
    })
  }

  /** How many requests had which answer since the start, by METHOD CODE, e.g. GET 200; code 0: there was none. */
  get answers(): ReadonlyMap<string, number> {
    return this.#transport.answers
  }

  /** How many requests wait for their answer; watches do not count. */
  get underway(): number {
    return this.#transport.underway
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T | undefined> {
    try {
      return await this.#json<T>({ method: 'GET', path: pathOf(resource, key.namespace, key.name) })
    } catch (error) {
      if (isKubeError(error, 404)) return undefined
      throw error
    }
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const items: T[] = []
    let next = options.continue
    for (;;) {
      const { namespace, ...selectors } = options
      const query = queryOf({ ...selectors, limit: options.limit ?? PAGE_SIZE, continue: next })
      type Answer = { items: T[] | null; metadata: { resourceVersion?: string; continue?: string } }
      const accept = resource.metadataOnly ? METADATA_LIST : undefined
      const answer = await this.#json<Answer>({ method: 'GET', path: pathOf(resource, namespace) + query, accept })
      // Items of a built-in list carry neither apiVersion nor kind.
      for (const item of answer.items ?? []) items.push({ ...item, apiVersion: resource.apiVersion, kind: resource.kind })
      next = answer.metadata.continue
      const page = { items, resourceVersion: answer.metadata.resourceVersion ?? '' }
      if (!next) return page
      if (options.limit !== undefined) return { ...page, continue: next }
    }
  }

  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const { namespace, signal, ...rest } = options
    const path = pathOf(resource, namespace) + queryOf({ ...rest, watch: true, allowWatchBookmarks: true })
    const accept = resource.metadataOnly ? METADATA : undefined
    const open = (aborted: AbortSignal) => this.#transport.stream({ method: 'GET', path, signal: aborted, accept })
    return watchEvents<T>({ open, clock: this.#options.clock, idleMs: this.#options.watchIdleMs ?? 90_000, signal })
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options: CreateOptions = {}): Promise<T> {
    return this.#write<T>('POST', pathOf(resource, object.metadata.namespace) + this.#manager(options.dryRun), object)
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T, options: PatchOptions = {}): Promise<T> {
    const key = keyOf(object)
    return this.#write<T>('PUT', pathOf(resource, key.namespace, key.name, options.subresource) + this.#manager(options.dryRun), object)
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    type: PatchType,
    body: unknown,
    options: PatchOptions = {},
  ): Promise<T> {
    const query = queryOf({
      fieldManager: this.#options.fieldManager,
      force: type === 'apply' ? true : undefined,
      dryRun: options.dryRun ? 'All' : undefined,
    })
    return this.#write<T>('PATCH', pathOf(resource, key.namespace, key.name, options.subresource) + query, body, CONTENT_TYPES[type])
  }

  async apply<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    seen?: { live: T | undefined },
  ): Promise<{ object: T; changed: boolean; created: boolean }> {
    const wanted = this.#withHash(object)
    const { live } = seen ?? { live: await this.get(resource, keyOf(object)) }
    if (live && covers(live, wanted)) return { object: live, changed: false, created: false }
    const applied = await this.patch(resource, keyOf(object), 'apply', wanted)
    return { object: applied, changed: applied.metadata.resourceVersion !== live?.metadata.resourceVersion, created: !live }
  }

  async patchStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource<T>,
    object: T,
    status: T['status'],
  ): Promise<{ changed: boolean }> {
    const now = this.#written.has(object) ? this.#written.get(object) : object.status
    const patch = mergePatchOf(now ?? {}, status ?? {})
    if (patch === undefined) return { changed: false }
    const written = await this.patch(resource, keyOf(object), 'merge', { status: patch }, { subresource: 'status' })
    this.#written.set(object, (written as T).status)
    return { changed: true }
  }

  async delete(resource: Resource, key: Key, options: DeleteOptions = {}): Promise<boolean> {
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: options.propagation,
      gracePeriodSeconds: options.gracePeriodSeconds,
      preconditions: options.preconditions,
    }
    try {
      await this.#write('DELETE', pathOf(resource, key.namespace, key.name), body)
      return true
    } catch (error) {
      if (isKubeError(error, 404)) return false
      throw error
    }
  }

  raw(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    return method === 'GET' ? this.#json({ method, path }) : this.#write(method, path, body)
  }

  /** An answer as it is, e.g. a pod's log or what a pod answers behind the subresource proxy. */
  text(path: string): Promise<string> {
    return this.#transport.text({ method: 'GET', path, accept: '*/*' })
  }

  /** The same as its bytes come, without an end until the server's or the signal's. */
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    return this.#transport.stream({ method: 'GET', path, accept: '*/*', signal })
  }

  close(): void {
    this.#transport.close()
  }

  #manager(dryRun = false): string {
    return queryOf({ fieldManager: this.#options.fieldManager, dryRun: dryRun ? 'All' : undefined })
  }

  #withHash<T extends KubeObject>(object: T): T {
    const annotations = { ...object.metadata.annotations, [this.#options.appliedAnnotation]: hashOf(object) }
    return { ...object, metadata: { ...object.metadata, annotations } }
  }

  async #write<T>(method: string, path: string, body: unknown, contentType?: string): Promise<T> {
    this.#options.fence?.()
    return this.#json<T>({ method, path, body, contentType })
  }

  async #json<T>(request: { method: string; path: string; body?: unknown; contentType?: string; accept?: string }): Promise<T> {
    const text = await this.#transport.text(request)
    try {
      return (text === '' ? undefined : JSON.parse(text)) as T
    } catch (error) {
      throw new KubeError(0, 'Unreachable', `${request.method} ${request.path}: the answer is no JSON`, { cause: error })
    }
  }
}
