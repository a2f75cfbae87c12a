import type { TopicPartition } from '../../../base/topic-partition.ts'
import { decodeJson, encodeJson, integer, integers, type Json, text, ZnodeError } from './json.ts'

export type WantedReplicas = TopicPartition & { replicas: readonly number[] }

const entries = (path: string, json: Json): Json[] => {
  const { partitions } = json
  if (Array.isArray(partitions) && partitions.every((entry) => typeof entry === 'object' && entry !== null)) return partitions as Json[]
  throw new ZnodeError(`${path}: partitions must be a list of objects`)
}
const place = (path: string, entry: Json): TopicPartition => ({
  topic: text(path, entry, 'topic'),
  partition: integer(path, entry, 'partition'),
})

/** Where tools without a broker's address ask for reassignments; the controller takes each entry out when it is done. */
export const reassignPartitionsZnode = {
  path: '/admin/reassign_partitions',
  encode: (wanted: readonly WantedReplicas[]): Buffer =>
    encodeJson({ version: 1, partitions: wanted.map(({ topic, partition, replicas }) => ({ topic, partition, replicas })) }),
  decode: (data: Buffer): WantedReplicas[] => {
    const { path } = reassignPartitionsZnode
    return entries(path, decodeJson(path, data)).map((entry) => ({ ...place(path, entry), replicas: integers(path, entry, 'replicas') }))
  },
}

/** Where tools without a broker's address ask for elections of preferred leaders; the controller deletes it when they were held. */
export const preferredElectionZnode = {
  path: '/admin/preferred_replica_election',
  encode: (partitions: readonly TopicPartition[]): Buffer =>
    encodeJson({ version: 1, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) }),
  decode: (data: Buffer): TopicPartition[] => {
    const { path } = preferredElectionZnode
    return entries(path, decodeJson(path, data)).map((entry) => place(path, entry))
  },
}
