import type { User } from '../../api/index.ts'
import { ownerReference, type Secret } from '../../kube/resources.ts'
import { LOGIN_OF, MANAGER, namespaceOf, USER_LABEL } from '../names.ts'
import { loginOf, type UserSeen } from './observe.ts'

const MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
const quoted = (text: string): string => text.replace(/["\\]/g, (c) => `\\${c}`)

/** What a client needs, in a Secret named like the User. With deletionPolicy Delete it goes with the User, else it stays. */
export const userSecret = ({ user, cluster, name }: UserSeen, password: string): Secret => {
  const data: Record<string, string> = {
    username: base64(name),
    password: base64(password),
    'sasl.jaas.config': base64(`${MODULE} required username="${quoted(name)}" password="${quoted(password)}";`),
    'sasl.mechanism': base64(user.spec.authentication.type),
    'bootstrap.servers': base64(bootstrapFor(user, cluster)),
  }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: user.metadata.name,
      namespace: namespaceOf(user),
      labels: { 'app.kubernetes.io/managed-by': MANAGER, [USER_LABEL]: user.metadata.name },
      annotations: { [LOGIN_OF]: loginOf(user) },
      ...(user.spec.deletionPolicy === 'Delete' ? { ownerReferences: [ownerReference(user)] } : {}),
    },
    type: 'Opaque',
    data,
  }
}

/** The first listener that takes the user's mechanism. */
const bootstrapFor = (user: User, cluster: UserSeen['cluster']): string => {
  const takes = (name: string) => {
    const listener = cluster.spec.listeners?.find((one) => one.name === name)
    return (listener?.authentication?.mechanisms ?? ['SCRAM-SHA-512']).includes(user.spec.authentication.type)
  }
  return cluster.status?.listeners?.find(({ name }) => takes(name))?.bootstrapServers ?? ''
}
