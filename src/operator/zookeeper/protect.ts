import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { PERMISSIONS, type Acl } from '../../zookeeper/types.ts'
import { BROKER_USER, OPERATOR_USER } from '../names.ts'

/** Not Kafka's: ZooKeeper's own, and what old consumers write themselves. */
const LEFT_OPEN = ['zookeeper', 'consumers']
/** Below these are secrets: not even reading is for everyone (Kafka's ZkData.SensitiveRootPaths). */
const SENSITIVE = ['/config/users', '/config/brokers', '/delegation_token/tokens']
/** Kafka makes it at its first start and never again; it is closed last, so it tells whether all is. */
const LAST = 'config'
const AT_A_TIME = 100

const BROKERS: Acl = { perms: PERMISSIONS.ALL, scheme: 'sasl', id: BROKER_USER }
const READERS: Acl = { perms: PERMISSIONS.READ, scheme: 'world', id: 'anyone' }
const OPERATOR: Acl = { perms: PERMISSIONS.ALL, scheme: 'sasl', id: OPERATOR_USER }
const aclOf = (path: string): Acl[] => {
  if (path.startsWith('/sofakafka/operator')) return [OPERATOR]
  return SENSITIVE.some((root) => path.startsWith(root)) ? [BROKERS] : [BROKERS, READERS]
}

type Store = Pick<ZooKeeperClient, 'getAcl' | 'setAcl' | 'children'>

const isOpen = (acl: readonly Acl[]): boolean =>
  acl.some(({ scheme, id, perms }) => scheme === 'world' && id === 'anyone' && perms !== PERMISSIONS.READ)

/** Gives every znode of Kafka to the brokers' login. Gives how many were changed: 0 where that was done before. */
export const protectZnodes = async (zookeeper: Store): Promise<number> => {
  if (!(await isOpenAt(zookeeper, `/${LAST}`))) return 0
  const names = (await zookeeper.children('/')).children.filter((name) => name !== LAST && !LEFT_OPEN.includes(name))
  let changed = 0
  for (const name of [...names, LAST]) changed += await protectBelow(zookeeper, `/${name}`)
  return changed
}

const isOpenAt = async (zookeeper: Store, path: string): Promise<boolean> => {
  const found = await unlessRefused(zookeeper.getAcl(path), 'NO_NODE')
  return found !== undefined && isOpen(found.acl)
}

/** Children first: who was interrupted finds the parent as it was. A znode that goes meanwhile is none to protect. */
const protectBelow = async (zookeeper: Store, path: string): Promise<number> => {
  try {
    const { children } = await zookeeper.children(path)
    let changed = 0
    for (let at = 0; at < children.length; at += AT_A_TIME) {
      const some = children.slice(at, at + AT_A_TIME)
      const counts = await Promise.all(some.map((name) => protectBelow(zookeeper, `${path}/${name}`)))
      changed += counts.reduce((sum, count) => sum + count, 0)
    }
    if (!isOpen((await zookeeper.getAcl(path)).acl)) return changed
    await zookeeper.setAcl(path, aclOf(path), -1)
    return changed + 1
  } catch (error) {
    if (isZooKeeperError(error, 'NO_NODE')) return 0
    throw error
  }
}
