import type { Cluster, User } from '../../api/index.ts'
import { secrets, type Secret } from '../../kube/resources.ts'
import { textOf } from '../../kube/secret-data.ts'
import { keyText, type Kube } from '../../kube/types.ts'
import { clusterKeyOf, userName } from '../claims.ts'
import { LOGIN_OF, MANAGER, namespaceOf, ROTATE_PASSWORD } from '../names.ts'
import { stalled, type Verdict } from '../reasons.ts'

export type UserSeen = {
  user: User
  cluster: Cluster
  name: string
  secret: Secret | undefined
  /** What the user shall log in with; undefined: one has to be made. */
  password: string | undefined
  /** The version of the Secret in which somebody gives it. */
  givenVersion: string | undefined
  /** The wish for another password that `password`, or the one to be made, fulfils. */
  rotation: string | undefined
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
  const fulfilled = secret?.metadata.annotations?.[ROTATE_PASSWORD]
  const rotation = user.metadata.annotations?.[ROTATE_PASSWORD] ?? fulfilled
  const seen = { user, cluster, name: userName(user), secret, rotation, givenVersion: undefined }
  const reference = user.spec.authentication.password?.secretKeyRef
  if (!reference) return { ...seen, password: rotation === fulfilled ? textOf(secret, 'password') || undefined : undefined }
  const given = await kube.get(secrets, { namespace, name: reference.name })
  const password = textOf(given, reference.key)
  const problem = problemOf(password, reference)
  return problem ? { verdict: problem } : { ...seen, password, givenVersion: given?.metadata.resourceVersion }
}

const problemOf = (password: string | undefined, { name, key }: { name: string; key: string }): Verdict | undefined => {
  if (!password) return stalled('SecretNotFound', `the Secret ${name} with a key ${key} is not there, or the key is empty: make it`)
  // A line feed at the end is what a text file and `echo` add; nobody can type it where a password is asked for.
  if (/\p{Cc}/u.test(password)) {
    return stalled(
      'SecretInvalid',
      `the key ${key} of the Secret ${name} holds a line feed or another control character: write the password without (printf %s, not echo)`,
    )
  }
  return undefined
}
