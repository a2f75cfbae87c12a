import { Writer } from '../protocol/bytes.ts'
import type { Int64 } from '../protocol/int64.ts'
import type { ResponsePart } from './handler.ts'
import type { RecordsSource } from './records-source.ts'

/** A Fetch reply whose records are not in memory yet. */
export type FetchReply = { errorCode: number; topics: readonly { name: string; partitions: readonly FetchedPartition[] }[] }
export type FetchedPartition = {
  partitionIndex: number
  errorCode: number
  highWatermark: number
  lastStableOffset: number
  logStartOffset: number
  /** null where the client did not ask for READ_COMMITTED. */
  aborted: readonly { producerId: Int64; firstOffset: number }[] | null
  records: RecordsSource | undefined
}

const LENGTH_BYTES = 4
/** Every fetch is a full one here: session id 0 tells the client that the broker keeps no session (KIP-227). */
const NO_SESSION = 0
const NO_PREFERRED_REPLICA = -1

const writeString = (writer: Writer, text: string): void => {
  const sizeBytes = Buffer.byteLength(text)
  writer.int16(sizeBytes)
  writer.string(text, sizeBytes)
}

const writePartition = (writer: Writer, partition: FetchedPartition, version: number): void => {
  writer.int32(partition.partitionIndex)
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
  if (version >= 11) writer.int32(NO_PREFERRED_REPLICA)
  writer.int32(partition.records?.sizeBytes ?? 0)
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
    writer.int32(NO_SESSION)
  }
  writer.int32(reply.topics.length)
  for (const { name, partitions } of reply.topics) {
    writeString(writer, name)
    writer.int32(partitions.length)
    for (const partition of partitions) {
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
