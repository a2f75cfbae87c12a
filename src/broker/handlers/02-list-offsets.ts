import type { listOffsets } from '../../protocol/api/02-list-offsets.ts'
import { KafkaError, codeOf } from '../../protocol/errors.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import type { FetchRequest } from '../partition.ts'

type Api = typeof listOffsets
type Body = RequestOf<Api>
type Asked = { request: Body; duplicates: ReadonlySet<string> }
type Wanted = Body['topics'][number]['partitions'][number]

const CONSUMER = -1
/** Sees what a follower sees, and may ask one. */
const DEBUGGING_CONSUMER = -2
const READ_COMMITTED = 1
const NOT_AVAILABLE_SINCE = 5

const upToOf = ({ replicaId, isolationLevel }: Body): FetchRequest['upTo'] => {
  if (replicaId !== CONSUMER) return 'logEnd'
  return isolationLevel === READ_COMMITTED ? 'lastStableOffset' : 'highWatermark'
}

const find = async (context: Context, topic: string, wanted: Wanted, { request, duplicates }: Asked) => {
  const { partitionIndex, timestamp, currentLeaderEpoch } = wanted
  context.authorize('DESCRIBE', 'TOPIC', topic)
  if (context.apiVersion > 0 && duplicates.has(`${topic}-${partitionIndex}`)) throw new KafkaError('INVALID_REQUEST')
  const { partitions } = context.broker
  const partition =
    request.replicaId === DEBUGGING_CONSUMER
      ? partitions.replica(topic, partitionIndex, currentLeaderEpoch)
      : partitions.leader(topic, partitionIndex, currentLeaderEpoch)
  try {
    return await partition.offsetFor(timestamp, upToOf(request))
  } catch (thrown) {
    const isOld = context.apiVersion < NOT_AVAILABLE_SINCE
    if (isOld && thrown instanceof KafkaError && thrown.error === 'OFFSET_NOT_AVAILABLE') throw new KafkaError('LEADER_NOT_AVAILABLE')
    throw thrown
  }
}

/** Those that a request names twice; Kafka answers none of them. */
const duplicatesOf = ({ topics }: Body): Set<string> => {
  const seen = new Set<string>()
  const duplicates = new Set<string>()
  for (const { name, partitions } of topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}-${partitionIndex}`
      if (seen.has(key)) duplicates.add(key)
      seen.add(key)
    }
  }
  return duplicates
}

/** Version 0 has a list of offsets, newest first, of which clients use the first. */
const describe = (version: number, partitionIndex: number, found: Awaited<ReturnType<typeof find>>) => {
  if (version === 0) return { partitionIndex, errorCode: 0, oldStyleOffsets: found ? [found.offset] : [] }
  return { partitionIndex, errorCode: 0, ...(found ?? { timestamp: -1, offset: -1, leaderEpoch: -1 }) }
}

export const handleListOffsets: Handler<Api> = async (request, context) => {
  const asked = { request, duplicates: duplicatesOf(request) }
  return {
    topics: await Promise.all(
      request.topics.map(async ({ name, partitions }) => ({
        name,
        partitions: await each(
          partitions,
          async (wanted) => describe(context.apiVersion, wanted.partitionIndex, await find(context, name, wanted, asked)),
          ({ partitionIndex }, errorCode, thrown) => {
            if (codeOf(thrown) < 0) context.broker.logger.error({ err: thrown, topic: name, partition: partitionIndex }, 'no offset found')
            return { partitionIndex, errorCode }
          },
        ),
      })),
    ),
  }
}

export const refuseListOffsets: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
  })),
})
