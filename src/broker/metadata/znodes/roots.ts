import type { ZooKeeperClient } from '../../../zookeeper/client.ts'
import { ACL_RESOURCE_TYPES, ACL_STORES, aclZnode } from './acl.ts'

/** What Kafka makes at its start, in its order (ZkData.PersistentZkPaths). */
const PERSISTENT = [
  '/consumers',
  '/brokers/ids',
  '/brokers/topics',
  '/config/changes',
  '/admin/delete_topics',
  '/brokers/seqid',
  '/isr_change_notification',
  '/latest_producer_id_block',
  '/log_dir_event_notification',
  '/config/topics',
  '/config/clients',
  '/config/users',
  '/config/brokers',
]

/** Makes the persistent znodes that are not there. */
export const makeRoots = async (zookeeper: ZooKeeperClient): Promise<void> => {
  for (const path of PERSISTENT) await zookeeper.makePath(path)
}

/** Made when an authorizer starts, as Kafka's does. */
export const makeAclRoots = async (zookeeper: ZooKeeperClient): Promise<void> => {
  for (const store of ACL_STORES) {
    await zookeeper.makePath(store.changes)
    for (const type of ACL_RESOURCE_TYPES) await zookeeper.makePath(aclZnode.typePath(store, type))
  }
}
