import type { NodeEventType, WatchEvent } from './types.ts'

/** The three tables of the server: data watches of existing znodes, exist watches of absent ones, child watches. */
export type WatchKind = 'data' | 'exist' | 'child'
export const WATCH_KINDS: readonly WatchKind[] = ['data', 'exist', 'child']

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

/** Which watches wait for what, by absolute server path. One owner: the client. */
export class WatchRegistry {
  readonly #byKind: Record<WatchKind, Map<string, Set<Watch>>> = { data: new Map(), exist: new Map(), child: new Map() }

  add(kind: WatchKind, path: string, watch: Watch): void {
    const byPath = this.#byKind[kind]
    const watches = byPath.get(path)
    if (watches) watches.add(watch)
    else byPath.set(path, new Set([watch]))
  }

  forget(watch: Watch): void {
    for (const kind of WATCH_KINDS) {
      for (const [path, watches] of this.#byKind[kind]) {
        if (watches.delete(watch) && watches.size === 0) this.#byKind[kind].delete(path)
      }
    }
  }

  /** Takes out the watches that an event of the server is for. */
  take(type: NodeEventType, path: string): Watch[] {
    const taken = new Set<Watch>()
    for (const kind of KINDS_OF[type]) {
      for (const watch of this.#byKind[kind].get(path) ?? []) taken.add(watch)
      this.#byKind[kind].delete(path)
    }
    return [...taken]
  }

  takeAll(): Watch[] {
    const taken = new Set(WATCH_KINDS.flatMap((kind) => [...this.#byKind[kind].values()].flatMap((watches) => [...watches])))
    for (const kind of WATCH_KINDS) this.#byKind[kind].clear()
    return [...taken]
  }

  /** Every path that has a watch, for SetWatches. */
  paths(kind: WatchKind): string[] {
    return [...this.#byKind[kind].keys()]
  }
}
