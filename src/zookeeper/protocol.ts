import { boolean, buffer, int, long, nothing, record, time, ustring, vector, type Codec } from './jute.ts'
import type { Acl, CreateMode, NodeEventType, Stat } from './types.ts'

/** Numbers and records of zookeeper.jute and ZooDefs.OpCode, as 3.5 and later speak them. */
export const OPCODES = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  whoAmI: 107,
  closeSession: -11,
  error: -1,
} as const

/** Requests and events that are not counted carry these instead of a number. */
export const XIDS = { event: -1, ping: -2, auth: -4, setWatches: -8 } as const

/** jute.maxbuffer: a server closes the connection on a larger request. */
export const MAX_REQUEST_BYTES = 0xf_ffff
export const PASSWORD_BYTES = 16

export const stat: Codec<Stat> = record({
  czxid: long,
  mzxid: long,
  ctime: time,
  mtime: time,
  version: int,
  cversion: int,
  aversion: int,
  ephemeralOwner: long,
  dataLength: int,
  numChildren: int,
  pzxid: long,
})
export const acl: Codec<Acl> = record({ perms: int, scheme: ustring, id: ustring })
export const acls = vector(acl)

export const requestHeader = record({ xid: int, type: int })
export const replyHeader = record({ xid: int, zxid: long, err: int })
export type ReplyHeader = { xid: number; zxid: bigint; err: number }

/** Both connect records end with readOnly, a byte that clients before 3.4 leave out: read it when bytes are left. */
const connectFields = { protocolVersion: int, timeoutMs: int, sessionId: long, password: buffer }
export const connectRequest = record({ protocolVersion: int, lastZxidSeen: long, timeoutMs: int, sessionId: long, password: buffer })
export const connectResponse = record(connectFields)

export const path = record({ path: ustring })
export const pathAndWatch = record({ path: ustring, watch: boolean })
export const pathAndVersion = record({ path: ustring, version: int })
export const pathAndStat = record({ path: ustring, stat })
export const pathAndType = record({ path: ustring, type: int })
export const createRequest = record({ path: ustring, data: buffer, acl: acls, flags: int })
export const setDataRequest = record({ path: ustring, data: buffer, version: int })
export const setAclRequest = record({ path: ustring, acl: acls, version: int })
/** Lists of servers as text, or null. */
export const reconfigRequest = record({ joining: buffer, leaving: buffer, members: buffer, fromVersion: long })
export const statResponse = record({ stat })
export const dataAndStat = record({ data: buffer, stat })
export const aclAndStat = record({ acl: acls, stat })
export const children = record({ children: vector(ustring) })
export const childrenAndStat = record({ children: vector(ustring), stat })
export const authPacket = record({ type: int, scheme: ustring, auth: buffer })
export const saslToken = record({ token: buffer })
export const watcherEvent = record({ type: int, state: int, path: ustring })
export const setWatchesRequest = record({
  relativeZxid: long,
  dataWatches: vector(ustring),
  existWatches: vector(ustring),
  childWatches: vector(ustring),
})
export const persistentWatches = record({ persistent: vector(ustring), recursive: vector(ustring) })
export const ephemerals = record({ ephemerals: vector(ustring) })
export const totalNumber = record({ totalNumber: int })
export const clientInfos = record({ clientInfo: vector(record({ scheme: ustring, user: ustring })) })
export { nothing }

/** CreateMode's flags; container and TTL modes have opcodes of their own. */
export const CREATE_FLAGS: Record<CreateMode, number> = {
  persistent: 0,
  ephemeral: 1,
  'persistent-sequential': 2,
  'ephemeral-sequential': 3,
}

/** Watcher.Event.EventType. */
export const EVENT_TYPES: Record<NodeEventType, number> = {
  NODE_CREATED: 1,
  NODE_DELETED: 2,
  NODE_DATA_CHANGED: 3,
  NODE_CHILDREN_CHANGED: 4,
}
export const eventTypeOf = (code: number): NodeEventType | undefined =>
  (Object.keys(EVENT_TYPES) as NodeEventType[]).find((name) => EVENT_TYPES[name] === code)
/** KeeperState.SyncConnected. */
export const SYNC_CONNECTED = 3
