import { api, array, int16, int32, int64, records, string, struct } from '../schema.ts'

/**
 * Appends record batches to partitions.
 * With acks 0 there is no response. Encoded by hand in Kafka 2.6.
 * - v1 adds throttleTimeMs
 * - v2 message format v1; adds logAppendTimeMs
 * - v3 message format v2 and transactionalId; adds transactionalId
 * - v4 may answer KAFKA_STORAGE_ERROR
 * - v5 adds logStartOffset
 * - v7 zstd (KIP-110)
 * - v8 recordErrors (KIP-467); adds recordErrors and errorMessage
 */
export const produce = api({
  key: 0,
  name: 'Produce',
  versions: '0-8',
  flexible: 'none',
  request: struct({
    transactionalId: string({ versions: '3+', nullable: '0+', entityType: 'transactionalId' }),
    acks: int16(),
    timeoutMs: int32(),
    topics: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(struct({ partitionIndex: int32(), records: records() })),
      }),
    ),
  }),
  response: struct({
    responses: array(
      struct({
        name: string({ entityType: 'topicName' }),
        partitions: array(
          struct({
            partitionIndex: int32(),
            errorCode: int16(),
            baseOffset: int64(),
            logAppendTimeMs: int64({ versions: '2+', default: -1, ignorable: true }),
            logStartOffset: int64({ versions: '5+', default: -1, ignorable: true }),
            recordErrors: array(struct({ batchIndex: int32(), batchIndexErrorMessage: string({ nullable: '8+', default: null }) }), {
              versions: '8+',
              ignorable: true,
            }),
            errorMessage: string({ versions: '8+', nullable: '8+', default: null, ignorable: true }),
          }),
        ),
      }),
    ),
    throttleTimeMs: int32({ versions: '1+', ignorable: true }),
  }),
})
