/** What the operator calls things; test/cli/names.test.ts compares them with its own names. */
export const CLUSTER_LABEL = 'sofakafka.io/cluster'
export const PAUSED = 'sofakafka.io/paused'
export const RESTARTED_AT = 'sofakafka.io/restarted-at'
export const RESTART = 'sofakafka.io/restart'
export const OPERATOR_USER = 'sofakafka-operator'
export const REPLICATION_PORT = 9091
export const METRICS_PORT = 9404
export const credentialsSecret = (cluster: string): string => `${cluster}-credentials`
export const authoritySecret = (cluster: string): string => `${cluster}-cluster-ca`
export const brokersService = (cluster: string): string => `${cluster}-kafka-brokers`
/** The local kubelet says there where a pod's ports are, in places where pods share an address. */
export const PORTS_ANNOTATION = 'local.sofakafka.io/ports'
