import type { TopicPartition } from '../../base/topic-partition.ts'
import type { offsetDelete } from '../../protocol/api/47-offset-delete.ts'
import { errorCode, KafkaError } from '../../protocol/errors.ts'
import type { Context } from '../context.ts'
import type { Group } from '../coordinator/group.ts'
import { offsetStoreError } from '../coordinator/store-errors.ts'
import { CONSUMER_PROTOCOL_TYPE } from '../coordinator/subscription.ts'
import type { Handler, Refusal } from '../handler.ts'
import { checkGroupId, namedPartitions, regroup, topicPartitionError } from './group-messages.ts'

type Api = typeof offsetDelete

export const refuseOffsetDelete: Refusal<Api> = (_request, { code }) => ({ errorCode: code })

/** Only a consumer group says what it reads; others must be empty. */
const groupOf = (context: Context, groupId: string): Group => {
  checkGroupId(groupId)
  const group = context.broker.groups.find(groupId)
  if (!group || group.isDead) throw new KafkaError('GROUP_ID_NOT_FOUND')
  const { state, generation } = group.membership
  if (state !== 'Empty' && generation.protocolType !== CONSUMER_PROTOCOL_TYPE) throw new KafkaError('NON_EMPTY_GROUP')
  return group
}

/** A consumer group keeps the offsets of topics that it reads. */
const isInUse = ({ membership }: Group, topic: string): boolean =>
  membership.state !== 'Empty' && (membership.generation.subscribedTopics?.has(topic) ?? true)

const drop = async (group: Group, offsets: readonly TopicPartition[], context: Context): Promise<void> => {
  const stored = offsets.filter(({ topic, partition }) => group.image.offsets.has(topic, partition))
  try {
    if (stored.length > 0) await context.broker.groups.dropOffsets(group, stored)
  } catch (err) {
    if (!(err instanceof KafkaError)) throw err
    throw new KafkaError(offsetStoreError(err), undefined, { cause: err })
  }
}

export const handleOffsetDelete: Handler<Api> = async ({ groupId, topics }, context) => {
  context.authorize('DELETE', 'GROUP', groupId)
  const group = groupOf(context, groupId)
  const all = namedPartitions(topics).map(({ topic, wanted: { partitionIndex } }) => {
    const error = topicPartitionError(context, 'READ', topic, partitionIndex)
    const used = error === 0 && isInUse(group, topic) ? errorCode('GROUP_SUBSCRIBED_TO_TOPIC') : 0
    return { topic, partition: partitionIndex, errorCode: error || used }
  })
  await drop(
    group,
    all.filter((one) => one.errorCode === 0),
    context,
  )
  return { topics: regroup(topics, all, (one) => ({ partitionIndex: one.partition, errorCode: one.errorCode })) }
}
