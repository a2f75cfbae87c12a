import type { Cluster, User } from '../../api/index.ts'
import { secrets, type Secret } from '../../kube/resources.ts'
import { keyText, type Kube } from '../../kube/types.ts'
import { clusterKeyOf, userName } from '../claims.ts'
import { LOGIN_OF, MANAGER, namespaceOf } from '../names.ts'
import { stalled, type Verdict } from '../reasons.ts'

export type UserSeen = {
  user: User
  cluster: Cluster
  name: string
  secret: Secret | undefined
  /** What the user shall log in with; undefined: one has to be made. */
  password: string | undefined
}

export const textOf = (secret: Secret | undefined, key: string): string | undefined => {
  const data = secret?.data?.[key]
  return data === undefined ? undefined : Buffer.from(data, 'base64').toString('utf8')
}

/** Whose login a Secret is: kept through the deletion of its User, so that one that is made again has the old password. */
export const loginOf = (user: User): string => `${keyText(clusterKeyOf(user))}/${userName(user)}`

const isOurs = (secret: Secret, user: User): boolean =>
  secret.metadata.labels?.['app.kubernetes.io/managed-by'] === MANAGER && secret.metadata.annotations?.[LOGIN_OF] === loginOf(user)

/** Every read that a reconcile of a User makes in Kubernetes. */
export const observeUser = async (kube: Kube, user: User, cluster: Cluster): Promise<UserSeen | { verdict: Verdict }> => {
  const namespace = namespaceOf(user)
  const secret = await kube.get(secrets, { namespace, name: user.metadata.name })
  if (secret && !isOurs(secret, user)) {
    return {
      verdict: stalled(
        'SecretConflict',
        `the Secret ${user.metadata.name} is not one that the operator made for this User: rename or delete it`,
      ),
    }
  }
  const seen = { user, cluster, name: userName(user), secret }
  const reference = user.spec.authentication.password?.secretKeyRef
  if (!reference) return { ...seen, password: textOf(secret, 'password') }
  const given = await kube.get(secrets, { namespace, name: reference.name })
  const password = textOf(given, reference.key)
  if (password) return { ...seen, password }
  return {
    verdict: stalled(
      'SecretNotFound',
      `the Secret ${reference.name} with a key ${reference.key} is not there, or the key is empty: make it`,
    ),
  }
}
