import type { NodeEventType } from '../zookeeper/types.ts'
import type { Change } from './change.ts'
import { parentOf } from '../zookeeper/paths.ts'

export type WatchedTable = 'data' | 'child'
type Paths = Map<string, Set<Watcher>>

/** A connection: watches end with it. */
export interface Watcher {
  notify(type: NodeEventType, path: string, zxid: bigint): void
}

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

  /** Tells who watches what the applied change touched. */
  fire(change: Change, zxid: bigint): void {
    if (change.type === 'set') this.#fire('data', 'NODE_DATA_CHANGED', change.path, zxid)
    else if (change.type === 'create') {
      this.#fire('data', 'NODE_CREATED', change.path, zxid)
      this.#fire('child', 'NODE_CHILDREN_CHANGED', parentOf(change.path), zxid)
    } else if (change.type === 'delete') {
      const told = this.#fire('data', 'NODE_DELETED', change.path, zxid)
      this.#fire('child', 'NODE_DELETED', change.path, zxid, told)
      this.#fire('child', 'NODE_CHILDREN_CHANGED', parentOf(change.path), zxid)
    }
  }

  #fire(
    table: WatchedTable,
    type: NodeEventType,
    path: string,
    zxid: bigint,
    told?: ReadonlySet<Watcher>,
  ): ReadonlySet<Watcher> | undefined {
    const watchers = this.#tables[table].get(path)
    if (!watchers) return undefined
    this.#tables[table].delete(path)
    for (const watcher of watchers) {
      this.#ofWatcher.get(watcher)?.[table].delete(path)
      if (!told?.has(watcher)) watcher.notify(type, path, zxid)
    }
    return watchers
  }
}
