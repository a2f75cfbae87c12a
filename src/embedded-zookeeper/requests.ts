import { ZooKeeperError } from '../zookeeper/errors.ts'
import type { JuteReader, JuteWriter } from '../zookeeper/jute.ts'
import { readMulti, writeMultiResults, type RawOp } from '../zookeeper/multi.ts'
import * as protocol from '../zookeeper/protocol.ts'
import { PERMISSIONS, type Stat } from '../zookeeper/types.ts'
import { checkAcl, isGranted, maskAcl } from './acl.ts'
import type { Database } from './database.ts'
import type { Actor } from './decide.ts'
import type { Znode } from './tree.ts'
import type { Watcher, WatchTable } from './watch-table.ts'

const { OPCODES } = protocol

/** Who asks: its session and logins, and where events for it go. */
export type Requester = Actor & { watcher: Watcher }
type Context = { database: Database; watches: WatchTable; client: Requester; from: JuteReader }
type WriteBody = (to: JuteWriter) => void
/** Reads the request, does it, and gives the answer's body. Throws ZooKeeperError, or JuteError on bytes that are no request. */
type Handler = (context: Context) => WriteBody

const EMPTY: WriteBody = () => {}

const readable = ({ database, client }: Context, path: string, permissions: number = PERMISSIONS.READ): Znode => {
  const node = database.state.tree.get(path)
  if (!node) throw new ZooKeeperError('NO_NODE', { path })
  checkAcl(node.acl, permissions, client.identities, path)
  return node
}

const statOf = ({ database }: Context, node: Znode): Stat => database.state.tree.statOf(node)

const create =
  (withStat: boolean): Handler =>
  ({ database, client, from }) => {
    const created = database.write({ type: 'create', ...protocol.createRequest.read(from), withStat }, client)
    return (to) => {
      if (created.type === 'create') (withStat ? protocol.pathAndStat : protocol.path).write(to, created)
    }
  }

/** set, setAcl and check answer with a stat, a delete with nothing. */
const writeStat =
  (op: (from: JuteReader) => Exclude<Parameters<Database['write']>[0], { type: 'create' }>): Handler =>
  ({ database, client, from }) => {
    const done = database.write(op(from), client)
    return (to) => {
      if (done.type === 'set') protocol.statResponse.write(to, done)
    }
  }

const exists: Handler = (context) => {
  const { path, watch } = protocol.pathAndWatch.read(context.from)
  const node = context.database.state.tree.get(path)
  if (node) checkAcl(node.acl, PERMISSIONS.READ, context.client.identities, path)
  if (watch) context.watches.add('data', path, context.client.watcher)
  if (!node) throw new ZooKeeperError('NO_NODE', { path })
  const stat = statOf(context, node)
  return (to) => protocol.statResponse.write(to, { stat })
}

const getData: Handler = (context) => {
  const { path, watch } = protocol.pathAndWatch.read(context.from)
  const node = readable(context, path)
  if (watch) context.watches.add('data', path, context.client.watcher)
  return (to) => protocol.dataAndStat.write(to, { data: node.data, stat: statOf(context, node) })
}

const getChildren =
  (withStat: boolean): Handler =>
  (context) => {
    const { path, watch } = protocol.pathAndWatch.read(context.from)
    const node = readable(context, path)
    if (watch) context.watches.add('child', path, context.client.watcher)
    const answer = { children: [...node.children], stat: statOf(context, node) }
    return (to) => (withStat ? protocol.childrenAndStat : protocol.children).write(to, answer)
  }

const getAcl: Handler = (context) => {
  const { path } = protocol.path.read(context.from)
  const node = readable(context, path, PERMISSIONS.READ | PERMISSIONS.ADMIN)
  const acl = isGranted(node.acl, PERMISSIONS.ADMIN, context.client.identities) ? node.acl : maskAcl(node.acl)
  return (to) => protocol.aclAndStat.write(to, { acl, stat: statOf(context, node) })
}

const multi: Handler = ({ database, client, from }) => {
  const ops: RawOp[] = readMulti(from)
  const results = database.writeAll(ops, client)
  return (to) => writeMultiResults(to, results)
}

