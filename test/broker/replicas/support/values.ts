import type { KafkaConnection } from '../../../../src/client/connection.ts'
import { fetch } from '../../../../src/protocol/api/01-fetch.ts'
import { errorName } from '../../../../src/protocol/errors.ts'
import { valuesOf } from '../../../support/batches.ts'

/** The values of all records of t-0 that consumers see on this broker. Throws Kafka's word where it may not be read there. */
export const readValues = async (connection: KafkaConnection): Promise<string[]> => {
  const wanted = { partitionIndex: 0, currentLeaderEpoch: -1, fetchOffset: 0, logStartOffset: -1, maxBytes: 10_000_000 }
  const limits = { maxWait: 0, minBytes: 0, maxBytes: 10_000_000 }
  const request = { replicaId: -1, ...limits, isolationLevel: 0, sessionId: 0, epoch: -1, forgotten: [], rackId: '' }
  const { topics } = await connection.request(fetch, { ...request, topics: [{ name: 't', fetchPartitions: [wanted] }] } as never, {
    version: 11,
  })
  connection.close()
  const { errorCode, records } = topics[0]!.partitions[0]!
  if (errorCode !== 0) throw new Error(errorName(errorCode))
  return valuesOf(records)
}
