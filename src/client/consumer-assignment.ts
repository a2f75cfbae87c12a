import type { TopicPartition } from '../base/topic-partition.ts'
import { Reader } from '../protocol/bytes.ts'

/**
 * The partitions of a member of a group whose protocol type is consumer (ConsumerProtocol.deserializeAssignment): version int16, then an array of topic and partition
 * numbers. A member without an assignment has none; bytes that are no assignment count as none, for any client may write there what it likes.
 */
export const assignedPartitions = (bytes: Buffer): TopicPartition[] => {
  if (bytes.length === 0) return []
  try {
    const reader = new Reader(bytes)
    reader.int16()
    return many(reader, 6, () => {
      const topic = reader.string(reader.int16())
      return many(reader, 4, () => reader.int32()).map((partition) => ({ topic, partition }))
    }).flat()
  } catch {
    return []
  }
}

const many = <T>(reader: Reader, leastBytes: number, one: () => T): T[] => {
  const count = Math.max(0, reader.int32())
  reader.claim(count, leastBytes)
  return Array.from({ length: count }, one)
}
