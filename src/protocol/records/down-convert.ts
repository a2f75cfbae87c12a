import { KafkaError } from '../errors.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from './compression.ts'
import { buildLegacyBatch, type LegacyMagic } from './legacy.ts'
import { batches, codecOf, isCompressed, isControlBatch, magicOf, maxTimestampOf, timestampTypeOf } from './record-batch.ts'
import { records } from './record.ts'

export type DownConverted = { records: Buffer; convertedCount: number }

/**
 * Batches for a client that knows only magic `toMagic` (Fetch below version 4: 1, below 2: 0). Offsets, keys, values and codecs stay; headers are lost;
 * control batches are left out; of an uncompressed batch of magic 2 the records before `firstOffset` are left out, which librdkafka relies on.
 * Batches of that magic or an older one stay as they are. UNSUPPORTED_COMPRESSION_TYPE for zstd. Source: RecordsUtil.downConvert of 2.6.3.
 */
export const downConvert = (
  bytes: Buffer,
  toMagic: LegacyMagic,
  firstOffset: number,
  limitBytes = DEFAULT_MAX_DECOMPRESSED_BYTES,
): DownConverted => {
  const parts: Buffer[] = []
  let convertedCount = 0
  for (const batch of batches(bytes)) {
    if (isControlBatch(batch)) continue
    if (codecOf(batch) === 'zstd') {
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE', 'Down-conversion of zstandard-compressed batches is not supported')
    }
    if (magicOf(batch) <= toMagic) {
      parts.push(batch)
      continue
    }
    const kept = [...records(batch, limitBytes)].filter(({ offset }) => isCompressed(batch) || offset >= firstOffset)
    if (kept.length === 0) continue
    convertedCount += kept.length
    const timestampType = timestampTypeOf(batch) ?? 'CreateTime'
    parts.push(buildLegacyBatch(kept, { magic: toMagic, codec: codecOf(batch), timestampType, logAppendTimeMs: maxTimestampOf(batch) }))
  }
  return { records: Buffer.concat(parts), convertedCount }
}
