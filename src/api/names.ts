// By hand: the names by which users, tools and the operator find what belongs to our kinds.
import type { Cluster } from './cluster.ts'

export const CLUSTER_LABEL = 'sofakafka.io/cluster'
/** On any of our resources: "true" has it left as it is. */
export const PAUSED = 'sofakafka.io/paused'
/** On what we apply: a hash of what was applied last. */
export const APPLIED = 'sofakafka.io/applied'
/** On a Cluster, and on pods that were made since: another value than theirs has every pod replaced. */
export const RESTARTED_AT = 'sofakafka.io/restarted-at'
/** On a pod: "true" has it replaced. */
export const RESTART = 'sofakafka.io/restart'

/** Who may do everything; its password is in `credentialsSecret`. */
export const OPERATOR_USER = 'sofakafka-operator'
export const REPLICATION_PORT = 9091
export const METRICS_PORT = 9404

/** Whether a pod, or what its pods are made of, is of brokers and not of ZooKeeper. */
export const isOfBrokers = ({ metadata }: { metadata: { labels?: Record<string, string> } }): boolean =>
  metadata.labels?.['app.kubernetes.io/name'] === 'kafka'

export type AuthorityName = 'cluster-ca' | 'clients-ca'

export const brokersService = (cluster: Cluster): string => `${cluster.metadata.name}-kafka-brokers`
export const credentialsSecret = (cluster: Cluster): string => `${cluster.metadata.name}-credentials`
/** What everybody may read of an authority: its certificates. */
export const authoritySecret = (cluster: string, name: AuthorityName): string => `${cluster}-${name}`
