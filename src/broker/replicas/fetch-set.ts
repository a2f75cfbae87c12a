import { PartitionMap } from '../../base/partition-map.ts'
import type { FollowedPartition } from './fetch-partition.ts'

/** The partitions of one fetcher; who got records goes to the end, so that a full fetch serves all in turn. */
export class FollowedSet extends PartitionMap<FollowedPartition> {
  /** Whether this very object is followed: not one of another epoch. */
  holds(followed: FollowedPartition): boolean {
    return this.get(followed.replica.topic, followed.replica.partition) === followed
  }

  add(followed: FollowedPartition): void {
    this.set(followed.replica.topic, followed.replica.partition, followed)
  }

  remove({ replica }: FollowedPartition): void {
    this.delete(replica.topic, replica.partition)
  }
}
