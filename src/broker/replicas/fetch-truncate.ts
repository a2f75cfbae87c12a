import type { Logger } from '../../base/logger.ts'
import { PartitionMap } from '../../base/partition-map.ts'
import { listOffsets } from '../../protocol/api/02-list-offsets.ts'
import { offsetForLeaderEpoch } from '../../protocol/api/23-offset-for-leader-epoch.ts'
import { checked, type ErrorName, errorName, KafkaError } from '../../protocol/errors.ts'
import { toNumber } from '../../protocol/int64.ts'
import type { Leader } from './fetch-leader.ts'
import type { FollowedPartition } from './fetch-partition.ts'
import { cutFor, type EpochEnd } from './truncation.ts'

/** As a 2.6 broker sends them. */
const OFFSET_FOR_LEADER_EPOCH_VERSION = 3
const LIST_OFFSETS_VERSION = 5
const EARLIEST_TIMESTAMP = -2
const LATEST_TIMESTAMP = -1

export type AnsweredEpoch = { followed: FollowedPartition } & ({ end: EpochEnd } | { error: ErrorName })

/** Asks where the latest epoch of each log ends at the leader; one that the answer leaves out is asked for again. */
export const askEpochEnds = async (
  leader: Leader,
  replicaId: number,
  partitions: readonly FollowedPartition[],
): Promise<AnsweredEpoch[]> => {
  const asked = new PartitionMap<FollowedPartition>()
  for (const followed of partitions) asked.set(followed.replica.topic, followed.replica.partition, followed)
  const answer = await leader.request(offsetForLeaderEpoch, OFFSET_FOR_LEADER_EPOCH_VERSION, {
    replicaId,
    topics: [...asked.topics()].map(([name, list]) => ({
      name,
      partitions: [...list.values()].map(({ replica, leaderEpoch }) => ({
        partitionIndex: replica.partition,
        currentLeaderEpoch: leaderEpoch,
        leaderEpoch: replica.log.latestEpoch!,
      })),
    })),
  })
  return answer.topics.flatMap(({ name, partitions: answered }) =>
    answered.flatMap(({ partitionIndex, errorCode, leaderEpoch, endOffset }): AnsweredEpoch[] => {
      const followed = asked.get(name, partitionIndex)
      if (!followed) return []
      if (errorCode !== 0) return [{ followed, error: errorName(errorCode) }]
      return [{ followed, end: { leaderEpoch, endOffset: toNumber(endOffset) } }]
    }),
  )
}

/** Cuts by the leader's answer; where that was not the last step the partition stays in truncating. */
export const cutByEpoch = async (followed: FollowedPartition, end: EpochEnd, logger: Logger): Promise<void> => {
  const { replica, leaderEpoch } = followed
  const { offset, isComplete } = cutFor(replica.log, end, followed.fetchOffset)
  noteCut(followed, offset, logger)
  await followed.run(replica.truncateAsFollower(offset, leaderEpoch))
  if (isComplete) followed.fetching()
  else followed.fetchOffset = replica.log.logEndOffset
}

/** For a log that knows no epochs. */
export const cutToHighWatermark = async (followed: FollowedPartition, logger: Logger): Promise<void> => {
  const { replica, leaderEpoch, fetchOffset } = followed
  noteCut(followed, fetchOffset, logger)
  await followed.run(replica.truncateAsFollower(fetchOffset, leaderEpoch))
  followed.fetching()
}

const noteCut = ({ replica, leaderEpoch }: FollowedPartition, offset: number, logger: Logger): void => {
  const { topic, partition, log } = replica
  const { logEndOffset, highWatermark } = log
  if (offset >= logEndOffset) return
  const seen = { topic, partition, leaderEpoch, offset, logEndOffset, highWatermark }
  if (offset < highWatermark) logger.warn(seen, 'records that were committed are cut off: the leader does not have them')
  else logger.info(seen, 'records that the leader does not have are cut off')
}

const askOffset = async (leader: Leader, replicaId: number, followed: FollowedPartition, timestamp: number): Promise<number> => {
  const { replica, leaderEpoch } = followed
  const asked = { partitionIndex: replica.partition, currentLeaderEpoch: leaderEpoch, timestamp }
  const topics = [{ name: replica.topic, partitions: [asked] }]
  const answer = await leader.request(listOffsets, LIST_OFFSETS_VERSION, { replicaId, isolationLevel: 0, topics })
  const found = answer.topics
    .find(({ name }) => name === replica.topic)
    ?.partitions.find((each) => each.partitionIndex === replica.partition)
  if (!found) throw new KafkaError('UNKNOWN_SERVER_ERROR', `the leader did not answer for ${followed.name}`)
  return toNumber(checked(found).offset)
}

/**
 * The leader does not have the offset that comes next here. Its end is below ours (an unclean election): what it lacks is cut off. Its start is above our end (it
 * deleted what we never had): the log begins anew there. Else the next fetch fits again. `isCurrent` tells after each answer whether the partition is still
 * followed. Source: AbstractFetcherThread.fetchOffsetAndTruncate of 2.6.3.
 */
export const resetFetchOffset = async (
  followed: FollowedPartition,
  { leader, replicaId, logger, isCurrent }: { leader: Leader; replicaId: number; logger: Logger; isCurrent: () => boolean },
): Promise<void> => {
  const { replica, leaderEpoch } = followed
  const { log } = replica
  const leaderEnd = await askOffset(leader, replicaId, followed, LATEST_TIMESTAMP)
  if (!isCurrent()) return
  if (leaderEnd < log.logEndOffset) {
    noteCut(followed, leaderEnd, logger)
    await followed.run(replica.truncateAsFollower(leaderEnd, leaderEpoch))
    return followed.fetching(0)
  }
  const leaderStart = await askOffset(leader, replicaId, followed, EARLIEST_TIMESTAMP)
  if (!isCurrent()) return
  if (leaderStart > log.logEndOffset) {
    const { topic, partition } = replica
    logger.warn({ topic, partition, leaderStart, logEndOffset: log.logEndOffset }, 'the leader deleted what comes next: starting over')
    await followed.run(replica.startOverAsFollower(leaderStart, leaderEpoch))
  }
  followed.fetching(Math.max(0, leaderEnd - log.logEndOffset))
}
