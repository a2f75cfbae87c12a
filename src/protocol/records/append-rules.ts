import { KafkaError, type ErrorName } from '../errors.ts'
import { DEFAULT_MAX_DECOMPRESSED_BYTES } from './compression.ts'
import type { Codec, Magic, TimestampType } from './record-batch.ts'

/** What a leader asks of records before it appends them: the topic's settings and who sends. */
export type AppendRules = {
  /** For the messages of errors: `topic-partition`. */
  topicPartition: string
  /** Clients may neither write control batches nor choose offsets. */
  origin: 'client' | 'coordinator'
  /** Of the topic's message.format.version: `magicOfFormatVersion`. */
  magic: Magic
  compressionType: Codec | 'producer' | 'uncompressed'
  timestampType: TimestampType
  /** 2^63 and more: any. */
  timestampDifferenceMaxMs: number
  isCompacted: boolean
  maxMessageBytes: number
  /** Wall clock. */
  nowMs: number
  maxDecompressedBytes?: number
}

export const decompressLimitOf = (rules: AppendRules): number => rules.maxDecompressedBytes ?? DEFAULT_MAX_DECOMPRESSED_BYTES

export type RecordError = { batchIndex: number; message: string }
/** Some records of a batch were refused, and so all of it: Produce version 8 tells which. */
export class RecordValidationError extends KafkaError {
  readonly recordErrors: readonly RecordError[]

  constructor(error: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', recordErrors: readonly RecordError[]) {
    super(error, `One or more records have been rejected${error === 'INVALID_TIMESTAMP' ? ' due to invalid timestamp' : ''}`)
    this.recordErrors = recordErrors
  }
}

export const refuse = (error: ErrorName, message: string, rules: AppendRules): KafkaError =>
  new KafkaError(error, `${message} in topic partition ${rules.topicPartition}.`)

/** message.format.version, as `2.6-IV0`, `0.10.1` or `0.9.0.1`. */
export const magicOfFormatVersion = (version: string): Magic => {
  if (!version.startsWith('0.')) return 2
  const minor = Number.parseInt(version.slice(2), 10)
  return minor >= 11 ? 2 : minor === 10 ? 1 : 0
}
