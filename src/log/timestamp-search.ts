import type { WorkerPool } from '../base/worker-pool.ts'
import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import { magicOfFormatVersion } from '../protocol/records/append-rules.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from '../protocol/records/compression.ts'
import { OFFLOAD_FROM_BYTES, recordsIn } from '../protocol/records/offload.ts'
import { isCompressed, lastOffsetOf, partitionLeaderEpochOf } from '../protocol/records/record-batch.ts'
import { records } from '../protocol/records/record.ts'
import type { LogConfig } from './log-config.ts'
import type { TimestampedOffset } from './log-types.ts'
import { readLater } from './reads.ts'
import type { Segment } from './segment.ts'

type Wanted = { timestamp: Int64; from: number; pool: WorkerPool | undefined }

/**
 * The first record at or after offset `from` whose timestamp is at least the wanted one, by the time indexes, then the batches, then the records.
 * Source: kafka.log.Log.fetchOffsetByTimestamp (2.6); unlike it, a segment whose match lies below `from` does not end the search.
 */
export const findOffsetByTimestamp = async (
  segments: readonly Segment[],
  wanted: Wanted,
  { config }: { config: LogConfig },
): Promise<TimestampedOffset | undefined> => {
  if (magicOfFormatVersion(config.messageFormatVersion) === 0) {
    const message = `offsets cannot be searched by timestamp: message.format.version is ${config.messageFormatVersion}, 0.10.0 or later is needed`
    throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT', message)
  }
  for (const segment of segments) {
    if ((await readLater(segment.largestTimestamp())) < wanted.timestamp) continue
    const found = await searchSegment(segment, wanted)
    if (found) return found
  }
  return undefined
}

const searchSegment = async (segment: Segment, { timestamp, from, pool }: Wanted): Promise<TimestampedOffset | undefined> => {
  let offset = from
  for (;;) {
    const batch = await readLater(segment.findTimestamp(timestamp, offset))
    if (batch === undefined) return undefined
    for (const record of await recordsOf(batch, pool)) {
      if (record.timestamp < timestamp || record.offset < from) continue
      const epoch = partitionLeaderEpochOf(batch)
      return { timestamp: record.timestamp, offset: record.offset, leaderEpoch: epoch < 0 ? undefined : epoch }
    }
    offset = lastOffsetOf(batch) + 1
  }
}

const recordsOf = async (batch: Buffer, pool: WorkerPool | undefined) =>
  pool && isCompressed(batch) && batch.length >= OFFLOAD_FROM_BYTES
    ? recordsIn(pool, batch, DEFAULT_MAX_DECOMPRESSED_BYTES)
    : records(batch, DEFAULT_MAX_DECOMPRESSED_BYTES)
