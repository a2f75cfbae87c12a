import { randomBytes } from 'node:crypto'
import { users, type User } from '../../api/index.ts'
import { secrets } from '../../kube/resources.ts'
import type { Key, Result } from '../../kube/types.ts'
import { verifyPassword } from '../../security/scram.ts'
import { admit, againMs, isPaused, type Claims } from '../admission.ts'
import { clusterKeyOf, userName } from '../claims.ts'
import type { Environment } from '../environment.ts'
import { Unreachable, type Contact } from '../kafka/contact.ts'
import { finalize, keepFinalizer, recordOf } from '../lifecycle.ts'
import { READY, reconciling, stalled, type Verdict } from '../reasons.ts'
import { userSecret } from './desired.ts'
import { observeUser, type UserSeen } from './observe.ts'
import { userStatus } from './status.ts'

const RETRY_MS = 2000
const REFUSED_RETRY_MS = 60_000
const PASSWORD_BYTES = 32
const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

export const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url')

export const userClaims = (environment: Pick<Environment, 'store'>): Claims<User> => ({
  informer: environment.store.users,
  nameOf: userName,
  namesOf: (user) => [{ name: userName(user), isPrincipal: true }],
})

/** Brings one login to what its resource says. */
export const reconcileUser =
  (environment: Environment) =>
  async (key: Key): Promise<Result> => {
    const user = environment.store.users.get(key)
    if (!user) return {}
    const claims = userClaims(environment)
    if (user.metadata.deletionTimestamp) return finalize(environment, users, user, claims, (contact) => removeUser(contact, userName(user)))
    if (isPaused(user)) return {}
    await keepFinalizer(environment, users, user)
    const verdict = await bring(environment, user, claims)
    await environment.kube.patchStatus(users, user, userStatus(user, verdict, environment.wall.nowMs()))
    return { requeueAfterMs: againMs(verdict, RETRY_MS, REFUSED_RETRY_MS) }
  }

const bring = async (environment: Environment, user: User, claims: Claims<User>): Promise<Verdict> => {
  const admission = admit(environment, user, claims)
  if ('verdict' in admission) return admission.verdict
  const seen = await observeUser(environment.kube, user, admission.cluster)
  if ('verdict' in seen) return seen.verdict
  const password = seen.password ?? newPassword()
  // The Secret first: a password that Kafka has and nobody knows would be of no use.
  const { changed } = await environment.kube.apply(secrets, userSecret(seen, password))
  if (changed && !seen.secret) {
    await environment.events.record(user, { type: 'Normal', reason: 'Created', action: 'Reconcile', note: `Secret ${user.metadata.name}` })
  }
  try {
    const contact = await environment.contacts.get(clusterKeyOf(user))
    return await setPassword(environment, contact, seen, password)
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
    return reconciling('BrokersUnreachable', error.message)
  }
}

const setPassword = async (environment: Environment, contact: Contact, seen: UserSeen, password: string): Promise<Verdict> => {
  const { user, name } = seen
  const mechanism = user.spec.authentication.type
  const [record, credential] = await Promise.all([contact.records.get('users', name), contact.scramCredential(name, mechanism)])
  await contact.records.put('users', name, { ...recordOf(user), mechanism })
  try {
    if (!credential || !(await verifyPassword(mechanism, password, credential))) {
      await contact.admin.setScramPassword(name, mechanism, password)
      await environment.events.record(user, {
        type: 'Normal',
        reason: 'Changed',
        action: 'Reconcile',
        note: `${mechanism} password of ${name} set`,
      })
    }
    if (record?.mechanism && record.mechanism !== mechanism) await contact.admin.deleteScramUser(name, record.mechanism)
  } catch (error) {
    const { error: code, retriable } = error as { error?: string; retriable?: boolean }
    if (code === undefined || retriable) throw error
    return stalled('KafkaRefused', `${code}: ${(error as Error).message}`)
  }
  return READY
}

export const removeUser = async (contact: Contact, name: string): Promise<void> => {
  for (const mechanism of MECHANISMS) {
    if (await contact.scramCredential(name, mechanism)) await contact.admin.deleteScramUser(name, mechanism)
  }
  await contact.records.delete('users', name)
}
