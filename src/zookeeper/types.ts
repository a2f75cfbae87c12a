import type { ZooKeeperErrorName } from './errors.ts'

/** A znode's numbers, as on the wire. Times are wall milliseconds of the server. */
export type Stat = {
  /** zxid of the create: Kafka's broker epoch. */
  czxid: bigint
  mzxid: bigint
  ctime: number
  mtime: number
  /** Changes of the data; the `version` of a conditional set. */
  version: number
  /** Changes of the children. */
  cversion: number
  /** Changes of the ACL. */
  aversion: number
  /** The session of an ephemeral znode, else 0n. */
  ephemeralOwner: bigint
  dataLength: number
  numChildren: number
  /** zxid of the last change of the children. */
  pzxid: bigint
}

export const PERMISSIONS = { READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16, ALL: 31 } as const

/** `perms` is a sum of PERMISSIONS; schemes: world, auth, digest, ip, sasl. */
export type Acl = { perms: number; scheme: string; id: string }

export const OPEN_ACL: readonly Acl[] = [{ perms: PERMISSIONS.ALL, scheme: 'world', id: 'anyone' }]
/** All rights to whoever creates the znode; needs a digest or SASL login. */
export const CREATOR_ALL_ACL: readonly Acl[] = [{ perms: PERMISSIONS.ALL, scheme: 'auth', id: '' }]
export const READ_ACL: readonly Acl[] = [{ perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' }]

export type CreateMode = 'persistent' | 'ephemeral' | 'persistent-sequential' | 'ephemeral-sequential'

/** `version: -1` matches any version; every other number, 0 among them, only itself. */
export type MultiOp =
  | { type: 'check'; path: string; version: number }
  | { type: 'create'; path: string; data: Buffer | null; acl?: readonly Acl[]; mode?: CreateMode }
  | { type: 'delete'; path: string; version: number }
  | { type: 'set'; path: string; data: Buffer | null; version: number }

export type MultiResult =
  | { type: 'check' }
  /** `path` has the sequence number of a sequential create. ZooKeeper 3.5 leaves the stat out; one of a set in the same multi has the czxid too. */
  | { type: 'create'; path: string; stat: Stat | undefined }
  | { type: 'delete' }
  | { type: 'set'; stat: Stat }
  /** Only inside a refused multi; the client throws instead. */
  | { type: 'error'; error: ZooKeeperErrorName }

export type NodeEventType = 'NODE_CREATED' | 'NODE_DELETED' | 'NODE_DATA_CHANGED' | 'NODE_CHILDREN_CHANGED'
/** SESSION_EXPIRED: the server said so. CLOSED: close() was called, or the login was refused. Both with the path /. */
export type WatchEvent = { type: NodeEventType | 'SESSION_EXPIRED' | 'CLOSED'; path: string }

/** CONNECTING also stands for every reconnection. EXPIRED, AUTH_FAILED and CLOSED are final: make a new client. */
export type State = 'CONNECTING' | 'CONNECTED' | 'EXPIRED' | 'AUTH_FAILED' | 'CLOSED'

export type Address = { host: string; port: number }
