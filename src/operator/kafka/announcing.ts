import { keyText, type Key } from '../../kube/types.ts'
import type { Contacts } from './contact.ts'

/** The same contacts; `onReachable` is told when a Cluster answers that did not the last time. */
export const announcing = (contacts: Contacts, onReachable: (cluster: Key) => void): Contacts => {
  const failed = new Set<string>()
  return {
    get: async (cluster) => {
      const text = keyText(cluster)
      const contact = await contacts.get(cluster).catch((error: unknown) => {
        failed.add(text)
        throw error
      })
      if (failed.delete(text)) onReachable(cluster)
      return contact
    },
    unreachableMs: (cluster) => contacts.unreachableMs(cluster),
    forget: (cluster) => {
      failed.delete(keyText(cluster))
      contacts.forget(cluster)
    },
    close: () => contacts.close(),
  }
}
