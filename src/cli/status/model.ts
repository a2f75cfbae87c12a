import type { Condition } from '../../api/index.ts'

export type PodReport = {
  pod: string
  node?: string
  ready: boolean
  version: string
  restarts: number
  createdAt?: string
  trouble?: string
}
export type BrokerReport = PodReport & {
  id: number
  rack?: string
  isController?: boolean
  /** Whether the cluster knows it. */
  registered?: boolean
  partitions?: number
  leads?: number
  /** Of its partitions, those in which it is not in sync. */
  outOfSync?: number
}
export type Report = {
  name: string
  namespace: string
  clusterId?: string
  image?: string
  /** The operator leaves it as it is. */
  isPaused: boolean
  ready: { status: string; reason: string; message: string }
  conditions: Condition[]
  brokers: BrokerReport[]
  zookeeper: PodReport[]
  /** Where it is when it is not the Cluster's own. */
  externalZooKeeper?: string
  listeners: { name: string; type: string; tls: boolean; bootstrapServers?: string }[]
  partitions?: { total: number; underReplicated: string[]; offline: string[] }
  /** `isWhole`: those of all namespaces could be seen. */
  resources: { kind: string; total: number; ready: number; isWhole: boolean }[]
  notReady: { kind: string; namespace: string; name: string; reason: string; message: string }[]
  /** Why the brokers could not be asked. */
  kafkaProblem?: string
  /** What to do now, the most urgent first. */
  next: string[]
}
