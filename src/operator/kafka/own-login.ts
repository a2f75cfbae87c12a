import { credentialOfPassword, formatCredential } from '../../security/scram.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { OPERATOR_USER } from '../names.ts'
import { childrenOf, readText, ROOT, sanitize } from './records.ts'

const HOMES = `${ROOT}/homes`
const USER = `/config/users/${OPERATOR_USER}`

/** Remembers that the operator of this home has been let in. */
export const noteHome = async (zookeeper: ZooKeeperClient, home: string): Promise<void> => {
  const path = `${HOMES}/${sanitize(home)}`
  if (!(await zookeeper.exists(path))) await zookeeper.makePath(path)
}

/**
 * Has Kafka take this password for the operator, as `kafka-configs --zookeeper` would: for one whose Secret was lost, and who was let in before. Not where operators
 * of other homes were let in too: they share the login, and would be locked out. Says whether it did.
 */
export const resetOwnLogin = async (zookeeper: ZooKeeperClient, home: string, password: string): Promise<boolean> => {
  const homes = await childrenOf(zookeeper, HOMES)
  if (homes.length !== 1 || homes[0] !== sanitize(home)) return false
  const found = await readText(zookeeper, USER)
  if (!found) return false
  const { config } = JSON.parse(found.text) as { config?: Record<string, string> }
  const credential = formatCredential(await credentialOfPassword('SCRAM-SHA-512', password))
  const text = JSON.stringify({ version: 1, config: { ...config, 'SCRAM-SHA-512': credential } })
  await zookeeper.set(USER, Buffer.from(text), found.version)
  const change = Buffer.from(JSON.stringify({ version: 2, entity_path: `users/${OPERATOR_USER}` }))
  await zookeeper.create('/config/changes/config_change_', change, { mode: 'persistent-sequential' })
  return true
}
