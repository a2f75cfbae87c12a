import type { Partition } from './partition.ts'

/** The replicas on this broker. */
export interface Partitions {
  /**
   * The partition, when this broker leads it. KafkaError: NOT_LEADER_OR_FOLLOWER, UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR;
   * FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when `currentLeaderEpoch` (-1: not known) is not this leader's.
   */
  leader(topic: string, partition: number, currentLeaderEpoch?: number): Partition
  /** Whatever it is here. */
  get(topic: string, partition: number): Partition | undefined
  /** As leader, but the partition may be a follower here. */
  replica(topic: string, partition: number, currentLeaderEpoch?: number): Partition
}
