import type { Cluster } from '../../api/index.ts'
import type { Secret } from '../../kube/resources.ts'
import { base64, type SecretData, textOf } from '../../kube/secret-data.ts'
import { clusterSecret } from '../cluster-secret.ts'
import { BROKER_USER, OPERATOR_USER, zooKeeperLoginSecret } from '../names.ts'
import { newPassword } from '../passwords.ts'

export const LOGIN_DIRECTORY = '/etc/sofakafka/zookeeper-login'
export const SERVER_JAAS = 'server.jaas.conf'
export const CLIENT_JAAS = 'client.jaas.conf'
/** With this login servers of an ensemble speak to one another. */
const SERVER_USER = 'sofakafka-server'
const MODULE = 'org.apache.zookeeper.server.auth.DigestLoginModule'

type Login = { username: string; password: string }

const quoted = (text: string): string => `"${text.replace(/(["\\])/g, '\\$1')}"`

const section = (name: string, options: readonly [string, string][]): string => {
  const lines = options.map(([key, value]) => `  ${key}=${quoted(value)}`)
  return `${name} {\n  ${MODULE} required\n${lines.join('\n')};\n};\n`
}
const clientSection = (name: string, { username, password }: Login): string =>
  section(name, [
    ['username', username],
    ['password', password],
  ])

/** Who brokers and operator are for an external ZooKeeper: what the user's Secret says. */
export const externalLogin = ({ username, password }: Login): SecretData => ({
  username: base64(username),
  password: base64(password),
  [CLIENT_JAAS]: base64(clientSection('Client', { username, password })),
})

/** Whom a Secret with such a login names; empty where a key is missing. */
export const loginIn = (secret: { data?: SecretData } | undefined): Login => ({
  username: textOf(secret, 'username') ?? '',
  password: textOf(secret, 'password') ?? '',
})

/** Three logins with new passwords: the brokers', the operator's, who may do everything, and that of servers among themselves. */
export const newLogin = (): SecretData => {
  const [broker, operator, server] = [newPassword(), newPassword(), newPassword()]
  const servers =
    section('Server', [
      [`user_${BROKER_USER}`, broker],
      [`user_${OPERATOR_USER}`, operator],
    ]) +
    section('QuorumServer', [[`user_${SERVER_USER}`, server]]) +
    clientSection('QuorumLearner', { username: SERVER_USER, password: server })
  return {
    username: base64(OPERATOR_USER),
    password: base64(operator),
    [SERVER_JAAS]: base64(servers),
    [CLIENT_JAAS]: base64(clientSection('Client', { username: BROKER_USER, password: broker })),
  }
}

export const loginSecret = (cluster: Cluster, data: SecretData): Secret =>
  clusterSecret(cluster, { name: zooKeeperLoginSecret(cluster), component: 'zookeeper', data })
