import type { TopicPartition } from '../../../base/topic-partition.ts'
import { decodeJson, encodeJson, integer, text, ZnodeError, type Json } from './json.ts'

const PARENT = '/isr_change_notification'

/** A sequential znode by which a leader tells the controller whose in-sync sets it wrote; the controller reads the states, tells everyone, and deletes the znode. */
export const isrChangeZnode = {
  parent: PARENT,
  sequencePrefix: `${PARENT}/isr_change_`,
  encode: (partitions: readonly TopicPartition[]): Buffer =>
    encodeJson({ version: 1, partitions: partitions.map(({ topic, partition }) => ({ topic, partition })) }),
  decode: (path: string, data: Buffer): TopicPartition[] => {
    const { partitions } = decodeJson(path, data)
    if (!Array.isArray(partitions)) throw new ZnodeError(`${path}: partitions must be a list`)
    return partitions.map((one: Json) => ({ topic: text(path, one, 'topic'), partition: integer(path, one, 'partition') }))
  },
}
