export type BrokerNode = { id: number; host: string; port: number; rack: string | null }
/** `leader` is -1 where there is none. */
export type PartitionState = {
  partition: number
  leader: number
  leaderEpoch: number
  replicas: readonly number[]
  isr: readonly number[]
  offlineReplicas: readonly number[]
}
/** By ascending partition. */
export type TopicState = { name: string; partitions: readonly PartitionState[] }

/** What this broker believes of the cluster. */
export interface Metadata {
  readonly clusterId: string
  /** -1 where none is known. */
  readonly controllerId: number
  topicNames(): Iterable<string>
  topic(name: string): TopicState | undefined
  /** The live brokers that have a listener of this name, with its address. */
  brokers(listener: string): readonly BrokerNode[]
  isAlive(brokerId: number): boolean
}
