import { KafkaError } from '../errors.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from './compression.ts'
import { buildLegacyBatch, type LegacyMagic } from './legacy.ts'
import { batches, codecOf, isCompressed, isControlBatch, magicOf, maxTimestampOf, timestampTypeOf } from './record-batch.ts'
import { records, type KafkaRecord } from './record.ts'

export type DownConverted = { records: Buffer; convertedCount: number }

/**
 * Batches for a client that knows only magic `toMagic` (Fetch below version 4: 1, below 2: 0). Offsets, keys, values and codecs stay; headers are lost;
 * control batches are left out; of an uncompressed batch of magic 2 the records before `firstOffset` are left out, which librdkafka relies on.
 * Batches of that magic or an older one stay as they are. Ends before the batch that would need more than `limitBytes` in all; the client asks again from
 * there. UNSUPPORTED_COMPRESSION_TYPE for zstd, MESSAGE_TOO_LARGE where the first batch is over the limit. Source: RecordsUtil.downConvert of 2.6.3.
 */
export const downConvert = (
  bytes: Buffer,
  toMagic: LegacyMagic,
  firstOffset: number,
  limitBytes = DEFAULT_MAX_DECOMPRESSED_BYTES,
): DownConverted => {
  const parts: Buffer[] = []
  let convertedCount = 0
  let leftBytes = limitBytes
  const put = (part: Buffer): void => {
    parts.push(part)
    leftBytes -= part.length
  }
  for (const batch of batches(bytes)) {
    if (isControlBatch(batch)) continue
    if (codecOf(batch) === 'zstd') {
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', 'Down-conversion of zstandard-compressed batches is not supported')
    }
    if (magicOf(batch) <= toMagic) {
      put(batch)
      continue
    }
    const read = recordsWithin(batch, leftBytes, parts.length === 0)
    if (read === undefined) break
    const kept = read.filter(({ offset }) => isCompressed(batch) || offset >= firstOffset)
    if (kept.length === 0) continue
    convertedCount += kept.length
    const timestampType = timestampTypeOf(batch) ?? 'CreateTime'
    put(buildLegacyBatch(kept, { magic: toMagic, codec: codecOf(batch), timestampType, logAppendTimeMs: maxTimestampOf(batch) }))
  }
  return { records: Buffer.concat(parts), convertedCount }
}

/** undefined: over the limit. */
const recordsWithin = (batch: Buffer, limitBytes: number, isFirst: boolean): KafkaRecord[] | undefined => {
  try {
    return [...records(batch, Math.max(0, limitBytes))]
  } catch (error) {
    if (!isFirst && error instanceof KafkaError && error.error === 'MESSAGE_TOO_LARGE') return undefined
    throw error
  }
}
