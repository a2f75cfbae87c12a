import { KafkaError } from '../../../src/protocol/errors.ts'
import { RecordValidationError } from '../../../src/protocol/records/append-rules.ts'
import * as batch from '../../../src/protocol/records/record-batch.ts'
import { records } from '../../../src/protocol/records/record.ts'
import { runJava } from '../../support/java.ts'

/** Sends commands to Apache's classes in one JVM; one answer per command. */
export const askApache = async (commands: readonly string[]): Promise<string[]> => {
  const output = await runJava('kafka-2.6.3', 'test/protocol/records/RecordsOracle.java', [], {
    input: commands.map((line) => `${line}\n`).join(''),
    jvm: ['-Xmx1g'],
  })
  return output
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('log4j:') && !line.startsWith('SLF4J'))
}

const hex = (bytes: Buffer | null): string => bytes?.toString('hex') ?? 'null'

/** What RecordsOracle prints of the same bytes. */
export const describeRecords = (bytes: Buffer): string => {
  let text = ''
  for (const b of batch.batches(bytes)) {
    batch.validateCrc(b)
    text += `[${batch.magicOf(b)} ${batch.codecOf(b)}`
    if (!batch.isLegacy(b))
      text += ` ${batch.baseOffsetOf(b)} ${batch.producerIdOf(b)} ${batch.producerEpochOf(b)} ${batch.baseSequenceOf(b)} ${batch.countOf(b)}`
    text += ` ${batch.lastOffsetOf(b)} ${batch.timestampTypeOf(b) ?? 'NoTimestampType'} ${batch.maxTimestampOf(b)} ${batch.partitionLeaderEpochOf(b)}`
    text += ` ${batch.isTransactional(b)} ${batch.isControlBatch(b)}`
    for (const r of records(b)) {
      const headers = r.headers.map(({ key, value }) => ` ${hex(Buffer.from(key, 'utf8'))}=${hex(value)}`).join('')
      text += ` (${r.offset} ${r.timestamp} ${r.sequence} ${hex(r.key)} ${hex(r.value)}${headers})`
    }
    text += ']'
  }
  return text
}

export const describeFailure = (error: unknown): string => {
  if (!(error instanceof KafkaError)) return `error not a KafkaError: ${(error as Error).stack}`
  const indexes = error instanceof RecordValidationError ? error.recordErrors.map(({ batchIndex }) => ` ${batchIndex}`).join('') : ''
  return `error ${error.error}${indexes}`
}
