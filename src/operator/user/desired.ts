import type { User } from '../../api/index.ts'
import { ownerReference, type Secret } from '../../kube/resources.ts'
import { base64, type SecretData } from '../../kube/secret-data.ts'
import type { ScramMechanism } from '../../security/scram.ts'
import { LOGIN_OF, MANAGER, namespaceOf, ROTATE_PASSWORD, USER_LABEL } from '../names.ts'
import { connectionData } from './connection-data.ts'
import { loginOf, type UserSeen } from './observe.ts'

const MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const quoted = (text: string): string => text.replace(/["\\]/g, (c) => `\\${c}`)

/** What a client needs to log in with a password, in a Secret named like the User. */
export const passwordSecret = (seen: UserSeen, mechanism: ScramMechanism, password: string): Secret =>
  userSecret(seen, {
    username: base64(seen.name),
    password: base64(password),
    'sasl.jaas.config': base64(`${MODULE} required username="${quoted(seen.name)}" password="${quoted(password)}";`),
    'sasl.mechanism': base64(mechanism),
    ...connectionData(seen, ({ mechanisms }) => mechanisms.includes(mechanism)),
  })

/** `data` is base64. With deletionPolicy Delete the Secret goes with the User, else it stays. */
export const userSecret = ({ user, rotation }: UserSeen, data: SecretData): Secret => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: user.metadata.name,
    namespace: namespaceOf(user),
    labels: { 'app.kubernetes.io/managed-by': MANAGER, [USER_LABEL]: user.metadata.name },
    annotations: { [LOGIN_OF]: loginOf(user), ...(rotation === undefined ? {} : { [ROTATE_PASSWORD]: rotation }) },
    ...(user.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(user)] } : {}),
  },
  type: 'Opaque',
  data,
})

/** undefined: the user has no password. */
export const mechanismOf = (user: User): ScramMechanism | undefined =>
  MECHANISMS.find((mechanism) => mechanism === user.spec.authentication.type)
export const MECHANISMS = ['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
