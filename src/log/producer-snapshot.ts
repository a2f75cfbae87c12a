import { readInt64, writeInt64 } from '../protocol/records/record-batch.ts'
import { crc32c } from '../protocol/records/crc32c.ts'
import { ProducerEntry } from './producer-entry.ts'

/**
 * Kafka's file `<next offset>.snapshot`, big endian: int16 version 1, uint32 CRC-32C of what follows it, int32 count, then per producer
 * int64 id, int16 epoch, int32 last sequence, int64 last offset, int32 offset delta, int64 timestamp, int32 coordinator epoch, int64 start of its transaction.
 * Only the last batch of each is in it. Source: kafka.log.ProducerStateManager (2.6).
 */
const VERSION = 1
const CRC_AT = 2
const COUNT_AT = 6
const HEADER_BYTES = 10
const ENTRY_BYTES = 46
const NO_SEQUENCE = -1

export const formatSnapshot = (entries: Iterable<ProducerEntry>): Buffer => {
  const list = [...entries]
  const bytes = Buffer.alloc(HEADER_BYTES + list.length * ENTRY_BYTES)
  bytes.writeInt16BE(VERSION, 0)
  bytes.writeInt32BE(list.length, COUNT_AT)
  let at = HEADER_BYTES
  for (const { producerId, epoch, last, lastTimestamp, coordinatorEpoch, transactionStart } of list) {
    writeInt64(bytes, producerId, at)
    bytes.writeInt16BE(epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? NO_SEQUENCE, at + 10)
    writeInt64(bytes, last?.offset ?? -1, at + 14)
    bytes.writeInt32BE(last?.offsetDelta ?? 0, at + 22)
    writeInt64(bytes, lastTimestamp, at + 26)
    bytes.writeInt32BE(coordinatorEpoch, at + 34)
    writeInt64(bytes, transactionStart, at + 38)
    at += ENTRY_BYTES
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(COUNT_AT)), CRC_AT)
  return bytes
}

/** Throws an Error in words for what is not such a file. */
export const parseSnapshot = (bytes: Buffer): ProducerEntry[] => {
  if (bytes.length < HEADER_BYTES) throw new Error(`a producer snapshot has at least ${HEADER_BYTES} bytes, this one ${bytes.length}`)
  const version = bytes.readInt16BE(0)
  if (version !== VERSION) throw new Error(`a producer snapshot of version ${version}; known is ${VERSION}`)
  if (crc32c(bytes.subarray(COUNT_AT)) !== bytes.readUInt32BE(CRC_AT))
    throw new Error('a producer snapshot does not have the checksum that it states')
  const count = bytes.readInt32BE(COUNT_AT)
  if (count < 0 || HEADER_BYTES + count * ENTRY_BYTES !== bytes.length)
    throw new Error(`a producer snapshot of ${count} entries has ${bytes.length} bytes`)
  return Array.from({ length: count }, (_unused, index) => entryAt(bytes, HEADER_BYTES + index * ENTRY_BYTES))
}

const entryAt = (bytes: Buffer, at: number): ProducerEntry => {
  const entry = new ProducerEntry(readInt64(bytes, at))
  const epoch = bytes.readInt16BE(at + 8)
  const timestamp = readInt64(bytes, at + 26)
  const offset = Number(readInt64(bytes, at + 14))
  entry.setEpoch(epoch)
  if (offset >= 0) {
    entry.add(epoch, { lastSequence: bytes.readInt32BE(at + 10), offset, offsetDelta: bytes.readInt32BE(at + 22), timestamp })
  }
  entry.lastTimestamp = timestamp
  entry.coordinatorEpoch = bytes.readInt32BE(at + 34)
  entry.transactionStart = Number(readInt64(bytes, at + 38))
  return entry
}
