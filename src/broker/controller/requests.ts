import type { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import type { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { RequestOf, Sendable } from '../../protocol/schema.ts'
import { SECURITY_PROTOCOLS } from '../config/listeners.ts'
import { LEADER_DURING_DELETE } from '../metadata/cache.ts'
import type { ControllerContext, LiveBroker, TopicPartition } from './context.ts'

/** The leader epoch that a StopReplica for a deleted topic carries. Source: LeaderAndIsr.EpochDuringDelete. */
const EPOCH_DURING_DELETE = -2

type Sender = { controllerId: number; context: ControllerContext }
type Partitions = Iterable<TopicPartition>

const head = ({ controllerId, context }: Sender, receiver: LiveBroker) => ({
  controllerId,
  controllerEpoch: context.epoch,
  brokerEpoch: receiver.epoch,
})

const byTopic = <T>(partitions: Partitions, make: (at: TopicPartition) => T | undefined): { topicName: string; partitionStates: T[] }[] => {
  const topics = new Map<string, T[]>()
  for (const at of partitions) {
    const state = make(at)
    if (state !== undefined) topics.set(at.topic, [...(topics.get(at.topic) ?? []), state])
  }
  return [...topics].map(([topicName, partitionStates]) => ({ topicName, partitionStates }))
}

/** What `receiver` is to do with those of the partitions that it has; undefined when it has none. */
export const leaderAndIsrFor = (
  sender: Sender,
  receiver: LiveBroker,
  partitions: Partitions,
  options: { interBrokerListener: string; isNew: (at: TopicPartition) => boolean },
): Sendable<RequestOf<typeof leaderAndIsr>> | undefined => {
  const { context } = sender
  const leaders = new Set<number>()
  const topicStates = byTopic(partitions, (at) => {
    const leadership = context.leadership(at)
    const replicas = context.replicas(at)
    if (!leadership || !replicas.includes(receiver.id)) return undefined
    leaders.add(leadership.leader)
    const { adding, removing } = context.topics.get(at.topic)!
    return {
      partitionIndex: at.partition,
      controllerEpoch: leadership.controllerEpoch,
      leader: leadership.leader,
      leaderEpoch: leadership.leaderEpoch,
      isr: [...leadership.isr],
      zkVersion: leadership.version,
      replicas: [...replicas],
      addingReplicas: [...(adding.get(at.partition) ?? [])],
      removingReplicas: [...(removing.get(at.partition) ?? [])],
      isNew: options.isNew(at),
    }
  })
  if (topicStates.length === 0) return undefined
  const liveLeaders = [...leaders].flatMap((id) => {
    const endpoint = context.brokers.get(id)?.endpoints.find(({ name }) => name === options.interBrokerListener)
    return endpoint ? [{ brokerId: id, hostName: endpoint.host, port: endpoint.port }] : []
  })
  return { ...head(sender, receiver), topicStates, liveLeaders }
}

/** All live brokers, and the state of the given partitions; those of topics that are being deleted are shown as such. */
export const updateMetadataFor = (
  sender: Sender,
  receiver: LiveBroker,
  partitions: Partitions,
): Sendable<RequestOf<typeof updateMetadata>> => {
  const { context } = sender
  const topicStates = byTopic(partitions, (at) => {
    const leadership = context.leadership(at)
    const replicas = [...context.replicas(at)]
    if (!leadership) return undefined
    return {
      partitionIndex: at.partition,
      controllerEpoch: leadership.controllerEpoch,
      leader: context.toDelete.has(at.topic) ? LEADER_DURING_DELETE : leadership.leader,
      leaderEpoch: leadership.leaderEpoch,
      isr: [...leadership.isr],
      zkVersion: leadership.version,
      replicas,
      offlineReplicas: replicas.filter((id) => !context.isAlive(id)),
    }
  })
  const liveBrokers = [...context.brokers.values()].map(({ id, rack, endpoints }) => ({
    id,
    rack,
    endpoints: endpoints.map(({ name, host, port, protocol }) => ({
      listener: name,
      host,
      port,
      securityProtocol: SECURITY_PROTOCOLS[protocol],
    })),
  }))
  return { ...head(sender, receiver), topicStates, liveBrokers }
}

/** Stops and deletes the replicas of a topic that `receiver` has. */
export const deleteReplicasFor = (sender: Sender, receiver: LiveBroker, topic: string): Sendable<RequestOf<typeof stopReplica>> => {
  const partitions = [...sender.context.partitionsOf(topic)].filter((at) => sender.context.replicas(at).includes(receiver.id))
  return {
    ...head(sender, receiver),
    topicStates: [
      {
        topicName: topic,
        partitionStates: partitions.map(({ partition }) => ({
          partitionIndex: partition,
          leaderEpoch: EPOCH_DURING_DELETE,
          deletePartition: true,
        })),
      },
    ],
  }
}
