import type { listOffsets } from '../../protocol/api/02-list-offsets.ts'
import { KafkaError, codeOf } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

type Api = typeof listOffsets
type Wanted = RequestOf<Api>['topics'][number]['partitions'][number]

/** A consumer; -2 is a debugging consumer, which sees what a follower sees. */
const CONSUMER = -1
const NOT_AVAILABLE_SINCE = 5

const find = async (context: Context, topic: string, wanted: Wanted, replicaId: number) => {
  const { partitionIndex, timestamp, currentLeaderEpoch } = wanted
  context.authorize('DESCRIBE', 'TOPIC', topic)
  const partition = context.broker.partitions.leader(topic, partitionIndex, currentLeaderEpoch)
  try {
    return await partition.offsetFor(timestamp, replicaId === CONSUMER ? 'consumer' : 'replica')
  } catch (thrown) {
    const isOld = context.apiVersion < NOT_AVAILABLE_SINCE
    if (isOld && thrown instanceof KafkaError && thrown.error === 'OFFSET_NOT_AVAILABLE') throw new KafkaError('LEADER_NOT_AVAILABLE')
    throw thrown
  }
}

/** Version 0 has a list of offsets, newest first, of which clients use the first. */
const describe = (version: number, partitionIndex: number, found: Awaited<ReturnType<typeof find>>) => {
  if (version === 0) return { partitionIndex, errorCode: 0, oldStyleOffsets: found ? [found.offset] : [] }
  return { partitionIndex, errorCode: 0, ...(found ?? { timestamp: -1, offset: -1, leaderEpoch: -1 }) }
}

export const handleListOffsets: Handler<Api> = async ({ topics, replicaId }, context) => ({
  topics: await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await each(
        partitions,
        async (wanted) => describe(context.apiVersion, wanted.partitionIndex, await find(context, name, wanted, replicaId)),
        ({ partitionIndex }, errorCode, thrown) => {
          if (codeOf(thrown) < 0) context.broker.logger.error({ err: thrown, topic: name, partition: partitionIndex }, 'no offset found')
          return { partitionIndex, errorCode }
        },
      ),
    })),
  ),
})

export const refuseListOffsets: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
  })),
})
