import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KafkaConnection } from '../../src/client/connection.ts'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { listOffsets } from '../../src/protocol/api/02-list-offsets.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/api/23-offset-for-leader-epoch.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { batchOf } from '../support/batches.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'

const EPOCH = 3
const FOLLOWER = 7
const CONSUMER = -1
let broker: TestBroker
let client: KafkaConnection

beforeAll(async () => {
  broker = await startTestBroker({ topics: { t: 1 } })
  client = await broker.client()
  const partition = broker.cluster.partitions!.get('t', 0)!
  const sets = { isr: [0, FOLLOWER], replicas: [0, FOLLOWER], addingReplicas: [], removingReplicas: [] }
  await partition.lead({ leader: 0, leaderEpoch: EPOCH, controllerEpoch: 1, zkVersion: 0, ...sets })
  await partition.append(batchOf(['a', 'b']), { origin: 'client', requiredAcks: 1 })
})
afterAll(async () => {
  client?.close()
  await broker?.end()
})

type Answer = { error: string; tells: boolean }

const asks: [string, (currentLeaderEpoch: number, replicaId: number) => Promise<Answer>][] = [
  [
    'Fetch',
    async (currentLeaderEpoch, replicaId) => {
      const wanted = { partitionIndex: 0, currentLeaderEpoch, fetchOffset: 0, logStartOffset: 0, maxBytes: 1000 }
      const topics = [{ name: 't', fetchPartitions: [wanted] }]
      const answer = await client.request(fetch, { replicaId, maxWait: 0, minBytes: 0, epoch: -1, topics, rackId: '' })
      const { errorCode, records, highWatermark } = answer.topics[0]!.partitions[0]!
      return { error: errorName(errorCode), tells: (records?.length ?? 0) > 0 || Number(highWatermark) >= 0 }
    },
  ],
  [
    'ListOffsets',
    async (currentLeaderEpoch, replicaId) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch, timestamp: -2 }] }]
      const { errorCode, offset } = (await client.request(listOffsets, { replicaId, topics })).topics[0]!.partitions[0]!
      return { error: errorName(errorCode), tells: Number(offset) >= 0 }
    },
  ],
  [
    'OffsetForLeaderEpoch',
    async (currentLeaderEpoch, replicaId) => {
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch, leaderEpoch: EPOCH }] }]
      const { errorCode, endOffset } = (await client.request(offsetForLeaderEpoch, { replicaId, topics })).topics[0]!.partitions[0]!
      return { error: errorName(errorCode), tells: Number(endOffset) >= 0 }
    },
  ],
]

describe.each(asks)('%s by who believes in another leader epoch (KIP-320)', (_name, ask) => {
  test.each([CONSUMER, FOLLOWER])('is refused and told nothing; replica %i', async (replicaId) => {
    expect(await ask(EPOCH - 1, replicaId)).toEqual({ error: 'FENCED_LEADER_EPOCH', tells: false })
    expect(await ask(EPOCH + 1, replicaId)).toEqual({ error: 'UNKNOWN_LEADER_EPOCH', tells: false })
    expect(await ask(EPOCH, replicaId)).toEqual({ error: 'NONE', tells: true })
    expect(await ask(-1, replicaId)).toEqual({ error: 'NONE', tells: true })
  })
})
