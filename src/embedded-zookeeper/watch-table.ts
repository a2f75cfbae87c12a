import type { Acl, NodeEventType } from '../zookeeper/types.ts'
import type { Change } from './change.ts'
import { parentOf } from '../zookeeper/paths.ts'

export type WatchedTable = 'data' | 'child'
type Paths = Map<string, Set<Watcher>>

/** A connection: watches end with it. */
export interface Watcher {
  /** Tells it, if it may read what has `acl`. */
  notify(type: NodeEventType, path: string, zxid: bigint, acl?: readonly Acl[]): void
}

/** A change, and whose ACLs decide who hears of it: the znode's and its parent's. */
export type Applied = { change: Change; acl: readonly Acl[]; parentAcl: readonly Acl[] }

/** One-shot watches. `data` holds watches of absent znodes too, as ZooKeeper's table does. */
export class WatchTable {
  readonly #tables: Record<WatchedTable, Paths> = { data: new Map(), child: new Map() }
  readonly #ofWatcher = new Map<Watcher, Record<WatchedTable, Set<string>>>()

  add(table: WatchedTable, path: string, watcher: Watcher): void {
    const watchers = this.#tables[table].get(path)
    if (watchers) watchers.add(watcher)
    else this.#tables[table].set(path, new Set([watcher]))
    const own = this.#ofWatcher.get(watcher)
    if (own) own[table].add(path)
    else this.#ofWatcher.set(watcher, { data: new Set(), child: new Set(), [table]: new Set([path]) })
  }

  has(table: WatchedTable, path: string, watcher: Watcher): boolean {
    return this.#tables[table].get(path)?.has(watcher) ?? false
  }

  remove(table: WatchedTable, path: string, watcher: Watcher): boolean {
    const watchers = this.#tables[table].get(path)
    if (!watchers?.delete(watcher)) return false
    if (watchers.size === 0) this.#tables[table].delete(path)
    this.#ofWatcher.get(watcher)?.[table].delete(path)
    return true
  }

  forget(watcher: Watcher): void {
    const own = this.#ofWatcher.get(watcher)
    this.#ofWatcher.delete(watcher)
    for (const table of ['data', 'child'] as const) for (const path of own?.[table] ?? []) this.remove(table, path, watcher)
  }

  get count(): number {
    return [...this.#ofWatcher.values()].reduce((sum, own) => sum + own.data.size + own.child.size, 0)
  }

  /** Tells who watches what the applied change touched. A watch is used up even where its owner may not hear (ZOOKEEPER-4799). */
  fire({ change, acl, parentAcl }: Applied, zxid: bigint): void {
    if (change.type === 'set')
      this.#take('data', change.path).forEach((watcher) => watcher.notify('NODE_DATA_CHANGED', change.path, zxid, acl))
    if (change.type !== 'create' && change.type !== 'delete') return
    const type = change.type === 'create' ? 'NODE_CREATED' : 'NODE_DELETED'
    const watchers = new Set(this.#take('data', change.path))
    if (change.type === 'delete') for (const watcher of this.#take('child', change.path)) watchers.add(watcher)
    for (const watcher of watchers) watcher.notify(type, change.path, zxid, acl)
    const parent = parentOf(change.path)
    for (const watcher of this.#take('child', parent)) watcher.notify('NODE_CHILDREN_CHANGED', parent, zxid, parentAcl)
  }

  #take(table: WatchedTable, path: string): Watcher[] {
    const watchers = [...(this.#tables[table].get(path) ?? [])]
    this.#tables[table].delete(path)
    for (const watcher of watchers) this.#ofWatcher.get(watcher)?.[table].delete(path)
    return watchers
  }
}
