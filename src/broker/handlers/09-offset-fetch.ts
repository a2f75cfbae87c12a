import type { offsetFetch } from '../../protocol/api/09-offset-fetch.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import type { Group } from '../coordinator/group.ts'
import type { StoredOffset } from '../coordinator/group-records.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { topicPartitionError } from './group-messages.ts'

type Api = typeof offsetFetch
type Request = RequestOf<Api>
type TopicReply = NonNullable<ReplyOf<Api>['topics']>[number]
type PartitionReply = NonNullable<TopicReply['partitions']>[number]

/** From here on an error stands once for the whole reply, before at every partition. */
const TOP_LEVEL_ERROR_SINCE = 2

const without = (partitionIndex: number, code: number): PartitionReply => {
  return { partitionIndex, committedOffset: -1, metadata: '', errorCode: code }
}

const failedTopics = ({ topics }: Request, code: number): TopicReply[] =>
  (topics ?? []).map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((index) => without(index, code)) }))

export const refuseOffsetFetch: Refusal<Api> = (request, { code }) => ({ topics: failedTopics(request, code), errorCode: code })

const describe = (partitionIndex: number, stored: StoredOffset | undefined): PartitionReply => {
  if (!stored) return without(partitionIndex, 0)
  const { offset, leaderEpoch, metadata } = stored
  return { partitionIndex, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata, errorCode: 0 }
}

const read = (group: Group | undefined, topic: string, partition: number, requireStable: boolean): PartitionReply => {
  if (!group || group.isDead) return without(partition, 0)
  if (requireStable && group.hasPendingCommit(topic, partition)) return without(partition, errorCode('UNSTABLE_OFFSET_COMMIT'))
  return describe(partition, group.image.offsets.get(topic, partition))
}

const readAll = (group: Group | undefined, requireStable: boolean, context: Context): TopicReply[] => {
  if (!group || group.isDead) return []
  const byTopic = Map.groupBy(group.image.offsets.entries(), ({ topic }) => topic)
  return [...byTopic]
    .filter(([topic]) => context.isAuthorized('DESCRIBE', 'TOPIC', topic))
    .map(([name, offsets]) => ({ name, partitions: offsets.map(({ partition }) => read(group, name, partition, requireStable)) }))
}

const fetchFromLog = ({ groupId, topics, requireStable }: Request, context: Context): TopicReply[] => {
  const group = context.broker.groups.find(groupId)
  if (topics === null) return readAll(group, requireStable, context)
  return topics.map(({ name, partitionIndexes }) => {
    const isAllowed = context.isAuthorized('DESCRIBE', 'TOPIC', name)
    const denied = errorCode('TOPIC_AUTHORIZATION_FAILED')
    return {
      name,
      partitions: partitionIndexes.map((index) => (isAllowed ? read(group, name, index, requireStable) : without(index, denied))),
    }
  })
}

const fetchFromZooKeeper = ({ groupId, topics }: Request, context: Context): Promise<TopicReply[]> =>
  Promise.all(
    (topics ?? []).map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await each(
        partitionIndexes,
        async (index) => {
          const code = topicPartitionError(context, 'DESCRIBE', name, index)
          if (code !== 0) return without(index, code)
          const offset = await context.broker.groups.zookeeperOffsets.get(groupId, name, index)
          return offset === undefined
            ? without(index, errorCode('UNKNOWN_TOPIC_OR_PARTITION'))
            : { ...without(index, 0), committedOffset: offset }
        },
        (index, code, err) => {
          if (!(err instanceof KafkaError)) context.broker.logger.error({ err, group: groupId }, 'an offset could not be read in ZooKeeper')
          return without(index, code)
        },
      ),
    })),
  )

/** Version 0 reads from ZooKeeper, later ones what is replicated in __consumer_offsets. */
export const handleOffsetFetch: Handler<Api> = async (request, context) => {
  try {
    context.authorize('DESCRIBE', 'GROUP', request.groupId)
    return { topics: context.apiVersion === 0 ? await fetchFromZooKeeper(request, context) : fetchFromLog(request, context) }
  } catch (thrown) {
    if (!(thrown instanceof KafkaError) || context.apiVersion < TOP_LEVEL_ERROR_SINCE) throw thrown
    return { topics: [], errorCode: thrown.code }
  }
}
