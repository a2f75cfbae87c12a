/** What of ObjectMeta this package reads or writes; everything else is carried along untouched. */
export type ObjectMeta = {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  managedFields?: unknown[]
}

export type OwnerReference = {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** Any object as the API carries it: plain JSON. */
export type KubeObject = { apiVersion: string; kind: string; metadata: ObjectMeta }

/** Where one object is; cluster-scoped kinds have an empty namespace. */
export type Key = { namespace: string; name: string }

/** A kind and its place in the API, e.g. {apiVersion: 'apps/v1', kind: 'StatefulSet', plural: 'statefulsets', namespaced: true}. */
export type Resource<T extends KubeObject = KubeObject> = {
  apiVersion: string
  kind: string
  plural: string
  namespaced: boolean
  /** Lists and watches ask for the metadata alone (PartialObjectMetadata): neither spec nor data crosses the wire. */
  metadataOnly?: boolean
  /** Never there: it only carries the object's type. */
  type?: T
}

export type Condition = {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  lastTransitionTime: string
  observedGeneration?: number
}

/** The result of one reconcile: done, or look again later. A throw means: again after a backoff. */
export type Result = { requeueAfterMs?: number }

export type Selectors = { namespace?: string; labelSelector?: string; fieldSelector?: string }
export type ListOptions = Selectors & { limit?: number; continue?: string; resourceVersion?: string }
export type KubeList<T extends KubeObject> = { items: T[]; resourceVersion: string; continue?: string }
export type DeleteOptions = {
  propagation?: 'Background' | 'Foreground' | 'Orphan'
  gracePeriodSeconds?: number
  preconditions?: { uid?: string; resourceVersion?: string }
}
export type WatchEvent<T extends KubeObject> =
  | { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T }
  | { type: 'ERROR'; object: { code?: number; reason?: string; message?: string } }
export type WatchOptions = Selectors & { resourceVersion: string; timeoutSeconds?: number; signal?: AbortSignal }

/** 'apply' is server-side apply with the client's field manager, forced. The others are the patch types of the same names. */
export type PatchType = 'merge' | 'json' | 'strategic' | 'apply'
/** `dryRun`: the API server checks and answers as if, and keeps nothing. */
export type PatchOptions = { subresource?: string; dryRun?: boolean }
export type CreateOptions = { dryRun?: boolean }

/**
 * The calls on a Kubernetes API server that programs make. Every one rejects with KubeError (an answer that is not a success, or none: status 0).
 * Objects are plain JSON; metadata.namespace says where they are.
 */
export interface Kube {
  /** undefined when there is none. */
  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T | undefined>
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<KubeList<T>>
  /** The events since resourceVersion, until the server ends the stream or the signal aborts; breaks off with KubeError when the stream does. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: CreateOptions): Promise<T>
  /** PUT: replaces the whole object; metadata.resourceVersion, where set, must still hold. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: PatchOptions): Promise<T>
  patch<T extends KubeObject>(resource: Resource<T>, key: Key, type: PatchType, body: unknown, options?: PatchOptions): Promise<T>
  /**
   * Server-side apply. Sends nothing when the live object already has every field of `object` and the last apply was of the same fields.
   * `seen`: what was just read there; absent: it is read.
   */
  apply<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    seen?: { live: T | undefined },
  ): Promise<{ object: T; changed: boolean; created: boolean }>
  /** Merge-patches the status subresource of `object`; sends nothing when `status` is what the object has. */
  patchStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource<T>,
    object: T,
    status: T['status'],
  ): Promise<{ changed: boolean }>
  /** false when it was gone already. */
  delete(resource: Resource, key: Key, options?: DeleteOptions): Promise<boolean>
  /** One request as it is: discovery, subresources that create (binding, token), logs. The answer's JSON. */
  raw(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<unknown>
}

export const keyOf = (object: { metadata: ObjectMeta }): Key => ({ namespace: object.metadata.namespace ?? '', name: object.metadata.name })
/** "namespace/name", or the name alone for a cluster-scoped object. */
export const keyText = (key: Key): string => (key.namespace ? `${key.namespace}/${key.name}` : key.name)
export const parseKey = (text: string): Key => {
  const [first = '', second] = text.split('/')
  return second === undefined ? { namespace: '', name: first } : { namespace: first, name: second }
}
