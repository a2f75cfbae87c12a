import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import type { Secret } from '../../kube/resources.ts'
import { base64, type SecretData, textOf } from '../../kube/secret-data.ts'
import { clusterSecret } from '../cluster-secret.ts'
import { BROKER_USER, credentialsSecret, NEXT_SINCE, OPERATOR_USER, ROTATE_CREDENTIALS } from '../names.ts'
import { newPassword } from '../passwords.ts'
import { LOGIN_FILE } from './pods/mounts.ts'

/** The users whose passwords the operator made for itself and for the brokers. */
export const OWN_USERS = [OPERATOR_USER, BROKER_USER] as const
export type OwnUser = (typeof OWN_USERS)[number]
export type Passwords = Record<OwnUser, string>
/** What CLUSTER-credentials says: the passwords, and while they are being changed those that come next. */
export type Credentials = {
  passwords: Passwords
  next?: { passwords: Passwords; sinceMs: number }
  /** The wish for other passwords that has been fulfilled, or is being. */
  rotation?: string
}

export const newPasswords = (): Passwords => ({ [OPERATOR_USER]: newPassword(), [BROKER_USER]: newPassword() })

const nextKey = (user: OwnUser): string => `next.${user}`

/** undefined where a password is missing. */
export const readCredentials = (secret: Secret | undefined): Credentials | undefined => {
  const passwordsOf = (keyOf: (user: OwnUser) => string): Passwords | undefined => {
    const [operator, broker] = OWN_USERS.map((user) => textOf(secret, keyOf(user)))
    return operator && broker ? { [OPERATOR_USER]: operator, [BROKER_USER]: broker } : undefined
  }
  const passwords = passwordsOf((user) => user)
  const next = passwordsOf(nextKey)
  const { [NEXT_SINCE]: since, [ROTATE_CREDENTIALS]: rotation } = secret?.metadata.annotations ?? {}
  return (
    passwords && {
      passwords,
      ...(next && since ? { next: { passwords: next, sinceMs: Date.parse(since) } } : {}),
      ...(rotation === undefined ? {} : { rotation }),
    }
  )
}

export const credentialsOf = (cluster: Cluster, { passwords, next, rotation }: Credentials): Secret =>
  clusterSecret(cluster, {
    name: credentialsSecret(cluster),
    component: 'kafka',
    annotations: {
      ...(rotation === undefined ? {} : { [ROTATE_CREDENTIALS]: rotation }),
      ...(next ? { [NEXT_SINCE]: new Date(next.sinceMs).toISOString() } : {}),
    },
    data: {
      ...dataOf(passwords, (user) => user),
      ...(next ? dataOf(next.passwords, nextKey) : {}),
      [LOGIN_FILE]: base64(
        formatProperties([
          ['password', passwords[BROKER_USER]],
          ...(next ? [['next.password', next.passwords[BROKER_USER]] as const] : []),
        ]),
      ),
    },
  })

const dataOf = (passwords: Passwords, keyOf: (user: OwnUser) => string): SecretData =>
  Object.fromEntries(OWN_USERS.map((user) => [keyOf(user), base64(passwords[user])]))
