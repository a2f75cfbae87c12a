import { randomBytes } from 'node:crypto'
import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import { ownerReference, type Secret } from '../../kube/resources.ts'
import { BROKER_USER, credentialsSecret, labelsOf, namespaceOf, NEXT_SINCE, OPERATOR_USER, ROTATE_CREDENTIALS } from '../names.ts'
import { textOf } from '../user/observe.ts'
import { LOGIN_FILE } from './mounts.ts'

const PASSWORD_BYTES = 32
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
const newPassword = (): string => randomBytes(PASSWORD_BYTES).toString('base64url')

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

/** 43 characters of A-Z a-z 0-9 - _ each. */
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

/** Goes with the Cluster only when deletionPolicy is Delete; else a Cluster of the same name finds it again. */
export const credentialsOf = (cluster: Cluster, { passwords, next, rotation }: Credentials): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: credentialsSecret(cluster),
    namespace: namespaceOf(cluster),
    labels: labelsOf(cluster, 'kafka'),
    annotations: {
      ...(rotation === undefined ? {} : { [ROTATE_CREDENTIALS]: rotation }),
      ...(next ? { [NEXT_SINCE]: new Date(next.sinceMs).toISOString() } : {}),
    },
    ...(cluster.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(cluster)] } : {}),
  },
  type: 'Opaque',
  data: {
    ...dataOf(passwords, (user) => user),
    ...(next ? dataOf(next.passwords, nextKey) : {}),
    [LOGIN_FILE]: base64(
      formatProperties([['password', passwords[BROKER_USER]], ...(next ? [['next.password', next.passwords[BROKER_USER]] as const] : [])]),
    ),
  },
})

const dataOf = (passwords: Passwords, keyOf: (user: OwnUser) => string): Record<string, string> =>
  Object.fromEntries(OWN_USERS.map((user) => [keyOf(user), base64(passwords[user])]))
