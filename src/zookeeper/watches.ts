import type { NodeEventType, WatchEvent } from './types.ts'

/** The three tables of the server: data watches of existing znodes, exist watches of absent ones, child watches. */
export type WatchKind = 'data' | 'exist' | 'child'

/** Fires once: on a change of what the operation read that it was given to, or on the end of the session. Losing the connection does not fire it. */
export class Watch {
  readonly fired: Promise<WatchEvent>
  readonly #resolve: (event: WatchEvent) => void
  readonly #chroot: string
  readonly #forget: (watch: Watch) => void

  constructor(chroot: string, forget: (watch: Watch) => void) {
    const { promise, resolve } = Promise.withResolvers<WatchEvent>()
    this.fired = promise
    this.#resolve = resolve
    this.#chroot = chroot
    this.#forget = forget
  }

  /** For the session; an event of a znode comes with the server's path. */
  fire(event: WatchEvent): void {
    this.#resolve({ ...event, path: event.path.slice(this.#chroot.length) || '/' })
  }

  /** Forgets the watch; `fired` stays open for ever. The server's event, if it comes, is dropped. */
  cancel(): void {
    this.#forget(this)
  }
}

const KINDS_OF: Record<NodeEventType, readonly WatchKind[]> = {
  NODE_CREATED: ['data', 'exist'],
  NODE_DATA_CHANGED: ['data', 'exist'],
  NODE_CHILDREN_CHANGED: ['child'],
  NODE_DELETED: ['data', 'exist', 'child'],
}

type Place = { kind: WatchKind; path: string }

/** Which watches wait for what, by absolute server path. One owner: the session. */
export class WatchRegistry {
  readonly #byKind: Record<WatchKind, Map<string, Set<Watch>>> = { data: new Map(), exist: new Map(), child: new Map() }
  readonly #places = new Map<Watch, Place[]>()

  add(kind: WatchKind, path: string, watch: Watch): void {
    const watches = this.#byKind[kind].get(path)
    if (watches?.has(watch)) return
    if (watches) watches.add(watch)
    else this.#byKind[kind].set(path, new Set([watch]))
    const places = this.#places.get(watch)
    if (places) places.push({ kind, path })
    else this.#places.set(watch, [{ kind, path }])
  }

  forget(watch: Watch): void {
    const places = this.#places.get(watch) ?? []
    this.#places.delete(watch)
    for (const { kind, path } of places) {
      const watches = this.#byKind[kind].get(path)
      if (watches?.delete(watch) && watches.size === 0) this.#byKind[kind].delete(path)
    }
  }

  /** Takes out the watches that an event of the server is for; each from everywhere, since it fires once. */
  take(type: NodeEventType, path: string): Watch[] {
    const taken = new Set<Watch>()
    for (const kind of KINDS_OF[type]) for (const watch of this.#byKind[kind].get(path) ?? []) taken.add(watch)
    for (const watch of taken) this.forget(watch)
    return [...taken]
  }

  takeAll(): Watch[] {
    const all = [...this.#places.keys()]
    this.#places.clear()
    for (const byPath of Object.values(this.#byKind)) byPath.clear()
    return all
  }

  /** Every path that has a watch, for SetWatches. */
  paths(kind: WatchKind): string[] {
    return [...this.#byKind[kind].keys()]
  }
}
