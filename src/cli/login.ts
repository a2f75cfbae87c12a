import { authoritySecret, type Cluster, credentialsSecret, OPERATOR_USER, REPLICATION_PORT, users } from '../api/index.ts'
import { passwordsFrom, type SaslLogin } from '../client/login.ts'
import { isKubeError } from '../kube/error.ts'
import { type Secret, secrets } from '../kube/resources.ts'
import { textOf } from '../kube/secret-data.ts'
import type { Key } from '../kube/types.ts'
import { EXIT, Failure } from './failure.ts'
import type { KubeAccess } from './kube-access.ts'

export type Tls = { ca?: string; cert?: string; key?: string }
/** How to log in at which port of the brokers' pods. The listener's own host where its certificate is not the operator's. */
export type Login = { as: string; port: number; sasl?: SaslLogin; tls?: Tls; host?: string }

type Listener = NonNullable<Cluster['spec']['listeners']>[number]
type Mechanism = SaslLogin['mechanism']

const DEFAULT_LISTENER: Listener = { name: 'internal', port: 9092 }
const TLS = 'TLS'

const readSecret = async ({ kube }: KubeAccess, key: Key, why: string): Promise<Secret> => {
  try {
    const found = await kube.get(secrets, key)
    if (found) return found
  } catch (error) {
    if (isKubeError(error, 403))
      throw new Failure(`you may not read the Secret ${key.name} in ${key.namespace}, ${why}`, EXIT.failed, { cause: error })
    throw error
  }
  throw new Failure(`there is no Secret ${key.name} in ${key.namespace}, ${why}`, EXIT.notFound)
}

/** As the operator, who may do everything. Who may read its Secret is a super user already. */
const operatorLogin = async (access: KubeAccess, cluster: Cluster): Promise<Login> => {
  const key = { namespace: cluster.metadata.namespace ?? 'default', name: credentialsSecret(cluster) }
  const secret = await readSecret(access, key, "which holds the operator's password: write --user USER to act as a User")
  // While passwords are being changed both are there, and brokers know the one or the other.
  const passwords = [OPERATOR_USER, `next.${OPERATOR_USER}`].flatMap((each) => textOf(secret, each) ?? [])
  if (passwords.length === 0) throw new Failure(`the Secret ${key.name} has no key ${OPERATOR_USER}: write --user USER to act as a User`)
  const sasl = { mechanism: 'SCRAM-SHA-512', username: OPERATOR_USER, password: passwordsFrom(() => passwords) } as const
  const tls = cluster.spec.interBroker?.tls?.enabled ? { tls: await tlsOf(access, cluster, undefined) } : {}
  return { as: OPERATOR_USER, port: REPLICATION_PORT, sasl, ...tls }
}

const takes = ({ authentication, tls }: Listener, mechanism: string): boolean => {
  if (authentication?.type === TLS || mechanism === TLS) return authentication?.type === mechanism && (tls?.enabled ?? false)
  return ((authentication?.mechanisms as string[] | undefined) ?? ['SCRAM-SHA-512']).includes(mechanism)
}

/** The listener that takes the mechanism: one for clients inside before one for clients outside, one without TLS before one with it. */
const listenerFor = (cluster: Cluster, mechanism: string): Listener | undefined => {
  const rank = ({ type, tls }: Listener) => (type === undefined || type === 'Internal' ? 0 : 2) + (tls?.enabled ? 1 : 0)
  return (cluster.spec.listeners ?? [DEFAULT_LISTENER])
    .filter((listener) => takes(listener, mechanism))
    .sort((a, b) => rank(a) - rank(b))[0]
}

/** The host that stands in the listener's own certificate. */
const hostOf = ({ tls, bootstrap }: Listener): { host?: string } => (tls?.secretRef && bootstrap?.host ? { host: bootstrap.host } : {})

const userLogin = async (access: KubeAccess, cluster: Cluster, name: string): Promise<Login> => {
  const user = await access.kube.get(users, { namespace: access.namespace, name })
  if (!user)
    throw new Failure(`there is no User ${name} in the namespace ${access.namespace}; \`user list\` shows which there are`, EXIT.notFound)
  const key = { namespace: access.namespace, name: user.status?.secretName ?? name }
  const secret = await readSecret(access, key, `which holds the login of the User ${name}; is it Ready?`)
  const mechanism = user.spec.authentication.type
  const listener = listenerFor(cluster, mechanism)
  if (!listener) throw new Failure(`no listener of the Cluster ${cluster.metadata.name} takes ${mechanism}, which the User ${name} has`)
  const username = textOf(secret, 'username') ?? name
  const base = { as: username, port: listener.port, ...hostOf(listener) }
  const tls = listener.tls?.enabled ? { tls: await tlsOf(access, cluster, secret) } : {}
  return mechanism === TLS ? { ...base, ...tls } : { ...base, ...tls, sasl: saslOf(secret, mechanism, username) }
}

const saslOf = (secret: Secret, mechanism: string, username: string): SaslLogin => {
  const password = textOf(secret, 'password')
  if (password === undefined) throw new Failure(`the Secret ${secret.metadata.name} has no password; is the User Ready?`)
  return { mechanism: mechanism as Mechanism, username, password }
}

/** The authorities stand in the user's Secret; else they are the Cluster's own. */
const tlsOf = async ({ kube }: KubeAccess, cluster: Cluster, secret: Secret | undefined): Promise<Tls> => {
  const namespace = cluster.metadata.namespace ?? 'default'
  const authority =
    textOf(secret, 'ca.crt') ??
    textOf(await kube.get(secrets, { namespace, name: authoritySecret(cluster.metadata.name, 'cluster-ca') }), 'ca.crt')
  const [cert, key] = [textOf(secret, 'user.crt'), textOf(secret, 'user.key')]
  return { ...(authority ? { ca: authority } : {}), ...(cert && key ? { cert, key } : {}) }
}

/** The login of a User from its Secret, or without one the operator's. */
export const loginOf = (access: KubeAccess, cluster: Cluster, user: string | undefined): Promise<Login> =>
  user === undefined ? operatorLogin(access, cluster) : userLogin(access, cluster, user)
