import type { RequestOf } from '../../protocol/schema.ts'
import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { BrokerNode, Metadata, PartitionState, TopicState } from './view.ts'

type Update = RequestOf<typeof updateMetadata>
type WirePartition = Update['topicStates'][number]['partitionStates'][number]
type LiveBroker = { id: number; rack: string | null; endpoints: ReadonlyMap<string, { host: string; port: number }> }

/** The leader that the controller names while a topic is being deleted. Source: LeaderAndIsr.LeaderDuringDelete. */
export const LEADER_DURING_DELETE = -2

const stateOf = (wire: WirePartition): PartitionState => ({
  partition: wire.partitionIndex,
  leader: wire.leader,
  leaderEpoch: wire.leaderEpoch,
  replicas: wire.replicas,
  isr: wire.isr,
  offlineReplicas: wire.offlineReplicas,
})

/** Before v5 every partition named its topic itself. */
const topicsOf = (update: Update): { topicName: string; partitionStates: readonly WirePartition[] }[] =>
  update.topicStates.length > 0
    ? update.topicStates
    : update.ungroupedPartitionStates.map((state) => ({ topicName: state.topicName, partitionStates: [state] }))

/** What the controller last told this broker of the cluster. It changes only by an UpdateMetadata request. */
export class MetadataCache implements Metadata {
  readonly clusterId: string
  #controllerId = -1
  #topics = new Map<string, TopicState>()
  #brokers = new Map<number, LiveBroker>()
  #changed = Promise.withResolvers<void>()

  constructor(clusterId: string) {
    this.clusterId = clusterId
  }

  get controllerId(): number {
    return this.#controllerId
  }

  topicNames(): Iterable<string> {
    return this.#topics.keys()
  }

  topic(name: string): TopicState | undefined {
    return this.#topics.get(name)
  }

  brokers(listener: string): readonly BrokerNode[] {
    return [...this.#brokers.values()].flatMap(({ id, rack, endpoints }) => {
      const endpoint = endpoints.get(listener)
      return endpoint ? [{ id, rack, ...endpoint }] : []
    })
  }

  /** Ids of all live brokers with their racks, whatever they listen on. */
  liveBrokers(): readonly { id: number; rack: string | null }[] {
    return [...this.#brokers.values()]
  }

  isAlive(brokerId: number): boolean {
    return this.#brokers.has(brokerId)
  }

  /** Resolves at the next update. */
  changed(): Promise<void> {
    return this.#changed.promise
  }

  /** Takes over an update; the topics that it does not name stay as they are. */
  apply(update: Update): void {
    this.#controllerId = update.controllerId
    this.#brokers = new Map(
      update.liveBrokers.map(({ id, rack, endpoints, v0Host, v0Port }) => {
        const named = endpoints.map(({ listener, host, port }) => [listener || 'PLAINTEXT', { host, port }] as const)
        const old = v0Host ? [['PLAINTEXT', { host: v0Host, port: v0Port }] as const] : []
        return [id, { id, rack, endpoints: new Map([...named, ...old]) }]
      }),
    )
    for (const { topicName, partitionStates } of topicsOf(update)) this.#applyTopic(topicName, partitionStates)
    const { resolve } = this.#changed
    this.#changed = Promise.withResolvers<void>()
    resolve()
  }

  #applyTopic(name: string, updates: readonly WirePartition[]): void {
    const partitions = new Map((this.#topics.get(name)?.partitions ?? []).map((state) => [state.partition, state]))
    for (const wire of updates) {
      if (wire.leader === LEADER_DURING_DELETE) partitions.delete(wire.partitionIndex)
      else partitions.set(wire.partitionIndex, stateOf(wire))
    }
    if (partitions.size === 0) this.#topics.delete(name)
    else this.#topics.set(name, { name, partitions: [...partitions.values()].sort((a, b) => a.partition - b.partition) })
  }
}
