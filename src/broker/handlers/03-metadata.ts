import type { metadata } from '../../protocol/api/03-metadata.ts'
import { errorCode, type ErrorName } from '../../protocol/errors.ts'
import type { ReplyOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import type { Handler, Refusal } from '../handler.ts'
import { isInternalTopic } from '../internal-topics.ts'
import type { BrokerNode, PartitionState, TopicState } from '../metadata/view.ts'

type Api = typeof metadata
type TopicReply = NonNullable<ReplyOf<Api>['topics']>[number]

const LISTENER_NOT_FOUND_SINCE = 6
const NO_LEADER = -1

/** Clients of version 0 cannot use a replica without an address, so it is left out and the partition marked. Source: MetadataCache.getPartitionMetadata. */
const describePartition = (state: PartitionState, reachable: ReadonlySet<number>, context: Context) => {
  const { partition, leader, leaderEpoch, replicas, isr, offlineReplicas } = state
  const isVersion0 = context.apiVersion === 0
  const replicaNodes = isVersion0 ? replicas.filter((id) => reachable.has(id)) : replicas
  const isrNodes = isVersion0 ? isr.filter((id) => reachable.has(id)) : isr
  const common = { partitionIndex: partition, leaderEpoch, replicaNodes, isrNodes, offlineReplicas }
  if (!reachable.has(leader)) {
    const lacksListener = context.apiVersion >= LISTENER_NOT_FOUND_SINCE && context.broker.metadata.isAlive(leader)
    return { ...common, leaderId: NO_LEADER, errorCode: errorCode(lacksListener ? 'LISTENER_NOT_FOUND' : 'LEADER_NOT_AVAILABLE') }
  }
  const isIncomplete = replicaNodes.length < replicas.length || isrNodes.length < isr.length
  return { ...common, leaderId: leader, errorCode: isIncomplete ? errorCode('REPLICA_NOT_AVAILABLE') : 0 }
}

const describeTopic = ({ name, partitions }: TopicState, reachable: ReadonlySet<number>, context: Context): TopicReply => ({
  errorCode: 0,
  name,
  isInternal: isInternalTopic(name),
  partitions: partitions.map((partition) => describePartition(partition, reachable, context)),
})

const failedTopic = (name: string, error: ErrorName): TopicReply => ({
  errorCode: errorCode(error),
  name,
  isInternal: isInternalTopic(name),
})

/** Topics that the cluster lacks: made where the client, the configuration and the ACLs allow it. */
const describeUnknown = async (names: readonly string[], mayCreate: boolean, context: Context): Promise<TopicReply[]> => {
  if (!mayCreate || !context.broker.config.get('auto.create.topics.enable')) {
    return names.map((name) => failedTopic(name, 'UNKNOWN_TOPIC_OR_PARTITION'))
  }
  const mayCreateAny = context.isAuthorized('CREATE', 'CLUSTER', CLUSTER_NAME)
  const allowed = names.filter((name) => mayCreateAny || context.isAuthorized('CREATE', 'TOPIC', name))
  const created = allowed.length > 0 ? await context.broker.topicCreation.autoCreate(allowed) : new Map<string, ErrorName>()
  return names.map((name) => failedTopic(name, created.get(name) ?? 'TOPIC_AUTHORIZATION_FAILED'))
}

const withOperations = (topic: TopicReply, context: Context): TopicReply => ({
  ...topic,
  topicAuthorizedOperations: context.authorizedOperations('TOPIC', topic.name ?? ''),
})

export const handleMetadata: Handler<Api> = async (request, context) => {
  const { metadata } = context.broker
  const wantsAll = request.topics === null || (context.apiVersion === 0 && request.topics.length === 0)
  const wanted = wantsAll ? [...metadata.topicNames()] : [...new Set(request.topics!.map(({ name }) => name))]
  const nodes: readonly BrokerNode[] = metadata.brokers(context.peer.listener)
  const reachable = new Set(nodes.map(({ id }) => id))

  const allowed = wanted.filter((name) => context.isAuthorized('DESCRIBE', 'TOPIC', name))
  const states = allowed.map((name) => metadata.topic(name))
  const known = states.filter((state) => state !== undefined).map((state) => describeTopic(state, reachable, context))
  const absent = wantsAll ? [] : allowed.filter((_name, index) => states[index] === undefined)
  const unknown = absent.length > 0 ? await describeUnknown(absent, request.allowAutoTopicCreation, context) : []
  const isAllowed = new Set(allowed)
  const denied = wantsAll
    ? []
    : wanted.filter((name) => !isAllowed.has(name)).map((name) => failedTopic(name, 'TOPIC_AUTHORIZATION_FAILED'))

  const authorized = [...known, ...unknown]
  const topics = request.includeTopicAuthorizedOperations ? authorized.map((topic) => withOperations(topic, context)) : authorized
  const seesCluster = request.includeClusterAuthorizedOperations && context.isAuthorized('DESCRIBE', 'CLUSTER', CLUSTER_NAME)
  return {
    brokers: nodes.map(({ id, host, port, rack }) => ({ nodeId: id, host, port, rack })),
    clusterId: metadata.clusterId,
    controllerId: metadata.controllerId,
    topics: [...topics, ...denied],
    ...(request.includeClusterAuthorizedOperations
      ? { clusterAuthorizedOperations: seesCluster ? context.authorizedOperations('CLUSTER', CLUSTER_NAME) : 0 }
      : {}),
  }
}

export const refuseMetadata: Refusal<Api> = ({ topics }, { code }) => ({
  topics: (topics ?? []).map(({ name }) => ({ errorCode: code, name })),
})
