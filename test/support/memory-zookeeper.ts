import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { ZooKeeperError } from '../../src/zookeeper/errors.ts'
import type { CreateMode, MultiOp, MultiResult, NodeEventType, Stat } from '../../src/zookeeper/types.ts'
import { Watch, WatchRegistry, type WatchKind } from '../../src/zookeeper/watches.ts'

type Node = { data: Buffer | null; czxid: bigint; version: number }
type Tree = Map<string, Node>
type Event = [NodeEventType, string]

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'
const statOf = ({ data, czxid, version }: Node): Stat => ({
  czxid,
  mzxid: czxid,
  pzxid: czxid,
  ctime: 0,
  mtime: 0,
  version,
  cversion: 0,
  aversion: 0,
  ephemeralOwner: 0n,
  dataLength: data?.length ?? 0,
  numChildren: 0,
})

/**
 * A tree of znodes in this process, for tests of what reads and writes it: persistent znodes, conditional writes, multi, watches. Everything is done in the turn
 * in which it is asked for, so that a test decides what happens between two writes.
 */
export class MemoryZooKeeper {
  #tree: Tree = new Map([['/', { data: null, czxid: 0n, version: 0 }]])
  #zxid = 0n
  #changes = 0
  readonly #clients = new Set<WatchRegistry>()

  /** `beforeWrite` may throw: then nothing is written. `afterWrite` may throw: then it was written, and the client does not hear of it. */
  client(hooks: { beforeWrite?: () => void; afterWrite?: () => void } = {}): ZooKeeperClient {
    const watches = new WatchRegistry()
    this.#clients.add(watches)
    const watched = (kind: WatchKind, path: string, options?: { watch?: Watch }) => options?.watch && watches.add(kind, path, options.watch)
    const write = (ops: readonly MultiOp[]): readonly MultiResult[] => {
      hooks.beforeWrite?.()
      const results = this.write(ops)
      hooks.afterWrite?.()
      return results
    }
    const one = (op: MultiOp): MultiResult => {
      try {
        return write([op])[0]!
      } catch (error) {
        throw error instanceof ZooKeeperError ? new ZooKeeperError(error.error, { path: op.path }) : error
      }
    }
    const client = {
      newWatch: () => new Watch('', (watch) => watches.forget(watch)),
      get: async (path: string, options?: { watch?: Watch }) => {
        const node = this.#find(path)
        watched('data', path, options)
        return { data: node.data, stat: statOf(node) }
      },
      exists: async (path: string, options?: { watch?: Watch }) => {
        const node = this.#tree.get(path)
        watched(node ? 'data' : 'exist', path, options)
        return node && statOf(node)
      },
      children: async (path: string, options?: { watch?: Watch }) => {
        const node = this.#find(path)
        watched('child', path, options)
        return { children: this.childrenOf(path), stat: statOf(node) }
      },
      create: async (prefix: string, data: Buffer | null, options?: { mode?: CreateMode }) => {
        const isSequential = options?.mode?.endsWith('sequential') ?? false
        const path = isSequential ? `${prefix}${String(this.#changes).padStart(10, '0')}` : prefix
        one({ type: 'create', path, data })
        return path
      },
      set: async (path: string, data: Buffer | null, version: number) => {
        const result = one({ type: 'set', path, data, version })
        return result.type === 'set' ? result.stat : undefined
      },
      delete: async (path: string, version: number) => void one({ type: 'delete', path, version }),
      multi: async (ops: readonly MultiOp[]) => write(ops),
      makePath: async (path: string): Promise<void> => {
        if (path === '/' || this.#tree.has(path)) return
        await client.makePath(parentOf(path))
        one({ type: 'create', path, data: null })
      },
    }
    return client as unknown as ZooKeeperClient
  }

  /** How often anything was written. */
  get changes(): number {
    return this.#changes
  }

  childrenOf(path: string): string[] {
    const prefix = path === '/' ? '/' : `${path}/`
    return [...this.#tree.keys()].filter((other) => other !== '/' && parentOf(other) === path).map((other) => other.slice(prefix.length))
  }

  json(path: string): unknown {
    const data = this.#tree.get(path)?.data
    return data ? JSON.parse(data.toString('utf8')) : undefined
  }

  version(path: string): number | undefined {
    return this.#tree.get(path)?.version
  }

  /** Makes or replaces, with all parents. */
  put(path: string, data: Buffer | null): void {
    if (this.#tree.has(path)) return void this.write([{ type: 'set', path, data, version: -1 }])
    if (!this.#tree.has(parentOf(path))) this.put(parentOf(path), null)
    this.write([{ type: 'create', path, data }])
  }

  /** All or nothing. */
  write(ops: readonly MultiOp[]): readonly MultiResult[] {
    const tree: Tree = new Map(this.#tree)
    const events: Event[] = []
    const results = ops.map((op, index) => {
      const error = this.#refusal(tree, op)
      if (error) throw new ZooKeeperError(error, { path: op.path, index })
      return this.#apply(tree, op, events)
    })
    this.#tree = tree
    this.#changes++
    for (const [type, path] of events)
      for (const watches of this.#clients) for (const watch of watches.take(type, path)) watch.fire({ type, path })
    return results
  }

  #find(path: string): Node {
    const node = this.#tree.get(path)
    if (!node) throw new ZooKeeperError('NO_NODE', { path })
    return node
  }

  #refusal(tree: Tree, op: MultiOp) {
    const node = tree.get(op.path)
    if (op.type === 'create') return node ? 'NODE_EXISTS' : tree.has(parentOf(op.path)) ? undefined : 'NO_NODE'
    if (!node) return 'NO_NODE'
    return op.version === -1 || op.version === node.version ? undefined : 'BAD_VERSION'
  }

  #apply(tree: Tree, op: MultiOp, events: Event[]): MultiResult {
    const { path } = op
    if (op.type === 'check') return { type: 'check' }
    const old = tree.get(path)
    if (op.type === 'delete') {
      tree.delete(path)
      events.push(['NODE_DELETED', path], ['NODE_CHILDREN_CHANGED', parentOf(path)])
      return { type: 'delete' }
    }
    const node = { data: op.data, czxid: old?.czxid ?? ++this.#zxid, version: old ? old.version + 1 : 0 }
    tree.set(path, node)
    if (old) events.push(['NODE_DATA_CHANGED', path])
    else events.push(['NODE_CREATED', path], ['NODE_CHILDREN_CHANGED', parentOf(path)])
    return op.type === 'set' ? { type: 'set', stat: statOf(node) } : { type: 'create', path, stat: statOf(node) }
  }
}