/** A path whose znode changed after `relativeZxid` gets its event now, before the answer; the others are watched. */
const setWatches =
  (hasPersistent: boolean): Handler =>
  ({ database, watches, client: { watcher }, from }) => {
    const request = protocol.setWatchesRequest.read(from)
    if (hasPersistent) {
      const { persistent, recursive } = protocol.persistentWatches.read(from)
      if (persistent.length + recursive.length > 0) throw new ZooKeeperError('UNIMPLEMENTED')
    }
    const { tree, zxid } = database.state
    for (const path of request.dataWatches) {
      const node = tree.get(path)
      if (!node) watcher.notify('NODE_DELETED', path, zxid)
      else if (node.mzxid > request.relativeZxid) watcher.notify('NODE_DATA_CHANGED', path, zxid)
      else watches.add('data', path, watcher)
    }
    for (const path of request.existWatches) {
      if (tree.get(path)) watcher.notify('NODE_CREATED', path, zxid)
      else watches.add('data', path, watcher)
    }
    for (const path of request.childWatches) {
      const node = tree.get(path)
      if (!node) watcher.notify('NODE_DELETED', path, zxid)
      else if (node.pzxid > request.relativeZxid) watcher.notify('NODE_CHILDREN_CHANGED', path, zxid)
      else watches.add('child', path, watcher)
    }
    return EMPTY
  }

/** WatcherType: 1 children, 2 data, 3 any. */
const tablesOf = (type: number): ('data' | 'child')[] => (type === 1 ? ['child'] : type === 2 ? ['data'] : ['data', 'child'])

const forWatches = (act: (watches: WatchTable, table: 'data' | 'child', path: string, watcher: Watcher) => boolean): Handler => {
  return ({ watches, client, from }) => {
    const { path, type } = protocol.pathAndType.read(from)
    const hits = tablesOf(type).map((table) => act(watches, table, path, client.watcher))
    if (!hits.includes(true)) throw new ZooKeeperError('NO_WATCHER', { path })
    return EMPTY
  }
}

const getEphemerals: Handler = ({ database, client, from }) => {
  const prefix = protocol.path.read(from).path.trim()
  const paths = database.state.tree.ephemeralsOf(client.sessionId).filter((path) => path.startsWith(prefix))
  return (to) => protocol.ephemerals.write(to, { ephemerals: paths })
}

const getAllChildrenNumber: Handler = (context) => {
  const { path } = protocol.path.read(context.from)
  readable(context, path)
  const { tree } = context.database.state
  const below = path === '/' ? '/' : `${path}/`
  let totalNumber = path === '/' ? -1 : 0
  for (const [other] of tree.entries()) if (other.startsWith(below)) totalNumber++
  return (to) => protocol.totalNumber.write(to, { totalNumber })
}

const whoAmI: Handler = ({ client }) => {
  const userOf = (scheme: string, id: string) => (scheme === 'digest' ? id.split(':', 1)[0]! : id)
  const clientInfo = client.identities
    .filter(({ scheme }) => scheme !== 'super')
    .map(({ scheme, id }) => ({ scheme, user: userOf(scheme, id) }))
  return (to) => protocol.clientInfos.write(to, { clientInfo })
}

/** What a session may ask; ping, auth, sasl and closeSession belong to the connection. */
export const HANDLERS: ReadonlyMap<number, Handler> = new Map([
  [OPCODES.create, create(false)],
  [OPCODES.create2, create(true)],
  [OPCODES.delete, writeStat((from) => ({ type: 'delete', ...protocol.pathAndVersion.read(from) }))],
  [OPCODES.setData, writeStat((from) => ({ type: 'set', ...protocol.setDataRequest.read(from) }))],
  [OPCODES.setAcl, writeStat((from) => ({ type: 'setAcl', ...protocol.setAclRequest.read(from) }))],
  [OPCODES.exists, exists],
  [OPCODES.getData, getData],
  [OPCODES.getAcl, getAcl],
  [OPCODES.getChildren, getChildren(false)],
  [OPCODES.getChildren2, getChildren(true)],
  [OPCODES.multi, multi],
  [OPCODES.setWatches, setWatches(false)],
  [OPCODES.setWatches2, setWatches(true)],
  [OPCODES.checkWatches, forWatches((watches, table, path, watcher) => watches.has(table, path, watcher))],
  [OPCODES.removeWatches, forWatches((watches, table, path, watcher) => watches.remove(table, path, watcher))],
  [OPCODES.getEphemerals, getEphemerals],
  [OPCODES.getAllChildrenNumber, getAllChildrenNumber],
  [OPCODES.whoAmI, whoAmI],
  [
    OPCODES.sync,
    ({ from }) => {
      const { path } = protocol.path.read(from)
      return (to) => protocol.path.write(to, { path })
    },
  ],
])
