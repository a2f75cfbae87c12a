import { decodeJson, encodeJson, integers, type Json, ZnodeError } from './json.ts'

export const TOPICS = '/brokers/topics'
export const DELETE_TOPICS = '/admin/delete_topics'

/** Which brokers have each partition, the preferred leader first. `adding` and `removing` name the replicas of a reassignment under way. */
export type Assignment = ReadonlyMap<number, readonly number[]>
export type TopicAssignment = { replicas: Assignment; adding: Assignment; removing: Assignment }

const byPartition = (path: string, json: Json, key: string): Assignment => {
  const value = json[key] ?? {}
  if (typeof value !== 'object' || value === null) throw new ZnodeError(`${path}: ${key} must be an object`)
  const entries = Object.keys(value).map((partition) => [Number(partition), integers(`${path} ${key}`, value as Json, partition)] as const)
  if (entries.some(([partition]) => !Number.isInteger(partition) || partition < 0))
    throw new ZnodeError(`${path}: ${key} must have partition numbers`)
  return new Map(entries.sort(([a], [b]) => a - b))
}
const toObject = (assignment: Assignment): object => Object.fromEntries(assignment)

/** Version 2, as 2.6 writes it; 1 has no reassignments. */
export const topicZnode = {
  path: (topic: string): string => `${TOPICS}/${topic}`,
  partitionsPath: (topic: string): string => `${TOPICS}/${topic}/partitions`,
  partitionPath: (topic: string, partition: number): string => `${TOPICS}/${topic}/partitions/${partition}`,
  encode: ({ replicas, adding, removing }: TopicAssignment): Buffer =>
    encodeJson({ version: 2, partitions: toObject(replicas), adding_replicas: toObject(adding), removing_replicas: toObject(removing) }),
  decode: (topic: string, data: Buffer): TopicAssignment => {
    const path = topicZnode.path(topic)
    const json = decodeJson(path, data)
    return {
      replicas: byPartition(path, json, 'partitions'),
      adding: byPartition(path, json, 'adding_replicas'),
      removing: byPartition(path, json, 'removing_replicas'),
    }
  },
}

export const deleteTopicZnode = { path: (topic: string): string => `${DELETE_TOPICS}/${topic}` }
