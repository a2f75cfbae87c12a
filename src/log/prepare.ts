import type { WorkerPool } from '../base/worker-pool.ts'
import { KafkaError } from '../protocol/errors.ts'
import { magicOfFormatVersion, type AppendRules } from '../protocol/records/append-rules.ts'
import { OFFLOAD_FROM_BYTES, prepareAppendIn } from '../protocol/records/offload.ts'
import { completeBatchSizeAt } from '../protocol/records/record-batch.ts'
import { needsDeepValidation, prepareAppend, type PreparedAppend } from '../protocol/records/validate.ts'
import { isCompacted, type LogConfig } from './log-config.ts'
import type { AppendOptions } from './log-types.ts'

type Owner = { topic: string; partition: number; config: LogConfig }

/** What the topic's settings ask of records. */
export const appendRules = ({ topic, partition, config }: Owner, origin: 'client' | 'coordinator', nowMs: number): AppendRules => ({
  topicPartition: `${topic}-${partition}`,
  origin,
  magic: magicOfFormatVersion(config.messageFormatVersion),
  compressionType: config.compressionType,
  timestampType: config.messageTimestampType,
  timestampDifferenceMaxMs: config.messageTimestampDifferenceMaxMs,
  isCompacted: isCompacted(config),
  maxMessageBytes: config.maxMessageBytes,
  nowMs,
})

/** Whether each record must be looked at, and there are many bytes of them. */
export const isWorthAThread = (records: Buffer, options: AppendOptions, owner: Owner): boolean =>
  options.origin !== 'replication' &&
  records.length >= OFFLOAD_FROM_BYTES &&
  needsDeepValidation(records, appendRules(owner, options.origin, 0))

export const prepareHere = (records: Buffer, rules: AppendRules): PreparedAppend => {
  assertHasBatch(records, rules)
  return prepareAppend(records, rules)
}
export const prepareInThread = (pool: WorkerPool, records: Buffer, rules: AppendRules): Promise<PreparedAppend> => {
  assertHasBatch(records, rules)
  return prepareAppendIn(pool, records, rules)
}

const assertHasBatch = (records: Buffer, rules: AppendRules): void => {
  if (completeBatchSizeAt(records, 0) > 0) return
  throw new KafkaError('CORRUPT_MESSAGE', `no whole record batch in the append to ${rules.topicPartition}`)
}
