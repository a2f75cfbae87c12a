import { afterAll, beforeAll, expect, test } from 'vitest'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker({
    topics: { t: 1 },
    authorizer: { isAllowed: ({ resourceType }) => resourceType !== 'TRANSACTIONAL_ID', authorizedOperations: () => 0 },
  })
})
afterAll(() => broker.end())

const errorOf = async (version: number, transactionalId: string | null, records: Buffer): Promise<number> => {
  const client = await broker.client()
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, records }] }]
  const answer = await client.request(produce, { transactionalId, acks: -1, timeoutMs: 1000, topics }, { version })
  client.close()
  return answer.responses[0]!.partitions[0]!.errorCode
}
const transactional = (): Buffer =>
  buildBatch([{ key: null, value: 'a', timestamp: 1_700_000_000_000 }], {
    isTransactional: true,
    producerId: 1,
    producerEpoch: 0,
    baseSequence: 0,
  })

test.each([3, 8])('records outside of transactions need no right to a transactional id in version %i', async (version) => {
  expect(await errorOf(version, null, batchOf(['a']))).toBe(0)
  expect(await errorOf(version, 'mine', batchOf(['a']))).toBe(0)
})

test.each([0, 1, 2])('a request of version %i, which cannot name a transactional id, is not asked for one', async (version) => {
  expect(await errorOf(version, '', batchOf(['a']))).toBe(0)
})

test('transactional records without an id, or with one that the user may not use, get TRANSACTIONAL_ID_AUTHORIZATION_FAILED', async () => {
  expect(await errorOf(8, null, transactional())).toBe(53)
  expect(await errorOf(8, 'mine', transactional())).toBe(53)
})
