import type { offsetCommit } from '../../protocol/api/08-offset-commit.ts'
import { codeOf, errorCode, type ErrorName } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Context } from '../context.ts'
import { commitOffsets } from '../coordinator/commit.ts'
import type { StoredOffset } from '../coordinator/group-records.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { type Named, namedPartitions, regroup, topicPartitionError } from './group-messages.ts'

type Api = typeof offsetCommit
type Request = RequestOf<Api>
type Wanted = Named<Request['topics'][number]['partitions'][number]>

const NOT_GIVEN = -1

export const refuseOffsetCommit: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code })),
  })),
})

const storedOffsetOf = ({ wanted }: Wanted, retentionTimeMs: number, nowMs: number): StoredOffset => ({
  offset: wanted.committedOffset,
  leaderEpoch: wanted.committedLeaderEpoch,
  metadata: wanted.committedMetadata ?? '',
  commitTimestamp: wanted.commitTimestamp === NOT_GIVEN ? nowMs : wanted.commitTimestamp,
  expireTimestamp: retentionTimeMs === NOT_GIVEN ? NOT_GIVEN : nowMs + retentionTimeMs,
})

const commitToLog = async (request: Request, wanted: readonly Wanted[], context: Context): Promise<number[]> => {
  const { groups, clocks, config, logger } = context.broker
  const { groupId, generationId, memberId, groupInstanceId } = request
  const retentionTimeMs = toNumber(request.retentionTimeMs)
  const nowMs = clocks.wall.nowMs()
  const offsets = wanted.map((one) => {
    return { topic: one.topic, partition: one.wanted.partitionIndex, value: storedOffsetOf(one, retentionTimeMs, nowMs) }
  })
  const speaker = { memberId, groupInstanceId, generationId }
  const commit = { groupId, speaker, offsets, maxMetadataLength: config.get('offset.metadata.max.bytes') }
  const errors: ErrorName[] = await commitOffsets(groups, commit, logger)
  return errors.map(errorCode)
}

const commitToZooKeeper = ({ groupId }: Request, wanted: readonly Wanted[], { broker }: Context): Promise<number[]> =>
  each(
    wanted,
    async ({ topic, wanted: { partitionIndex, committedOffset, committedMetadata } }) => {
      if ((committedMetadata?.length ?? 0) > broker.config.get('offset.metadata.max.bytes')) return errorCode('OFFSET_METADATA_TOO_LARGE')
      await broker.groups.zookeeperOffsets.set(groupId, topic, partitionIndex, toNumber(committedOffset))
      return 0
    },
    (_one, _code, err) => {
      broker.logger.error({ err, group: groupId }, 'an offset could not be stored in ZooKeeper')
      return codeOf(err)
    },
  )

/** Version 0 stores in ZooKeeper, later ones in __consumer_offsets, answered when that is replicated. */
export const handleOffsetCommit: Handler<Api> = async (request, context) => {
  context.authorize('READ', 'GROUP', request.groupId)
  const all = namedPartitions(request.topics).map((one) => {
    return { ...one, errorCode: topicPartitionError(context, 'READ', one.topic, one.wanted.partitionIndex) }
  })
  const accepted = all.filter((one) => one.errorCode === 0)
  const commit = context.apiVersion === 0 ? commitToZooKeeper : commitToLog
  const codes = accepted.length > 0 ? await commit(request, accepted, context) : []
  accepted.forEach((one, index) => (one.errorCode = codes[index]!))
  return {
    topics: regroup(request.topics, all, ({ wanted, errorCode }) => ({ partitionIndex: wanted.partitionIndex, errorCode })),
  }
}
