import { KafkaError } from '../errors.ts'
import { refuse, type AppendRules } from './append-rules.ts'
import {
  baseSequenceOf,
  BATCH_HEADER_BYTES,
  batchSizeOf,
  codecOf,
  completeBatchSizeAt,
  countOf,
  crcOf,
  hasProducerId,
  hasValidCrc,
  isCompressed,
  isControlBatch,
  isLegacy,
  isTransactional,
  lastOffsetDeltaOf,
  magicOf,
  producerIdOf,
  storedOffsetOf,
  type Magic,
} from './record-batch.ts'
import { holdsRecords } from './record.ts'

/** What a Produce request of `version` may carry. INVALID_RECORD or UNSUPPORTED_COMPRESSION_TYPE. Source: ProduceRequest.validateRecords of 2.6.3. */
export const checkProduceVersion = (records: Buffer, version: number): void => {
  if (version < 3) return
  const sizeBytes = completeBatchSizeAt(records, 0)
  if (sizeBytes === 0)
    throw new KafkaError('INVALID_RECORD', `Produce requests with version ${version} must have at least one record batch`)
  if (magicOf(records) !== 2) {
    throw new KafkaError(
      'INVALID_RECORD',
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    )
  }
  if (version < 7 && codecOf(records) === 'zstd') {
    throw new KafkaError(
      'UNSUPPORTED_COMPRESSION_TYPE',
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    )
  }
  if (completeBatchSizeAt(records, sizeBytes) > 0) {
    throw new KafkaError('INVALID_RECORD', `Produce requests with version ${version} are only allowed to contain exactly one record batch`)
  }
}

/** What holds for the bytes of any batch that a leader is to append. Source: Log.analyzeAndValidateRecords of 2.6.3. */
export const checkBytes = (batch: Buffer, rules: AppendRules): void => {
  checkUnnumbered(batch, rules)
  checkSize(batch, rules)
  if (!hasValidCrc(batch)) throw refuse('CORRUPT_MESSAGE', `Record is corrupt (stored crc = ${crcOf(batch)})`, rules)
}

/** What a header may say, whatever is in the batch. Source: LogValidator.validateBatch of 2.6.3. */
export const checkHeader = (batch: Buffer, firstMagic: Magic, rules: AppendRules): void => {
  if (magicOf(batch) !== firstMagic) {
    throw refuse('INVALID_RECORD', `Batch magic ${magicOf(batch)} is not the same as the first batch's magic byte ${firstMagic}`, rules)
  }
  if (isLegacy(batch)) return
  if (lastOffsetDeltaOf(batch) < 0) {
    throw refuse('INVALID_RECORD', `Batch has an invalid offset range: [0, ${lastOffsetDeltaOf(batch)}]`, rules)
  }
  if (rules.origin === 'client') {
    checkCount(batch, rules)
    checkProducer(batch, rules)
  }
  checkFormat(batch, rules)
}

/** The leader numbers records: a client's batch starts at 0. Old magics are let be, as old clients did what they liked. */
const checkUnnumbered = (batch: Buffer, rules: AppendRules): void => {
  const offset = storedOffsetOf(batch)
  if (isLegacy(batch) || rules.origin !== 'client' || offset === 0) return
  throw new KafkaError(
    'INVALID_RECORD',
    `The baseOffset of the record batch in the append to ${rules.topicPartition} should be 0, but it is ${offset}`,
  )
}

/** Again after a conversion, which may make a batch larger. */
export const checkSize = (batch: Buffer, rules: AppendRules): void => {
  const sizeBytes = batchSizeOf(batch)
  if (sizeBytes <= rules.maxMessageBytes) return
  const what = `The record batch size in the append to ${rules.topicPartition} is ${sizeBytes} bytes`
  throw new KafkaError('MESSAGE_TOO_LARGE', `${what} which exceeds the maximum configured value of ${rules.maxMessageBytes}.`)
}

const checkCount = (batch: Buffer, rules: AppendRules): void => {
  const count = countOf(batch)!
  const offsets = lastOffsetDeltaOf(batch) + 1
  if (count <= 0) throw refuse('INVALID_RECORD', `Invalid reported count for record batch: ${count}`, rules)
  if (offsets !== count) {
    throw refuse('INVALID_RECORD', `Inconsistent batch offset range [0, ${offsets - 1}] and count of records ${count}`, rules)
  }
}

const checkProducer = (batch: Buffer, rules: AppendRules): void => {
  if (isControlBatch(batch)) throw refuse('INVALID_RECORD', 'Clients are not allowed to write control records', rules)
  if (!hasProducerId(batch) || baseSequenceOf(batch) >= 0) return
  const what = `Invalid sequence number ${baseSequenceOf(batch)} in record batch with producerId ${producerIdOf(batch)}`
  throw refuse('INVALID_RECORD', what, rules)
}

const checkFormat = (batch: Buffer, { magic }: AppendRules): void => {
  if (magic === 2) return
  if (isTransactional(batch))
    throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT', `Transactional records cannot be used with magic version ${magic}`)
  if (hasProducerId(batch))
    throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT', `Idempotent records cannot be used with magic version ${magic}`)
}

/** An uncompressed batch of magic 2 is stepped through, sizes only. */
export const checkSteps = (batch: Buffer, rules: AppendRules): void => {
  if (isLegacy(batch) || isCompressed(batch)) return
  if (!holdsRecords(batch, BATCH_HEADER_BYTES, batch.length, countOf(batch)!)) {
    throw refuse('INVALID_RECORD', `Incorrect declared batch size: its bytes are not ${countOf(batch)} records`, rules)
  }
}
