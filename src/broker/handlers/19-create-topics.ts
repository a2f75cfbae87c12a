import type { createTopics } from '../../protocol/api/19-create-topics.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import { topicKeys, type TopicKey } from '../config/keys/topic.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import type { NewTopic, Planned } from '../metadata/topic-admin.ts'
import { failure, repeated } from './shared.ts'

type Wanted = RequestOf<typeof createTopics>['topics'][number]
type Result = NonNullable<ReplyOf<typeof createTopics>['topics']>[number]

export const refuseCreateTopics: Refusal<typeof createTopics> = (request, { code, message }) => ({
  topics: request.topics.map(({ name }) => ({ name, errorCode: code, errorMessage: message, configs: null })),
})

const newTopicOf = (wanted: Wanted): NewTopic => {
  const { name, numPartitions, replicationFactor, assignments, configs } = wanted
  const empty = configs.filter(({ value }) => value === null)
  if (empty.length > 0) {
    throw new KafkaError('INVALID_REQUEST', `Null value not supported for topic configs : ${empty.map((config) => config.name).join(',')}`)
  }
  if (assignments.length > 0 && (numPartitions !== -1 || replicationFactor !== -1)) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'Both numPartitions or replicationFactor and replicasAssignments were set. Both cannot be used at the same time.',
    )
  }
  const assignment = new Map(assignments.map(({ partitionIndex, brokerIds }) => [partitionIndex, brokerIds]))
  return {
    name,
    partitions: numPartitions,
    replicationFactor,
    ...(assignments.length > 0 ? { assignment } : {}),
    configs: new Map(configs.map((config) => [config.name, config.value!])),
  }
}

const created = (name: string, { assignment, replicationFactor, config }: Planned, context: Context): Result => {
  const numbers = { name, errorCode: 0, errorMessage: null, numPartitions: assignment.size, replicationFactor }
  if (!context.isAuthorized('DESCRIBE_CONFIGS', 'TOPIC', name)) {
    return {
      ...numbers,
      numPartitions: -1,
      replicationFactor: -1,
      configs: null,
      topicConfigErrorCode: errorCode('TOPIC_AUTHORIZATION_FAILED'),
    }
  }
  const configs = (Object.keys(topicKeys) as TopicKey[]).map((key) => {
    const [{ text, source }] = config.describe(key)
    return { name: key, value: text, readOnly: false, configSource: source, isSensitive: false }
  })
  return { ...numbers, configs }
}

/** Makes topics, each by itself, and waits until their leaders are known or the time is up. */
export const handleCreateTopics: Handler<typeof createTopics> = async (request, context) => {
  const { admin } = context.broker
  if (!admin.isController()) throw new KafkaError('NOT_CONTROLLER')
  const twice = repeated(request.topics.map(({ name }) => name))
  const mayCreateAny = context.isAuthorized('CREATE', 'CLUSTER', CLUSTER_NAME)
  const waiting = new Map<string, number>()
  const results = await each<Wanted, Result>(
    request.topics.filter(({ name }, index, all) => !twice.has(name) || all.findIndex((other) => other.name === name) === index),
    async (wanted) => {
      if (twice.has(wanted.name)) throw new KafkaError('INVALID_REQUEST', 'The topic stands more than once in the request; name it once.')
      if (!mayCreateAny) context.authorize('CREATE', 'TOPIC', wanted.name)
      const topic = newTopicOf(wanted)
      const planned = await admin.topics.plan(topic)
      if (!request.validateOnly) {
        await admin.topics.create(topic, planned)
        waiting.set(wanted.name, planned.assignment.size)
      }
      return created(wanted.name, planned, context)
    },
    ({ name }, _code, thrown) => ({ name, ...failure(thrown), configs: null }),
  )
  const late = await admin.topics.waitForLeaders(waiting, request.timeoutMs)
  return {
    topics: results.map((result) =>
      late.has(result.name!) ? { name: result.name!, ...failure(new KafkaError('REQUEST_TIMED_OUT')), configs: null } : result,
    ),
  }
}
