import { keyText, type Key } from '../../kube/types.ts'
import { removeAcl } from '../acl/reconcile.ts'
import { claimOf, type Dependent } from '../claims.ts'
import type { Environment } from '../environment.ts'
import { removeTopic } from '../topic/remove.ts'
import { removeUser } from '../user/scram.ts'
import type { Contact, RecordKind } from './contact.ts'

const REMOVE: Record<Exclude<RecordKind, 'brokers'>, (contact: Contact, name: string) => Promise<unknown>> = {
  topics: removeTopic,
  users: removeUser,
  acls: removeAcl,
}

/**
 * Takes away what resources left behind that are gone: a finalizer was released because nobody could be reached, or the resource went with its namespace.
 * Runs only on a store that has been synced; a name that a living resource claims is left to that one, and what was
 * made for a namespace that is not watched any more stays: nobody here can say that its resource is gone.
 */
export const removeLeftovers = async (
  environment: Pick<Environment, 'store' | 'logger' | 'watched'>,
  cluster: Key,
  contact: Contact,
): Promise<void> => {
  const { store, logger, watched } = environment
  for (const kind of ['topics', 'users', 'acls'] as const) {
    const informer = store[kind]
    if (!informer.isSynced) throw new Error(`${kind} are not known yet`)
    for (const name of await contact.records.list(kind)) {
      const claimants: Dependent[] = informer.by('claim', claimOf(cluster, name))
      if (claimants.length > 0) continue
      const record = await contact.records.get(kind, name)
      if (!record || (watched.length > 0 && !watched.includes(record.owner.namespace))) continue
      if (record.deletionPolicy === 'Delete') {
        await REMOVE[kind](contact, name)
        logger.info({ cluster: keyText(cluster), kind, name, owner: record.owner }, 'removed what a deleted resource left behind')
      } else await contact.records.delete(kind, name)
    }
  }
}
