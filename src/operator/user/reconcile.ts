import { type Cluster, users, type User } from '../../api/index.ts'
import { secrets, type Secret } from '../../kube/resources.ts'
import type { Key, Result } from '../../kube/types.ts'
import type { Claims } from '../admission.ts'
import { clusterKeyOf, userName } from '../claims.ts'
import type { Environment } from '../environment.ts'
import { reconcileDependent } from '../dependent.ts'
import { ROTATE_PASSWORD } from '../names.ts'
import { newPassword } from '../passwords.ts'
import { READY, type Verdict } from '../reasons.ts'
import type { ScramMechanism } from '../../security/scram.ts'
import { certificateSecret } from './certificate.ts'
import { mechanismOf, passwordSecret } from './desired.ts'
import { observeUser, type UserSeen } from './observe.ts'
import { removeUser, setScram } from './scram.ts'
import { userStatus } from './status.ts'

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
    if (!user || user.metadata.deletionTimestamp) environment.settledUsers.forget({ metadata: key })
    return reconcileDependent(environment, key, {
      resource: users,
      claims: userClaims(environment),
      bring: async (object, cluster) => ({ verdict: await bring(environment, object, cluster) }),
      remove: (object, contact) => removeUser(contact, userName(object)),
      status: (object, verdict) => userStatus(object, verdict, environment.wall.nowMs()),
    })
  }

const bring = async (environment: Environment, user: User, cluster: Cluster): Promise<Verdict> => {
  const contactOf = () => environment.contacts.get(clusterKeyOf(user))
  if (await environment.settledUsers.isSettled(user, cluster, contactOf)) return READY
  environment.settledUsers.forget(user)
  const seen = await observeUser(environment.kube, user, cluster)
  if ('verdict' in seen) return seen.verdict
  const mechanism = mechanismOf(user)
  // The Secret first: a password that Kafka has and nobody knows would be of no use.
  return mechanism ? await bringPassword(environment, seen, mechanism) : await bringCertificate(environment, seen)
}

const bringPassword = async (environment: Environment, seen: UserSeen, mechanism: ScramMechanism): Promise<Verdict> => {
  const { user, cluster, secret, givenVersion } = seen
  const password = seen.password ?? newPassword()
  const kept = await keepSecret(environment, seen, passwordSecret(seen, mechanism, password))
  const contact = await environment.contacts.get(clusterKeyOf(user))
  const set = await setScram(environment, contact, user, { name: seen.name, scram: { mechanism, password }, isNews: secret !== undefined })
  if ('verdict' in set) return set.verdict
  if (set.credential)
    environment.settledUsers.note(user, cluster, { own: kept.metadata.resourceVersion, given: givenVersion }, set.credential)
  return READY
}

const bringCertificate = async (environment: Environment, seen: UserSeen): Promise<Verdict> => {
  const { user } = seen
  const made = await certificateSecret(environment, seen)
  if ('verdict' in made) return made.verdict
  await keepSecret(environment, seen, made.secret)
  if (made.note !== undefined) {
    await environment.events.record(user, { type: 'Normal', reason: 'CertificateRenewed', action: 'Reconcile', note: made.note })
  }
  const contact = await environment.contacts.get(clusterKeyOf(user))
  const set = await setScram(environment, contact, user, { name: seen.name, scram: undefined, isNews: true })
  return 'verdict' in set ? set.verdict : READY
}

const keepSecret = async (environment: Environment, { user, secret, rotation }: UserSeen, wanted: Secret): Promise<Secret> => {
  const { changed, object } = await environment.kube.apply(secrets, wanted, { live: secret })
  if (!changed) return object
  const isRotated = secret !== undefined && rotation !== secret.metadata.annotations?.[ROTATE_PASSWORD]
  const event = { type: 'Normal', action: 'Reconcile' } as const
  if (!secret) await environment.events.record(user, { ...event, reason: 'Created', note: `Secret ${user.metadata.name}` })
  else if (isRotated && mechanismOf(user))
    await environment.events.record(user, { ...event, reason: 'Changed', note: `another password in the Secret ${user.metadata.name}` })
  return object
}
