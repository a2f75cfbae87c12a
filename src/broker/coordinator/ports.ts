import type { NewTopic } from '../metadata/topic-admin.ts'
import type { Partition } from '../partition.ts'

/** What the coordinator needs of a replica of __consumer_offsets. */
export type OffsetsReplica = Pick<Partition, 'append' | 'replicated' | 'isReplicated' | 'fetch'> & {
  readonly log: { readonly logStartOffset: number; readonly logEndOffset: number }
}

/** Where clients of before 0.8.2 keep their offsets: OffsetCommit and OffsetFetch version 0. */
export interface ZooKeeperOffsets {
  /** undefined: none is stored. */
  get(group: string, topic: string, partition: number): Promise<number | undefined>
  set(group: string, topic: string, partition: number, offset: number): Promise<void>
}

/** What the coordinator needs of the cluster beside its log. */
export interface GroupStorage {
  /** Errors as TopicAdmin.create. */
  createTopic(topic: NewTopic): Promise<unknown>
  readonly zookeeperOffsets: ZooKeeperOffsets
}
