import { type Acl, CREATOR_ALL_ACL, OPEN_ACL, READ_ACL } from '../../../zookeeper/types.ts'

/** Their znodes hold secrets: not even reading is for everyone. */
const SENSITIVE = ['/config/users', '/config/brokers', '/delegation_token/tokens']
/** Old consumers write below it themselves. */
const OPEN = '/consumers'
const CREATOR_AND_READERS = [...CREATOR_ALL_ACL, ...READ_ACL]

/** The ACL of a znode with zookeeper.set.acl=true: all rights to the brokers' login, reading to everyone where nothing is secret (ZkData.defaultAcls). */
export const protectedAcl = (path: string): readonly Acl[] => {
  if (path === OPEN) return OPEN_ACL
  return SENSITIVE.some((root) => path.startsWith(root)) ? CREATOR_ALL_ACL : CREATOR_AND_READERS
}
