import type { Cluster } from '../../../api/index.ts'
import { formatProperties } from '../../../base/properties.ts'
import { BROKER_USER, METRICS_PORT, OPERATOR_USER } from '../../names.ts'
import { DYNAMIC_KEYS } from './dynamic-keys.ts'
import { resourcesOf, type Group } from '../pods/flavors.ts'
import { listenerProperties } from '../listeners/listeners.ts'
import { CREDENTIALS_MOUNT, DATA_DIRECTORY, stopWithinMs } from '../pods/mounts.ts'
import { sizingProperties } from '../pods/sizing.ts'
import { zooKeeperProperties } from '../zookeeper.ts'

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

/** What spec.config says, as text. */
export const settingsOf = (cluster: Cluster): Map<string, string> =>
  new Map(Object.entries(cluster.spec.config ?? {}).map(([key, value]) => [key, String(value)]))

/** Those of spec.config that Kafka takes at run time. */
export const dynamicSettings = (cluster: Cluster): Map<string, string> =>
  new Map([...settingsOf(cluster)].filter(([key]) => DYNAMIC_KEYS.has(key)))

/** Those of spec.config for which a broker must be restarted. */
export const staticSettings = (cluster: Cluster): Record<string, string> =>
  Object.fromEntries([...settingsOf(cluster)].filter(([key]) => !DYNAMIC_KEYS.has(key)))

/** The server.properties that all brokers of a group share; the id and the advertised addresses come as arguments. */
export const serverProperties = (cluster: Cluster, group: Group): string => {
  const owned: [string, string][] = [
    ['broker.id.generation.enable', 'false'],
    ...(group.zone ? [['broker.rack', group.zone] as [string, string]] : []),
    ['log.dirs', DATA_DIRECTORY],
    ['sofakafka.shutdown.timeout.ms', String(stopWithinMs(group.template?.terminationGracePeriodSeconds))],
    // On a slow node ZooKeeper may take long to come; a broker that gave up would be restarted ever later.
    ['zookeeper.connection.timeout.ms', '120000'],
    ['sofakafka.http.listener', `http://0.0.0.0:${METRICS_PORT}`],
    ...zooKeeperProperties(cluster),
    ...listenerProperties(cluster),
    ...securityProperties(cluster),
  ]
  const properties = new Map([
    ...DEFAULTS,
    ...sizingProperties(resourcesOf(group)),
    ...defaultsBySize(cluster),
    ...settingsOf(cluster),
    ...owned,
  ])
  return formatProperties([...properties].sort(([a], [b]) => (a < b ? -1 : 1)))
}
