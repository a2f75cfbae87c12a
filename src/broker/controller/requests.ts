import type { TopicPartition } from '../../base/topic-partition.ts'
import type { leaderAndIsr } from '../../protocol/api/04-leader-and-isr.ts'
import type { stopReplica } from '../../protocol/api/05-stop-replica.ts'
import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import type { RequestOf, Sendable } from '../../protocol/schema.ts'
import { SECURITY_PROTOCOLS } from '../config/listeners.ts'
import { LEADER_DURING_DELETE } from '../metadata/cache.ts'
import type { ControllerContext, KnownPartition, Leadership, LiveBroker } from './context.ts'
import type { Stop } from './request-stage.ts'

/** The leader epochs of a StopReplica that the broker does not compare. Source: LeaderAndIsr.EpochDuringDelete, NoEpoch. */
const EPOCH_DURING_DELETE = -2
const NO_EPOCH = -1

export type Sender = { controllerId: number; context: ControllerContext; interBrokerListener: string }

const head = ({ controllerId, context }: Sender, receiver: LiveBroker) => ({
  controllerId,
  controllerEpoch: context.epoch,
  brokerEpoch: receiver.epoch,
})

const byTopic = <P extends TopicPartition, T>(
  partitions: Iterable<P>,
  make: (at: P) => T | undefined,
): { topicName: string; partitionStates: T[] }[] => {
  const topics = new Map<string, T[]>()
  for (const at of partitions) {
    const state = make(at)
    if (state === undefined) continue
    const states = topics.get(at.topic)
    if (states) states.push(state)
    else topics.set(at.topic, [state])
  }
  return [...topics].map(([topicName, partitionStates]) => ({ topicName, partitionStates }))
}

const liveLeaders = ({ context, interBrokerListener }: Sender, ids: Iterable<number>) =>
  [...ids].flatMap((id) => {
    const endpoint = context.brokers.get(id)?.endpoints.find(({ name }) => name === interBrokerListener)
    return endpoint ? [{ brokerId: id, hostName: endpoint.host, port: endpoint.port }] : []
  })

const stateOf = ({ partition, assignment }: KnownPartition, leadership: Leadership) => ({
  partitionIndex: partition,
  controllerEpoch: leadership.controllerEpoch,
  leader: leadership.leader,
  leaderEpoch: leadership.leaderEpoch,
  isr: [...leadership.isr],
  zkVersion: leadership.version,
  replicas: [...assignment.replicas],
})

/** What `receiver` is to do with those of the partitions that it has; undefined when it has none. */
export const leaderAndIsrFor = (
  sender: Sender,
  receiver: LiveBroker,
  partitions: Iterable<TopicPartition & { isNew: boolean }>,
): Sendable<RequestOf<typeof leaderAndIsr>> | undefined => {
  const leaders = new Set<number>()
  const topicStates = byTopic(partitions, (at) => {
    const known = sender.context.partition(at)
    if (!known?.leadership || !known.assignment.replicas.includes(receiver.id)) return undefined
    const { leadership, assignment } = known
    leaders.add(leadership.leader)
    return {
      ...stateOf(known, leadership),
      addingReplicas: [...assignment.adding],
      removingReplicas: [...assignment.removing],
      isNew: at.isNew,
    }
  })
  if (topicStates.length === 0) return undefined
  return { ...head(sender, receiver), topicStates, liveLeaders: liveLeaders(sender, leaders) }
}

/** For a partition that is gone, or whose topic is being deleted: brokers stop showing it. */
const goneState = ({ context }: Sender, at: TopicPartition) => ({
  partitionIndex: at.partition,
  controllerEpoch: context.epoch,
  leader: LEADER_DURING_DELETE,
  leaderEpoch: 0,
  isr: [],
  zkVersion: 0,
  replicas: [...(context.partition(at)?.assignment.replicas ?? [])],
  offlineReplicas: [],
})

/** All live brokers, and the state of the given partitions. */
export const updateMetadataFor = (
  sender: Sender,
  receiver: LiveBroker,
  partitions: Iterable<TopicPartition>,
): Sendable<RequestOf<typeof updateMetadata>> => {
  const { context } = sender
  const topicStates = byTopic(partitions, (at) => {
    const known = context.partition(at)
    if (!known || context.isToBeDeleted(at)) return goneState(sender, at)
    const { leadership, assignment } = known
    if (!leadership) return undefined
    return {
      ...stateOf(known, leadership),
      offlineReplicas: assignment.replicas.filter((id) => !context.isOnline(id, known)),
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

/** A broker obeys only an epoch above its own; the one of now is, since whoever is stopped did not hear of the change that goes with it. */
const stopEpoch = ({ context }: Sender, at: TopicPartition): number =>
  context.isToBeDeleted(at) ? EPOCH_DURING_DELETE : (context.partition(at)?.leadership?.leaderEpoch ?? NO_EPOCH)

/** Ends replicas on `receiver`. */
export const stopReplicaFor = (sender: Sender, receiver: LiveBroker, stops: Iterable<Stop>): Sendable<RequestOf<typeof stopReplica>> => ({
  ...head(sender, receiver),
  topicStates: byTopic(stops, (stop) => ({
    partitionIndex: stop.partition,
    leaderEpoch: stopEpoch(sender, stop),
    deletePartition: stop.deletes,
  })),
})
