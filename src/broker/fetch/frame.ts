import { Writer } from '../../protocol/bytes.ts'
import type { Int64 } from '../../protocol/int64.ts'
import type { ResponsePart, RecordsSource } from './records-source.ts'

/** A Fetch reply whose records are not in memory yet. Partitions of one topic that follow each other share its name on the wire. */
export type FetchReply = {
  errorCode: number
  /** 0: no session. */
  sessionId: number
  partitions: readonly FetchedPartition[]
}
export type FetchedPartition = {
  wanted: { readonly topic: string; readonly partitionIndex: number }
  errorCode: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  /** null where the client did not ask for READ_COMMITTED. */
  aborted: readonly { producerId: Int64; firstOffset: number }[] | null
  /** Another replica that the consumer should read from; -1: go on here. */
  preferredReadReplica: number
  records: RecordsSource | undefined
}

const LENGTH_BYTES = 4

const writeString = (writer: Writer, text: string): void => {
  const sizeBytes = Buffer.byteLength(text)
  writer.int16(sizeBytes)
  writer.string(text, sizeBytes)
}

const writePartition = (writer: Writer, partition: FetchedPartition, version: number): void => {
  writer.int32(partition.wanted.partitionIndex)
  writer.int16(partition.errorCode)
  writer.int64(partition.highWatermark)
  if (version >= 4) writer.int64(partition.lastStableOffset)
  if (version >= 5) writer.int64(partition.logStartOffset)
  if (version >= 4) {
    writer.int32(partition.aborted?.length ?? -1)
    for (const { producerId, firstOffset } of partition.aborted ?? []) {
      writer.int64(producerId)
      writer.int64(firstOffset)
    }
  }
  if (version >= 11) writer.int32(partition.preferredReadReplica)
  writer.int32(partition.records?.sizeBytes ?? 0)
}

/** The end of the run of partitions of one topic that begins at `from`. */
const topicEnd = (partitions: readonly FetchedPartition[], from: number): number => {
  const { topic } = partitions[from]!.wanted
  let end = from + 1
  while (partitions[end]?.wanted.topic === topic) end++
  return end
}

const countTopics = (partitions: readonly FetchedPartition[]): number => {
  let topics = 0
  for (let at = 0; at < partitions.length; at = topicEnd(partitions, at)) topics++
  return topics
}

/**
 * The frame of a Fetch response, versions 0 to 11, with the records as they will be read. The schema in protocol/api/01-fetch.ts is the definition (a test
 * compares the bytes); written out here because the schema's writer wants the records in memory.
 */
export const fetchFrame = (version: number, correlationId: number, reply: FetchReply): ResponsePart[] => {
  const parts: ResponsePart[] = []
  let writer = new Writer()
  writer.int32(0)
  writer.int32(correlationId)
  if (version >= 1) writer.int32(0)
  if (version >= 7) {
    writer.int16(reply.errorCode)
    writer.int32(reply.sessionId)
  }
  const { partitions } = reply
  writer.int32(countTopics(partitions))
  for (let at = 0; at < partitions.length;) {
    const end = topicEnd(partitions, at)
    writeString(writer, partitions[at]!.wanted.topic)
    writer.int32(end - at)
    for (; at < end; at++) {
      const partition = partitions[at]!
      writePartition(writer, partition, version)
      if (!partition.records) continue
      parts.push(writer.bytes(), partition.records)
      writer = new Writer()
    }
  }
  if (writer.sizeBytes > 0) parts.push(writer.bytes())
  const sizeBytes = parts.reduce((sum, part) => sum + (part instanceof Uint8Array ? part.length : part.sizeBytes), 0)
  ;(parts[0] as Buffer).writeInt32BE(sizeBytes - LENGTH_BYTES)
  return parts
}
