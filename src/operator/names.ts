import { type Cluster, CLUSTER_LABEL } from '../api/index.ts'

export * from '../api/names.ts'

export const MANAGER = 'sofakafka-operator'
export const FINALIZER = 'sofakafka.io/cleanup'
/** On pods: the hash of everything for which a pod must be replaced when it changes. */
export const TEMPLATE_HASH = 'sofakafka.io/template-hash'
/** On pods: a hash of each of these things by its name, to say which one a pod is replaced for. */
export const RESTART_ON = 'sofakafka.io/restart-on'
/** On a Cluster: "true" lets brokers go although partitions are on them. */
export const SKIP_DRAIN = 'sofakafka.io/skip-drain'
export const GROUP_LABEL = 'sofakafka.io/group'
/** On the Services of a listener: its name. */
export const LISTENER_LABEL = 'sofakafka.io/listener'
export const USER_LABEL = 'sofakafka.io/user'
/** On the claim of a server's volume: it belongs to a member of the ensemble. */
export const ZOOKEEPER_MEMBER = 'sofakafka.io/zookeeper-member'
/** On the Secret of a User: the Cluster and the name that it logs in with. */
export const LOGIN_OF = 'sofakafka.io/login-of'
/** On a User: another value than at the last time has the operator make another password. */
export const ROTATE_PASSWORD = 'sofakafka.io/rotate-password'
/** On a Cluster: another value than at the last time has the operator change its own password and that of the brokers. */
export const ROTATE_CREDENTIALS = 'sofakafka.io/rotate-credentials'
/** On CLUSTER-credentials: since when the next passwords stand in it. */
export const NEXT_SINCE = 'sofakafka.io/next-since'
export const MANAGED = `app.kubernetes.io/managed-by=${MANAGER}`
export const ZOOKEEPER_GROUP = 'zookeeper'

/** No User may have a name with this prefix. */
export const RESERVED_PREFIX = 'sofakafka-'
/** A super user, as the operator's own is. */
export const BROKER_USER = 'sofakafka-broker'

export const ZOOKEEPER_PORT = 2181
/** With TLS. */
export const ZOOKEEPER_SECURE_PORT = 2182
export const ZOOKEEPER_PEER_PORT = 2888
export const ZOOKEEPER_ELECTION_PORT = 3888

export const bootstrapService = (cluster: Cluster, listener: string): string => `${cluster.metadata.name}-${listener}-bootstrap`
export const brokerService = (cluster: Cluster, listener: string, id: number): string => `${cluster.metadata.name}-${listener}-${id}`
export const addressesConfig = (cluster: Cluster): string => `${cluster.metadata.name}-kafka-addresses`
/** What the brokers' pods mount: keys and certificates by listener. */
export const certificatesSecret = (cluster: Cluster): string => `${cluster.metadata.name}-kafka-certificates`
export const groupName = (cluster: Cluster, group: string): string => `${cluster.metadata.name}-${group}`
export const zooKeeperName = (cluster: Cluster): string => groupName(cluster, ZOOKEEPER_GROUP)
export const zooKeeperService = (cluster: Cluster): string => `${zooKeeperName(cluster)}-client`
export const zooKeeperNodesService = (cluster: Cluster): string => `${zooKeeperName(cluster)}-nodes`
export const serviceAccountName = (cluster: Cluster, role: 'kafka' | 'zookeeper'): string => `${cluster.metadata.name}-${role}`
export const zooKeeperCertificatesSecret = (cluster: Cluster): string => `${zooKeeperName(cluster)}-certificates`
export const zooKeeperLoginSecret = (cluster: Cluster): string => `${zooKeeperName(cluster)}-login`

/** The labels by which services, budgets and StatefulSets select pods; they never change. */
export const selectorOf = (cluster: Cluster, group: string): Record<string, string> => ({
  [CLUSTER_LABEL]: cluster.metadata.name,
  [GROUP_LABEL]: group,
})
export const kafkaSelector = (cluster: Cluster): Record<string, string> => ({
  [CLUSTER_LABEL]: cluster.metadata.name,
  'app.kubernetes.io/name': 'kafka',
})
export const labelsOf = (cluster: Cluster, name: 'kafka' | 'zookeeper'): Record<string, string> => ({
  'app.kubernetes.io/name': name,
  'app.kubernetes.io/instance': cluster.metadata.name,
  'app.kubernetes.io/managed-by': MANAGER,
  [CLUSTER_LABEL]: cluster.metadata.name,
})
export const namespaceOf = (object: { metadata: { namespace?: string } }): string => object.metadata.namespace ?? 'default'
