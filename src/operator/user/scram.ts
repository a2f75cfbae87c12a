import type { User } from '../../api/index.ts'
import { canonical } from '../../kube/difference.ts'
import { verifyPassword, type ScramCredential, type ScramMechanism } from '../../security/scram.ts'
import type { Environment } from '../environment.ts'
import type { Contact } from '../kafka/contact.ts'
import { recordOf } from '../claims.ts'
import { stalled, type Verdict } from '../reasons.ts'
import { MECHANISMS } from './desired.ts'

type Scram = { mechanism: ScramMechanism; password: string }

/**
 * Has Kafka check logins of `name` against this password and no other; `scram` undefined: it has none. Writes nothing where that is so already.
 * `isNews`: an event tells that a password was set. Gives what Kafka has then.
 */
export const setScram = async (
  environment: Environment,
  contact: Contact,
  user: User,
  { name, scram, isNews }: { name: string; scram: Scram | undefined; isNews: boolean },
): Promise<{ credential: ScramCredential | undefined } | { verdict: Verdict }> => {
  const before = await contact.records.get('users', name)
  const other = before?.mechanism === scram?.mechanism ? undefined : before?.mechanism
  const record = { ...recordOf(user), mechanism: scram?.mechanism }
  // The record names what is to be taken away, so it changes after that; else it stands before there is anything.
  if (!other && canonical(before) !== canonical(record)) await contact.records.put('users', name, record)
  try {
    let credential = scram && (await fittingCredential(contact, name, scram))
    if (scram && !credential) {
      const { mechanism, password } = scram
      credential = await contact.admin.setScramPassword(name, mechanism, password)
      const note = `${mechanism} password of ${name} set`
      if (isNews) await environment.events.record(user, { type: 'Normal', reason: 'Changed', action: 'Reconcile', note })
    }
    if (other) {
      await contact.admin.deleteScramUser(name, other)
      await contact.records.put('users', name, record)
    }
    return { credential }
  } catch (error) {
    return { verdict: refusalOf(error) }
  }
}

/** What Kafka will say again; other errors are thrown on. */
const refusalOf = (error: unknown): Verdict => {
  const { error: code, retriable } = error as { error?: string; retriable?: boolean }
  if (code === undefined || retriable) throw error
  return stalled('KafkaRefused', `${code}: ${(error as Error).message}`)
}

/** What Kafka has, where it is of this password. */
const fittingCredential = async (contact: Contact, name: string, { mechanism, password }: Scram): Promise<ScramCredential | undefined> => {
  const credential = await contact.scramCredential(name, mechanism)
  return credential && (await verifyPassword(mechanism, password, credential)) ? credential : undefined
}

/** Takes the login away, unless another operator has a User for it too; what the user may do is the Acls' matter and stays. */
export const removeUser = async (contact: Contact, name: string): Promise<void> => {
  const isShared = (await contact.records.others('users', name)).length > 0
  for (const mechanism of isShared ? [] : MECHANISMS) {
    if (await contact.scramCredential(name, mechanism)) await contact.admin.deleteScramUser(name, mechanism)
  }
  await contact.records.delete('users', name)
}
