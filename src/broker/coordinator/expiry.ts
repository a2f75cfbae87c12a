import type { TopicPartition } from '../../base/topic-partition.ts'
import type { Int64 } from '../../protocol/int64.ts'
import type { CommittedOffset } from './group-image.ts'
import type { Group } from './group.ts'
import { CONSUMER_PROTOCOL_TYPE } from './subscription.ts'

const isPast = (timestamp: Int64, nowMs: number, retentionMs: number): boolean => nowMs - Number(timestamp) >= retentionMs

/**
 * From when on an offset grows old: an empty group's from when it was left, a stable consumer group's from its commit unless the topic is read, a group
 * without members from its commit. undefined: it does not. Source: GroupMetadata.removeExpiredOffsets of 2.6.3, with KAFKA-13636: only a stable group's
 * subscriptions are believed.
 */
const ageFrom = ({ membership }: Group, topic: string, { commitTimestamp }: CommittedOffset): Int64 | undefined => {
  const { state, stateTimestamp, generation } = membership
  if (generation.protocolType === null) return commitTimestamp
  if (state === 'Empty') return stateTimestamp === -1 ? commitTimestamp : stateTimestamp
  if (state !== 'Stable' || generation.protocolType !== CONSUMER_PROTOCOL_TYPE) return undefined
  return generation.subscribedTopics?.has(topic) === false ? commitTimestamp : undefined
}

/** The offsets of a group that nobody needs any more, by the wall clock. */
export const expiredOffsets = (group: Group, nowMs: number, retentionMs: number): TopicPartition[] =>
  [...group.image.offsets.entries()].filter(({ topic, partition, value }) => {
    if (group.hasPendingCommit(topic, partition)) return false
    const from = ageFrom(group, topic, value)
    if (from === undefined) return false
    return value.expireTimestamp === -1 ? isPast(from, nowMs, retentionMs) : isPast(value.expireTimestamp, nowMs, 0)
  })
