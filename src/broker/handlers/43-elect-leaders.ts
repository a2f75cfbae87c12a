import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import type { electLeaders } from '../../protocol/api/43-elect-leaders.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import { makeLeaderElections } from '../controller/leader-elections.ts'
import type { ElectionType } from '../controller/preferred-leaders.ts'
import type { Handler, Refusal } from '../handler.ts'
import { byTopic, failure } from './shared.ts'

type Request = RequestOf<typeof electLeaders>

/** Source: org.apache.kafka.common.ElectionType. Version 0 knew only the first. */
const TYPES: readonly ElectionType[] = ['PREFERRED', 'UNCLEAN']

const resultsOf = (results: readonly (TopicPartition & { errorCode: number; errorMessage: string | null })[]) =>
  byTopic(results.map(({ partition, ...rest }) => ({ partitionId: partition, ...rest }))).map(([topic, partitionResult]) => ({
    topic,
    partitionResult,
  }))

const namedIn = ({ topicPartitions }: Request): TopicPartition[] => {
  const named = new Map<string, TopicPartition>()
  for (const { topic, partitionId } of topicPartitions ?? []) {
    for (const partition of partitionId) named.set(`${topic}-${partition}`, { topic, partition })
  }
  return [...named.values()]
}

const everyPartition = ({ broker: { metadata } }: Context): TopicPartition[] =>
  [...metadata.topicNames()].flatMap((topic) => metadata.topic(topic)!.partitions.map(({ partition }) => ({ topic, partition })))

export const refuseElectLeaders: Refusal<typeof electLeaders> = (request, { code, message }) => ({
  errorCode: code,
  replicaElectionResults: resultsOf(namedIn(request).map((at) => ({ ...at, errorCode: code, errorMessage: message }))),
})

/** Chooses leaders and waits until this broker knows of them, or the time is up. Of all partitions only those are answered for which there was anything to do. */
export const handleElectLeaders: Handler<typeof electLeaders> = async (request, context) => {
  context.authorize('ALTER', 'CLUSTER', CLUSTER_NAME)
  const { admin } = context.broker
  const type = TYPES[request.electionType]
  if (!type) throw new KafkaError('INVALID_REQUEST', `Value ${request.electionType} must be one of PREFERRED(0), UNCLEAN(1)`)
  const partitions = request.topicPartitions === null ? everyPartition(context) : namedIn(request)
  const controller = admin.controller()
  const elected = controller
    ? await controller.part(makeLeaderElections).elect(type, partitions)
    : partitions.map(() => new KafkaError('NOT_CONTROLLER'))
  const leaders = partitions.flatMap((at, index) => {
    const leader = elected[index]
    return typeof leader === 'number' ? [{ ...at, leader }] : []
  })
  const late = await admin.topics.waitForLeadersToBe(leaders, request.timeoutMs)
  const results = partitions.map((at, index) => {
    const outcome = elected[index]
    if (outcome instanceof KafkaError) return { ...at, ...failure(outcome) }
    const isLate = late.has(partitionKey(at))
    return { ...at, errorCode: isLate ? errorCode('REQUEST_TIMED_OUT') : 0, errorMessage: null }
  })
  const isWorthTelling = (result: { errorCode: number }) =>
    request.topicPartitions !== null || result.errorCode !== errorCode('ELECTION_NOT_NEEDED')
  return { errorCode: 0, replicaElectionResults: resultsOf(results.filter(isWorthTelling)) }
}
