import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import type { Codec } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import { batches } from '../../src/protocol/records/record-batch.ts'

/** Of now: a broker's retention.ms would delete older records while a test runs. */
const NOW_MS = Date.now()

/** One batch of records with these values and no keys. */
export const batchOf = (values: readonly string[], options: { codec?: Codec; timestamp?: number } = {}): Buffer =>
  buildBatch(
    values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: options.timestamp ?? NOW_MS })),
    { codec: options.codec ?? 'none' },
  )

/** The values of all records in fetched bytes, in order. */
export const valuesOf = (bytes: Buffer | null): string[] =>
  bytes === null ? [] : [...batches(bytes)].flatMap((batch) => [...records(batch)].map(({ value }) => value?.toString() ?? ''))
