import { ZooKeeperError } from '../zookeeper/errors.ts'
import type { RawOp } from '../zookeeper/multi.ts'
import { parentOf, validatePath } from '../zookeeper/paths.ts'
import { CREATE_FLAGS } from '../zookeeper/protocol.ts'
import { PERMISSIONS, type Acl } from '../zookeeper/types.ts'
import { checkAcl, resolveAcl, type Identity } from './acl.ts'
import type { Change } from './change.ts'
import { RESERVED_PATHS, type Znode, type ZnodeTree } from './tree.ts'

/** On whose behalf. */
export type Actor = { sessionId: bigint; identities: readonly Identity[] }
export type WriteOp = RawOp | { type: 'setAcl'; path: string; acl: readonly Acl[]; version: number }

const found = (tree: ZnodeTree, path: string): Znode => {
  const node = tree.get(path)
  if (!node) throw new ZooKeeperError('NO_NODE', { path })
  return node
}

const checkVersion = (actual: number, expected: number, path: string): void => {
  if (expected !== -1 && expected !== actual) throw new ZooKeeperError('BAD_VERSION', { path })
}

/** The checks in ZooKeeper's order: path, ACL given, parent, permission, sequence number, existence, ephemeral parent. */
const decideCreate = (tree: ZnodeTree, op: RawOp & { type: 'create' }, actor: Actor): Change => {
  if (!Object.values(CREATE_FLAGS).includes(op.flags)) {
    throw new ZooKeeperError(op.flags >= 4 && op.flags <= 6 ? 'UNIMPLEMENTED' : 'BAD_ARGUMENTS', { path: op.path })
  }
  if (!op.path.includes('/') || op.path.includes('\0')) throw new ZooKeeperError('BAD_ARGUMENTS', { path: op.path })
  const acl = resolveAcl(op.acl, actor.identities, op.path)
  const parent = found(tree, parentOf(op.path))
  checkAcl(parent.acl, PERMISSIONS.CREATE, actor.identities, op.path)
  const isSequential = (op.flags & CREATE_FLAGS['persistent-sequential']) !== 0
  const path = isSequential ? op.path + String(parent.creates).padStart(10, '0') : op.path
  validatePath(path)
  if (tree.get(path)) throw new ZooKeeperError('NODE_EXISTS', { path })
  if (parent.ephemeralOwner !== 0n) throw new ZooKeeperError('NO_CHILDREN_FOR_EPHEMERALS', { path })
  return { type: 'create', path, data: op.data, acl, ephemeralOwner: op.flags & CREATE_FLAGS.ephemeral ? actor.sessionId : 0n }
}

const decideDelete = (tree: ZnodeTree, op: RawOp & { type: 'delete' }, actor: Actor): Change => {
  if (!op.path.includes('/') || op.path.includes('\0') || RESERVED_PATHS.includes(op.path)) {
    throw new ZooKeeperError('BAD_ARGUMENTS', { path: op.path })
  }
  const parent = found(tree, parentOf(op.path))
  checkAcl(parent.acl, PERMISSIONS.DELETE, actor.identities, op.path)
  const node = found(tree, op.path)
  checkVersion(node.version, op.version, op.path)
  if (node.children.size > 0) throw new ZooKeeperError('NOT_EMPTY', { path: op.path })
  return { type: 'delete', path: op.path }
}

/** What the operation does to the present state; undefined when it only checks. Throws ZooKeeperError and changes nothing. */
export const decide = (tree: ZnodeTree, op: WriteOp, actor: Actor): Change | undefined => {
  if (op.type === 'create') return decideCreate(tree, op, actor)
  if (op.type === 'delete') return decideDelete(tree, op, actor)
  validatePath(op.path)
  if (op.type === 'setAcl') {
    const acl = resolveAcl(op.acl, actor.identities, op.path)
    const node = found(tree, op.path)
    checkAcl(node.acl, PERMISSIONS.ADMIN, actor.identities, op.path)
    checkVersion(node.aversion, op.version, op.path)
    return { type: 'setAcl', path: op.path, acl }
  }
  const node = found(tree, op.path)
  checkAcl(node.acl, op.type === 'set' ? PERMISSIONS.WRITE : PERMISSIONS.READ, actor.identities, op.path)
  checkVersion(node.version, op.version, op.path)
  return op.type === 'set' ? { type: 'set', path: op.path, data: op.data } : undefined
}
