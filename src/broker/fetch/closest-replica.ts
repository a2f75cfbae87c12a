import type { Context } from '../context.ts'
import type { Partition } from '../partition.ts'
import type { FollowerState } from '../replicas/in-sync.ts'

/** The leader itself. */
export const NO_PREFERRED_REPLICA = -1

/** Whether `a` is further: its log, then how late it was caught up, then its id, so that all leaders choose alike. */
const isFurther = (a: FollowerState, b: FollowerState): boolean => {
  if (a.logEndOffset !== b.logEndOffset) return a.logEndOffset > b.logEndOffset
  if (a.lastCaughtUpMs !== b.lastCaughtUpMs) return a.lastCaughtUpMs > b.lastCaughtUpMs
  return a.brokerId > b.brokerId
}

/**
 * Which follower in the consumer's rack the consumer should read from (KIP-392): one that is in sync, has the offset, and is reachable over the consumer's listener;
 * of several the furthest. NO_PREFERRED_REPLICA where there is none, or the leader is in that rack itself. Only a leader can tell.
 * Source: RackAwareReplicaSelector and ReplicaManager.findPreferredReadReplica of 2.6.3; those take followers that are not in sync, too, whose high watermark may be old.
 */
export const closestReplica = (partition: Partition, offset: number, rackId: string, { broker, peer }: Context): number => {
  const inRack = new Set<number>()
  for (const { id, rack } of broker.metadata.brokers(peer.listener)) if (rack === rackId) inRack.add(id)
  if (inRack.has(broker.brokerId)) return NO_PREFERRED_REPLICA
  let best: FollowerState | undefined
  for (const follower of partition.followerStates()) {
    const { brokerId, logEndOffset, logStartOffset } = follower
    if (!inRack.has(brokerId) || !partition.isInSync(brokerId)) continue
    if (offset > logEndOffset || offset < logStartOffset) continue
    if (!best || isFurther(follower, best)) best = follower
  }
  return best?.brokerId ?? NO_PREFERRED_REPLICA
}
