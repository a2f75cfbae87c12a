import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import type { Codec } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import { batches } from '../../src/protocol/records/record-batch.ts'

/** One batch of records with these values and no keys. */
export const batchOf = (values: readonly string[], options: { codec?: Codec; timestamp?: number } = {}): Buffer =>
  buildBatch(
    values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: options.timestamp ?? 1_700_000_000_000 })),
    { codec: options.codec ?? 'none' },
  )

/** The values of all records in fetched bytes, in order. */
export const valuesOf = (bytes: Buffer | null): string[] =>
  bytes === null ? [] : [...batches(bytes)].flatMap((batch) => [...records(batch)].map(({ value }) => value?.toString() ?? ''))
