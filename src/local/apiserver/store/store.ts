import type { KubeObject } from '../json.ts'
import { expired } from '../status.ts'
import type { Entry, Journal } from './journal.ts'

export type Change = {
  revision: number
  type: 'ADDED' | 'MODIFIED' | 'DELETED'
  resource: string
  /** What is stored now; for DELETED the last state, with the deletion's resourceVersion. */
  object: KubeObject
  previous?: KubeObject
}

/** Told of each change in order, in the turn in which it is stored. */
export interface Watcher {
  changed(change: Change): void
}

const WINDOW_CHANGES = 1_000

export const keyOf = (namespace: string | undefined, name: string): string => (namespace ? `${namespace}/${name}` : name)

/** All objects in memory, by resource ('group/plural') and key ('namespace/name'), one revision counter for all, and a window of the last changes. */
export class Store {
  readonly #objects = new Map<string, Map<string, KubeObject>>()
  readonly #watchers = new Map<string, Set<Watcher>>()
  readonly #journal: Journal
  #window: Change[] = []
  #revision: number
  /** The revision of the newest change that the window no longer holds. */
  #forgotten: number

  constructor(journal: Journal, entries: readonly Entry[], revision: number) {
    this.#journal = journal
    for (const { resource, key, object } of entries) {
      if (object) this.#of(resource).set(key, object)
      else this.#of(resource).delete(key)
    }
    this.#revision = Math.max(revision, 1)
    this.#forgotten = this.#revision
  }

  get revision(): number {
    return this.#revision
  }

  get(resource: string, key: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(key)
  }

  /** Sorted by key, as etcd does. */
  list(resource: string, namespace?: string): KubeObject[] {
    const all = [...(this.#objects.get(resource) ?? [])]
    const own = namespace ? all.filter(([key]) => key.startsWith(`${namespace}/`)) : all
    return own.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object)
  }

  /** Stores the object under the next revision and returns it with that resourceVersion. The one given must not be used afterwards. */
  put(resource: string, object: KubeObject): KubeObject {
    const key = keyOf(object.metadata.namespace, object.metadata.name)
    const previous = this.get(resource, key)
    const revision = this.#revision + 1
    object.metadata.resourceVersion = String(revision)
    this.#journal.append({ revision, resource, key, object })
    this.#of(resource).set(key, object)
    this.#record({ revision, resource, object, type: previous ? 'MODIFIED' : 'ADDED', ...(previous ? { previous } : {}) })
    return object
  }

  delete(resource: string, key: string, last?: KubeObject): KubeObject | undefined {
    const previous = this.get(resource, key)
    if (!previous) return undefined
    const revision = this.#revision + 1
    this.#journal.append({ revision, resource, key })
    this.#objects.get(resource)!.delete(key)
    const from = last ?? previous
    const object: KubeObject = { ...from, metadata: { ...from.metadata, resourceVersion: String(revision) } }
    this.#record({ revision, resource, object, type: 'DELETED', previous })
    return object
  }

  /** Registers `watcher` for later changes and returns the ones after `since`. Throws Expired when the window no longer reaches back so far. */
  watch(resource: string, since: number, watcher: Watcher): Change[] {
    if (since < this.#forgotten) throw expired(since, this.#forgotten)
    let watchers = this.#watchers.get(resource)
    if (!watchers) this.#watchers.set(resource, (watchers = new Set()))
    watchers.add(watcher)
    return this.#window.filter((change) => change.resource === resource && change.revision > since)
  }

  unwatch(resource: string, watcher: Watcher): void {
    this.#watchers.get(resource)?.delete(watcher)
  }

  #of(resource: string): Map<string, KubeObject> {
    let objects = this.#objects.get(resource)
    if (!objects) this.#objects.set(resource, (objects = new Map()))
    return objects
  }

  #record(change: Change): void {
    this.#revision = change.revision
    this.#window.push(change)
    if (this.#window.length >= 2 * WINDOW_CHANGES) {
      this.#forgotten = this.#window[WINDOW_CHANGES - 1]!.revision
      this.#window = this.#window.slice(WINDOW_CHANGES)
    }
    for (const watcher of this.#watchers.get(change.resource) ?? []) watcher.changed(change)
    this.#journal.compactWhenLarge(this.#revision, () => this.#entries())
  }

  #entries(): Entry[] {
    const entries: Entry[] = []
    for (const [resource, objects] of this.#objects) {
      for (const [key, object] of objects) entries.push({ revision: Number(object.metadata.resourceVersion), resource, key, object })
    }
    return entries
  }
}
