/** The slow paths in a thread of the worker pool. Input is copied or handed over, results are handed over; errors are KafkaErrors again. */
import { bufferOver, Transferred, type WorkerPool } from '../../base/worker-pool.ts'
import { KafkaError } from '../errors.ts'
import { RecordValidationError, type AppendRules, type RecordError } from './append-rules.ts'
import { records, type KafkaRecord } from './record.ts'
import { prepareAppend, type PreparedAppend } from './validate.ts'

/** From this size on, a batch that must be decompressed or converted is worth the 30 us of a thread hop. */
export const OFFLOAD_FROM_BYTES = 16_384

type FromThread = Error & { error?: unknown; recordErrors?: readonly RecordError[] }
/** A thread gives an error's properties, not its class. What was no KafkaError stays what it is. */
export const asKafkaError = (thrown: unknown): unknown => {
  const { error, message, recordErrors } = thrown as FromThread
  if (typeof error !== 'string') return thrown
  if (recordErrors) return new RecordValidationError(error as RecordValidationError['error'] & 'INVALID_RECORD', recordErrors)
  return new KafkaError(error as KafkaError['error'], message, { cause: thrown })
}

/** Memory of its own, of exactly its size: a clone of a view takes all of the memory under it along. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes)

type Input = { bytes: Uint8Array<ArrayBuffer> } & Record<string, unknown>
const runTask = async <Output>(pool: WorkerPool, task: string, input: Input): Promise<Output> => {
  try {
    return await pool.run<Output>(import.meta.url, task, input, [input.bytes.buffer])
  } catch (thrown) {
    throw asKafkaError(thrown)
  }
}

/** `prepareAppend` in a thread. */
export const prepareAppendIn = async (pool: WorkerPool, bytes: Buffer, rules: AppendRules): Promise<PreparedAppend> => {
  const prepared = await runTask<PreparedAppend>(pool, 'prepareAppendTask', { bytes: own(bytes), rules } as {
    bytes: Uint8Array<ArrayBuffer>
  })
  return { ...prepared, records: bufferOver(prepared.records) }
}
export const prepareAppendTask = ({ bytes, rules }: { bytes: Uint8Array; rules: AppendRules }): Transferred<unknown> => {
  const prepared = prepareAppend(bufferOver(bytes), rules)
  const result = own(prepared.records)
  return new Transferred({ ...prepared, records: result }, [result.buffer])
}

/** All records of one batch, read in a thread. */
export const recordsIn = async (pool: WorkerPool, batch: Buffer, limitBytes: number): Promise<KafkaRecord[]> => {
  const input = { bytes: own(batch), limitBytes }
  const read = await runTask<KafkaRecord[]>(pool, 'recordsTask', input)
  for (const record of read) {
    record.key &&= bufferOver(record.key)
    record.value &&= bufferOver(record.value)
    for (const header of record.headers) header.value &&= bufferOver(header.value)
  }
  return read
}
export const recordsTask = (input: { bytes: Uint8Array; limitBytes: number }): KafkaRecord[] => [
  ...records(bufferOver(input.bytes), input.limitBytes),
]
