import { timestamp } from '../../../kube/time.ts'
import { asArray, asObject, asString, at, clone, type KubeObject } from '../json.ts'
import { CLEANUP_FINALIZER } from '../kinds/crd.ts'
import type { Resources } from '../resources.ts'
import { type Call, type Server, systemCall } from '../rest/context.ts'
import { remove } from '../rest/delete.ts'
import { type Change, type Store, type Watcher } from '../store/store.ts'
import { resourcesOf } from './definition.ts'

const CRDS = 'apiextensions.k8s.io/customresourcedefinitions'

/** Serves what CustomResourceDefinitions describe, and lets a deleted one go once its objects are gone. */
class CustomKinds implements Watcher {
  readonly #server: Server
  readonly #store: Store
  readonly #resources: Resources
  /** Definitions that wait for their objects' finalizers, by storage key. */
  readonly #draining = new Map<string, Watcher>()

  constructor(server: Server) {
    this.#server = server
    this.#store = server.store
    this.#resources = server.resources
    for (const crd of this.#store.list(CRDS)) this.#serve(crd)
    this.#store.watch(CRDS, this.#store.revision, this)
  }

  changed(change: Change): void {
    const crd = change.object
    if (change.type === 'DELETED') this.#resources.setCustom(crd.metadata.name, [])
    else this.#serve(crd)
  }

  #serve(crd: KubeObject): void {
    this.#resources.setCustom(crd.metadata.name, resourcesOf(crd))
    if (crd.metadata.deletionTimestamp) queueMicrotask(() => this.#drain(crd.metadata.name))
  }

  /** Deletes the objects of a definition that is being deleted; then its finalizer. */
  #drain(name: string): void {
    const crd = this.#store.get(CRDS, name)
    if (!crd?.metadata.deletionTimestamp || !asArray(crd.metadata.finalizers).includes(CLEANUP_FINALIZER)) return
    const resource = resourcesOf(crd)[0]
    const storageKey = `${asString(at(crd, 'spec', 'group'))}/${asString(at(crd, 'spec', 'names', 'plural'))}`
    if (resource) {
      for (const object of this.#store.list(storageKey)) {
        if (object.metadata.deletionTimestamp) continue
        remove(this.#server, systemCall(resource, object.metadata.name, object.metadata.namespace), {})
      }
    }
    if (this.#store.list(storageKey).length === 0) return this.#release(crd)
    if (this.#draining.has(storageKey)) return
    const watcher: Watcher = {
      changed: (change) => {
        if (change.type !== 'DELETED' || this.#store.list(storageKey).length > 0) return
        this.#store.unwatch(storageKey, watcher)
        this.#draining.delete(storageKey)
        queueMicrotask(() => this.#drain(name))
      },
    }
    this.#draining.set(storageKey, watcher)
    this.#store.watch(storageKey, this.#store.revision, watcher)
  }

  #release(crd: KubeObject): void {
    const next = clone(crd)
    const rest = asArray(next.metadata.finalizers)
      .map(asString)
      .filter((one) => one !== CLEANUP_FINALIZER)
    if (rest.length === 0) {
      this.#store.delete(CRDS, crd.metadata.name, next)
      return
    }
    next.metadata.finalizers = rest
    this.#store.put(CRDS, next)
  }
}

export const serveCustomKinds = (server: Server): void => void new CustomKinds(server)

/** Marks a definition as being deleted: called before the common deletion, so that it waits for the objects. */
export const holdDefinition = (server: Server, call: Call): void => {
  const crd = server.store.get(CRDS, call.name)
  if (!crd || crd.metadata.deletionTimestamp) return
  const next = clone(crd)
  next.metadata.finalizers = [...new Set([...asArray(next.metadata.finalizers).map(asString), CLEANUP_FINALIZER])]
  const conditions = asArray(at(next, 'status', 'conditions'))
  const terminating = {
    lastTransitionTime: timestamp(server.wall.nowMs()),
    message: 'CustomResource deletion is in progress',
    reason: 'InstanceDeletionInProgress',
    status: 'True',
    type: 'Terminating',
  }
  next['status'] = { ...asObject(next['status']), conditions: [...conditions, terminating] }
  server.store.put(CRDS, next)
}
export const isDefinition = (call: Call): boolean => call.resource.storageKey === CRDS
