import { nameOf, parentOf } from '../zookeeper/paths.ts'
import { OPEN_ACL, READ_ACL, type Acl, type Stat } from '../zookeeper/types.ts'

export type Znode = {
  data: Buffer | null
  acl: readonly Acl[]
  czxid: bigint
  mzxid: bigint
  ctime: number
  mtime: number
  version: number
  aversion: number
  /** How many children were ever created: the next sequence number. What clients see as cversion counts deletions too. */
  creates: number
  ephemeralOwner: bigint
  pzxid: bigint
  children: Set<string>
}
/** Takes back one change; undone in reverse order. */
export type Undo = () => void
type At = { zxid: bigint; timeMs: number }

/** Paths that every server has and nobody deletes. */
export const RESERVED_PATHS = ['/', '/zookeeper', '/zookeeper/quota', '/zookeeper/config']

const znode = (fields: Partial<Znode>): Znode => ({
  data: Buffer.alloc(0),
  acl: OPEN_ACL,
  czxid: 0n,
  mzxid: 0n,
  ctime: 0,
  mtime: 0,
  version: 0,
  aversion: 0,
  creates: 0,
  ephemeralOwner: 0n,
  pzxid: 0n,
  children: new Set(),
  ...fields,
})

const MAX_INTERNED_ACLS = 10_000

/** int32 arithmetic; -1 is skipped because as an expected version it means any (ZOOKEEPER-4743). */
const nextVersion = (version: number): number => (((version + 1) | 0) === -1 ? 0 : (version + 1) | 0)

/** A frame's slice would keep the whole socket buffer alive. */
const owned = (data: Buffer | null): Buffer | null => {
  if (!data) return data
  const copy = Buffer.allocUnsafeSlow(data.length)
  data.copy(copy)
  return copy
}

/** The znodes. Changes here are already checked; nothing throws but on a bug. */
export class ZnodeTree {
  readonly #nodes = new Map<string, Znode>()
  readonly #ephemerals = new Map<bigint, Set<string>>()
  /** Equal ACLs share one array. */
  readonly #acls = new Map<string, readonly Acl[]>()
  dataBytes = 0

  constructor() {
    this.#nodes.set('/', znode({ children: new Set(['zookeeper']) }))
    this.#nodes.set('/zookeeper', znode({ children: new Set(['quota', 'config']) }))
    this.#nodes.set('/zookeeper/quota', znode({}))
    this.#nodes.set('/zookeeper/config', znode({ acl: READ_ACL, aversion: -1 }))
  }

  get(path: string): Znode | undefined {
    return this.#nodes.get(path)
  }
  get size(): number {
    return this.#nodes.size
  }
  get ephemeralCount(): number {
    return [...this.#ephemerals.values()].reduce((sum, paths) => sum + paths.size, 0)
  }
  entries(): IterableIterator<[string, Znode]> {
    return this.#nodes.entries()
  }
  ephemeralsOf(sessionId: bigint): string[] {
    return [...(this.#ephemerals.get(sessionId) ?? [])]
  }

  /** What clients see; cversion as ZooKeeper shows it: creations and deletions of children. */
  statOf(node: Znode): Stat {
    return {
      czxid: node.czxid,
      mzxid: node.mzxid,
      ctime: node.ctime,
      mtime: node.mtime,
      version: node.version,
      cversion: node.creates * 2 - node.children.size,
      aversion: node.aversion,
      ephemeralOwner: node.ephemeralOwner,
      dataLength: node.data?.length ?? 0,
      numChildren: node.children.size,
      pzxid: node.pzxid,
    }
  }

  create(path: string, values: { data: Buffer | null; acl: readonly Acl[]; ephemeralOwner: bigint }, at: At): Undo {
    const parent = this.#nodes.get(parentOf(path))!
    const { creates, pzxid } = parent
    const times = { czxid: at.zxid, mzxid: at.zxid, pzxid: at.zxid, ctime: at.timeMs, mtime: at.timeMs }
    this.#insert(path, znode({ data: owned(values.data), acl: this.#intern(values.acl), ephemeralOwner: values.ephemeralOwner, ...times }))
    parent.creates = (creates + 1) | 0
    parent.pzxid = at.zxid
    return () => {
      this.#remove(path)
      Object.assign(parent, { creates, pzxid })
    }
  }

  delete(path: string, zxid: bigint): Undo {
    const parent = this.#nodes.get(parentOf(path))!
    const { pzxid } = parent
    const node = this.#remove(path)
    parent.pzxid = zxid
    return () => {
      this.#insert(path, node)
      parent.pzxid = pzxid
    }
  }

  set(path: string, data: Buffer | null, at: At): Undo {
    const node = this.#nodes.get(path)!
    const before = { data: node.data, version: node.version, mzxid: node.mzxid, mtime: node.mtime }
    this.dataBytes += (data?.length ?? 0) - (node.data?.length ?? 0)
    Object.assign(node, { data: owned(data), version: nextVersion(node.version), mzxid: at.zxid, mtime: at.timeMs })
    return () => {
      this.dataBytes += (before.data?.length ?? 0) - (data?.length ?? 0)
      Object.assign(node, before)
    }
  }

  setAcl(path: string, acl: readonly Acl[]): Undo {
    const node = this.#nodes.get(path)!
    const before = { acl: node.acl, aversion: node.aversion }
    Object.assign(node, { acl: this.#intern(acl), aversion: nextVersion(node.aversion) })
    return () => void Object.assign(node, before)
  }

  /** Puts a znode of a snapshot; parents come before their children. */
  restore(path: string, fields: Omit<Znode, 'children'>): void {
    const children = this.#nodes.get(path)?.children ?? new Set()
    this.#insert(path, { ...fields, data: owned(fields.data), acl: this.#intern(fields.acl), children })
  }

  #insert(path: string, node: Znode): void {
    this.dataBytes += node.data?.length ?? 0
    this.#nodes.set(path, node)
    if (path !== '/') this.#nodes.get(parentOf(path))!.children.add(nameOf(path))
    if (node.ephemeralOwner === 0n) return
    const paths = this.#ephemerals.get(node.ephemeralOwner)
    if (paths) paths.add(path)
    else this.#ephemerals.set(node.ephemeralOwner, new Set([path]))
  }

  #remove(path: string): Znode {
    const node = this.#nodes.get(path)!
    this.dataBytes -= node.data?.length ?? 0
    this.#nodes.delete(path)
    this.#nodes.get(parentOf(path))!.children.delete(nameOf(path))
    const paths = this.#ephemerals.get(node.ephemeralOwner)
    if (paths?.delete(path) && paths.size === 0) this.#ephemerals.delete(node.ephemeralOwner)
    return node
  }

  #intern(acl: readonly Acl[]): readonly Acl[] {
    const key = acl.map(({ perms, scheme, id }) => `${perms}:${scheme.length}:${scheme}:${id.length}:${id}`).join(' ')
    const known = this.#acls.get(key)
    if (known) return known
    if (this.#acls.size >= MAX_INTERNED_ACLS) this.#acls.clear()
    this.#acls.set(key, acl)
    return acl
  }
}
