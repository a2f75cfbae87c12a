import type { User } from '../../api/index.ts'
import { verifyPassword, type ScramMechanism } from '../../security/scram.ts'
import type { Environment } from '../environment.ts'
import type { Contact } from '../kafka/contact.ts'
import { recordOf } from '../lifecycle.ts'
import { READY, stalled, type Verdict } from '../reasons.ts'
import { MECHANISMS } from './desired.ts'

/** Has Kafka check logins of `name` against this password and no other; `scram` undefined: it has none. Writes nothing where that is so already. */
export const setScram = async (
  environment: Environment,
  contact: Contact,
  user: User,
  name: string,
  scram: { mechanism: ScramMechanism; password: string } | undefined,
): Promise<Verdict> => {
  const before = await contact.records.get('users', name)
  const other = before?.mechanism === scram?.mechanism ? undefined : before?.mechanism
  const record = { ...recordOf(user), mechanism: scram?.mechanism }
  // The record names what is to be taken away, so it changes after that; else it stands before there is anything.
  if (!other) await contact.records.put('users', name, record)
  try {
    if (scram && !(await isSet(contact, name, scram))) {
      const { mechanism, password } = scram
      await contact.admin.setScramPassword(name, mechanism, password)
      const note = `${mechanism} password of ${name} set`
      await environment.events.record(user, { type: 'Normal', reason: 'Changed', action: 'Reconcile', note })
    }
    if (other) {
      await contact.admin.deleteScramUser(name, other)
      await contact.records.put('users', name, record)
    }
  } catch (error) {
    const { error: code, retriable } = error as { error?: string; retriable?: boolean }
    if (code === undefined || retriable) throw error
    return stalled('KafkaRefused', `${code}: ${(error as Error).message}`)
  }
  return READY
}

const isSet = async (contact: Contact, name: string, scram: { mechanism: ScramMechanism; password: string }): Promise<boolean> => {
  const credential = await contact.scramCredential(name, scram.mechanism)
  return credential !== undefined && verifyPassword(scram.mechanism, scram.password, credential)
}

/** Takes the login away, unless another operator has a User for it too; what the user may do is the Acls' matter and stays. */
export const removeUser = async (contact: Contact, name: string): Promise<void> => {
  const isShared = (await contact.records.others('users', name)).length > 0
  for (const mechanism of isShared ? [] : MECHANISMS) {
    if (await contact.scramCredential(name, mechanism)) await contact.admin.deleteScramUser(name, mechanism)
  }
  await contact.records.delete('users', name)
}
