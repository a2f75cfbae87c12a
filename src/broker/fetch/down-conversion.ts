import type { WorkerPool } from '../../base/worker-pool.ts'
import { asKafkaError, OFFLOAD_FROM_BYTES } from '../../protocol/records/offload.ts'
import { batches, magicOf } from '../../protocol/records/record-batch.ts'
import { inMemory, type RecordsSource } from './records-source.ts'

export type OldMagic = 0 | 1
type Input = { records: Uint8Array; toMagic: OldMagic; firstOffset: number }

const convertInput = async ({ records, toMagic, firstOffset }: Input): Promise<Buffer> => {
  const { downConvert } = await import('../../protocol/records/down-convert.ts')
  return downConvert(Buffer.from(records.buffer, records.byteOffset, records.byteLength), toMagic, firstOffset).records
}

/** Runs in a thread of the pool. */
export const convertInThread = async (input: Input): Promise<Uint8Array> => new Uint8Array(await convertInput(input))

const readAll = async (source: RecordsSource): Promise<Buffer> => {
  const bytes = Buffer.allocUnsafeSlow(source.sizeBytes)
  for (let at = 0; at < bytes.length;) {
    const read = await source.readInto(bytes.subarray(at), at)
    if (read <= 0) return bytes.subarray(0, at)
    at += read
  }
  return bytes
}

const isOldEnough = (records: Buffer, magic: OldMagic): boolean => {
  for (const batch of batches(records)) if (magicOf(batch) > magic) return false
  return true
}

/**
 * Records for a client that knows only an older format; in a thread when there are many. The caller bounds the bytes.
 * UNSUPPORTED_COMPRESSION_TYPE for zstd.
 */
export const downConverted = async (
  source: RecordsSource,
  options: { toMagic: OldMagic; firstOffset: number; pool: WorkerPool },
): Promise<RecordsSource | undefined> => {
  const { toMagic, firstOffset, pool } = options
  const records = await readAll(source)
  if (isOldEnough(records, toMagic)) return inMemory(records)
  if (records.length <= OFFLOAD_FROM_BYTES) return inMemory(await convertInput({ records, toMagic, firstOffset }))
  try {
    const converted = await pool.run<Uint8Array>(import.meta.url, 'convertInThread', { records, toMagic, firstOffset })
    return inMemory(Buffer.from(converted.buffer, converted.byteOffset, converted.byteLength))
  } catch (thrown) {
    throw asKafkaError(thrown)
  }
}
