import type { Cluster } from '../../api/index.ts'
import { formatProperties } from '../../base/properties.ts'
import { BROKER_USER, METRICS_PORT, namespaceOf, OPERATOR_USER, REPLICATION_PORT, ZOOKEEPER_PORT, zooKeeperService } from '../names.ts'

export type Group = Cluster['spec']['brokers'][number]
export type Listener = { name: string; port: number; mechanisms: string[] }

/** Where the volumes are mounted; the log directory lies below, because a file system has a lost+found at its top. */
export const DATA_MOUNT = '/var/lib/sofakafka'
export const DATA_DIRECTORY = `${DATA_MOUNT}/data`
export const BROKER_CONFIG_MOUNT = '/etc/sofakafka/broker'
export const ZOOKEEPER_CONFIG_MOUNT = '/etc/sofakafka/zookeeper'
/** One file per user of the first start, its content is the password. */
export const CREDENTIALS_MOUNT = '/etc/sofakafka/credentials'
/** A properties file with the password that the broker logs in with at other brokers. */
export const LOGIN_MOUNT = '/etc/sofakafka/login'
export const LOGIN_FILE = 'login.properties'

const DEFAULT_LISTENERS: Listener[] = [{ name: 'internal', port: 9092, mechanisms: ['SCRAM-SHA-512'] }]

/** What spec.listeners says, with what it leaves out. */
export const listenersOf = (cluster: Cluster): Listener[] =>
  cluster.spec.listeners?.map(({ name, port, authentication }) => ({
    name,
    port,
    mechanisms: authentication?.mechanisms ?? ['SCRAM-SHA-512'],
  })) ?? DEFAULT_LISTENERS

/** With the one among brokers, under the names that Kafka's properties have. */
export const allListenersOf = (cluster: Cluster): Listener[] => [
  { name: 'replication', port: REPLICATION_PORT, mechanisms: ['SCRAM-SHA-512'] },
  ...listenersOf(cluster),
]

const listenerProperties = (cluster: Cluster): [string, string][] => {
  const listeners = allListenersOf(cluster)
  const each = (text: (listener: Listener) => string) => listeners.map(text).join(',')
  const login =
    `org.apache.kafka.common.security.scram.ScramLoginModule required username="${BROKER_USER}" ` +
    `password="\${file:${LOGIN_MOUNT}/${LOGIN_FILE}:password}";`
  return [
    ['listeners', each(({ name, port }) => `${name.toUpperCase()}://0.0.0.0:${port}`)],
    ['listener.security.protocol.map', each(({ name }) => `${name.toUpperCase()}:SASL_PLAINTEXT`)],
    ['inter.broker.listener.name', 'REPLICATION'],
    ['sasl.mechanism.inter.broker.protocol', 'SCRAM-SHA-512'],
    ['sasl.enabled.mechanisms', 'SCRAM-SHA-512'],
    ...listeners.map(({ name, mechanisms }): [string, string] => [`listener.name.${name}.sasl.enabled.mechanisms`, mechanisms.join(',')]),
    ['listener.name.replication.scram-sha-512.sasl.jaas.config', login],
  ]
}

const securityProperties = (cluster: Cluster): [string, string][] => {
  const superUsers = [`User:${OPERATOR_USER}`, `User:${BROKER_USER}`, ...(cluster.spec.authorization?.superUsers ?? [])]
  return [
    ['config.providers', 'file'],
    ['config.providers.file.class', 'org.apache.kafka.common.config.provider.FileConfigProvider'],
    ['sofakafka.scram.bootstrap.dir', CREDENTIALS_MOUNT],
    ['super.users', superUsers.join(';')],
    ...(cluster.spec.authorization ? [['authorizer.class.name', 'kafka.security.authorizer.AclAuthorizer'] as [string, string]] : []),
  ]
}

const DEFAULTS: [string, string][] = [['log.retention.hours', '72']]

/** Kafka's own topics have three copies where there are three brokers; Kafka would refuse to make them where there are fewer. */
const defaultsBySize = (cluster: Cluster): [string, string][] => {
  const brokers = cluster.spec.brokers.reduce((sum, { replicas }) => sum + replicas, 0)
  const copies = Math.min(3, brokers)
  return [
    ['offsets.topic.replication.factor', String(copies)],
    ['transaction.state.log.replication.factor', String(copies)],
    ['transaction.state.log.min.isr', String(Math.max(1, copies - 1))],
  ]
}

/**
 * The server.properties that all brokers of a group share; the id and the advertised addresses come as arguments. `fixed`: without what follows from the number of
 * brokers alone, for which none of them has to be restarted.
 */
export const serverProperties = (cluster: Cluster, group: Group, part: 'all' | 'fixed' = 'all'): string => {
  const user = Object.entries(cluster.spec.config ?? {}).map(([key, value]): [string, string] => [key, String(value)])
  const namespace = namespaceOf(cluster)
  const owned: [string, string][] = [
    ['broker.id.generation.enable', 'false'],
    ...(group.zone ? [['broker.rack', group.zone] as [string, string]] : []),
    ['zookeeper.connect', `${zooKeeperService(cluster)}.${namespace}.svc:${ZOOKEEPER_PORT}`],
    ['log.dirs', DATA_DIRECTORY],
    ['sofakafka.http.listener', `http://0.0.0.0:${METRICS_PORT}`],
    ...listenerProperties(cluster),
    ...securityProperties(cluster),
  ]
  const properties = new Map([...DEFAULTS, ...(part === 'all' ? defaultsBySize(cluster) : []), ...user, ...owned])
  return formatProperties([...properties].sort(([a], [b]) => (a < b ? -1 : 1)))
}

export const zooCfg = (): string =>
  formatProperties([
    ['tickTime', '2000'],
    ['dataDir', DATA_DIRECTORY],
    ['clientPort', String(ZOOKEEPER_PORT)],
    ['clientPortAddress', '0.0.0.0'],
    ['maxClientCnxns', '0'],
    ['autopurge.snapRetainCount', '3'],
    ['4lw.commands.whitelist', 'ruok,srvr,stat,mntr'],
  ])
