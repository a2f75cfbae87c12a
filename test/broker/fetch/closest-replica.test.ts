import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { listOffsets } from '../../../src/protocol/api/02-list-offsets.ts'
import { metadata } from '../../../src/protocol/api/03-metadata.ts'
import { createTopics } from '../../../src/protocol/api/19-create-topics.ts'
import type { KafkaConnection } from '../../../src/client/connection.ts'
import { batchOf, valuesOf } from '../../support/batches.ts'
import { lacks } from '../../support/needs.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { ApacheTools } from '../../support/tools.ts'
import { connectTo } from '../replicas/support/hand-controller.ts'

const NO_LEADER_HERE = 6
let zookeeper: OurZooKeeper
let brokers: OurBroker[] = []
let connections: KafkaConnection[]
const numbered = (count: number): string[] => Array.from({ length: count }, (_, index) => `v${index}`)

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  const extra = ['replica.selector.class=org.apache.kafka.common.replica.RackAwareReplicaSelector']
  brokers = await Promise.all(
    [0, 1, 2].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra: [...extra, `broker.rack=rack-${id}`] })),
  )
  connections = await Promise.all(brokers.map((broker) => connectTo(broker)))
  const { topics } = await connections[Number(await eventually(controllerId))]!.request(createTopics, {
    timeoutMs: 10_000,
    topics: [{ name: 't', numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [0, 1, 2] }] }],
  })
  expect(topics[0]!.errorCode).toBe(0)
  await eventually(async () => (await stateOn(0)).isr === 3)
}, 60_000)
afterAll(async () => {
  for (const connection of connections ?? []) connection.close()
  await Promise.all(brokers.map((broker) => broker.stop()))
  await zookeeper?.stop()
}, 60_000)

/** undefined until it is known. As text, since 0 is a broker like any other. */
const controllerId = async (): Promise<`${number}` | undefined> => {
  const { controllerId } = await connections[0]!.request(metadata, { topics: [] })
  return controllerId < 0 ? undefined : `${controllerId}`
}
const stateOn = async (broker: number): Promise<{ leader: number; isr: number }> => {
  const { topics } = await connections[broker]!.request(metadata, { topics: [{ name: 't' }] })
  const partition = topics[0]?.partitions[0]
  return { leader: partition?.leaderId ?? -1, isr: partition?.isrNodes.length ?? 0 }
}

const send = async (leader: number, values: string[]): Promise<void> => {
  const partition = { partitionIndex: 0, records: batchOf(values) }
  const { responses } = await connections[leader]!.request(produce, {
    acks: -1,
    timeoutMs: 5000,
    topics: [{ name: 't', partitions: [partition] }],
  })
  expect(responses[0]!.partitions[0]!.errorCode).toBe(0)
}

const fetchFrom = async (broker: number, fetchOffset: number, rackId = '', version = 11) => {
  const { topics } = await connections[broker]!.request(
    fetch,
    {
      replicaId: -1,
      maxWait: 100,
      minBytes: 1,
      epoch: -1,
      topics: [{ name: 't', fetchPartitions: [{ partitionIndex: 0, fetchOffset, maxBytes: 1_000_000 }] }],
      ...(version >= 11 ? { rackId } : {}),
    },
    { version },
  )
  return topics[0]!.partitions[0]!
}

test('a consumer is sent to the follower in its rack, and reads there what is committed', async () => {
  await send(0, numbered(10))
  for (const follower of [1, 2]) {
    await eventually(async () => (await fetchFrom(0, 0, `rack-${follower}`)).preferredReadReplica === follower)
    const sent = await fetchFrom(0, 0, `rack-${follower}`)
    expect(sent).toMatchObject({ errorCode: 0, highWatermark: 10, preferredReadReplica: follower })
    expect(sent.records!.length).toBe(0)
    await eventually(async () => (await fetchFrom(follower, 0)).highWatermark === 10)
    const read = await fetchFrom(follower, 0, `rack-${follower}`)
    expect(read).toMatchObject({ errorCode: 0, preferredReadReplica: -1 })
    expect(valuesOf(read.records)).toEqual(numbered(10))
  }
})

test('the leader serves who is in its own rack, in none, or in one without a replica', async () => {
  for (const rackId of ['rack-0', '', 'rack-9']) {
    const read = await fetchFrom(0, 0, rackId)
    expect(read.preferredReadReplica).toBe(-1)
    expect(valuesOf(read.records)).toHaveLength(10)
  }
})

test('a follower sends older consumers and the other questions to the leader', async () => {
  expect((await fetchFrom(1, 0, '', 10)).errorCode).toBe(NO_LEADER_HERE)
  const ask = async (replicaId: number) => {
    const topics = [{ name: 't', partitions: [{ partitionIndex: 0, timestamp: -1 }] }]
    return (await connections[1]!.request(listOffsets, { replicaId, topics })).topics[0]!.partitions[0]!
  }
  expect((await ask(-1)).errorCode).toBe(NO_LEADER_HERE)
  expect(await ask(-2)).toMatchObject({ errorCode: 0, offset: 10 })
})

test('a follower that was the leader shows what is written later', async () => {
  await brokers[0]!.restart('SIGTERM')
  connections[0]!.close()
  connections[0] = await connectTo(brokers[0]!)
  const { leader } = await eventually(
    async () => {
      const state = await stateOn(1)
      return state.isr === 3 && state.leader !== 0 && state
    },
    { timeoutMs: 20_000, what: 'all are in sync, and another one leads' },
  )
  await send(leader, ['late'])
  for (const broker of [0, 1, 2]) {
    await eventually(async () => valuesOf((await fetchFrom(broker, 10)).records).includes('late'))
  }
}, 60_000)

const bytesOut = async ({ httpPort }: OurBroker): Promise<number> => {
  const page = await (await globalThis.fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
  return Number(/kafka_server_brokertopicmetrics_bytesout_total\{topic="t"\} (\d+)/.exec(page)?.[1] ?? 0)
}

describe.skipIf(lacks('java', 'maven'))('Apache\u2019s consumer of 2.6.3', () => {
  test('with client.rack reads from the follower there', { timeout: 60_000 }, async () => {
    const tools = new ApacheTools()
    try {
      const at = ['--bootstrap-server', brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')]
      const { leader } = await stateOn(1)
      const rack = `rack-${(leader + 1) % 3}`
      const follower = brokers[(leader + 1) % 3]!
      const before = await bytesOut(follower)
      const end = ['--max-messages', '11', '--timeout-ms', '20000', '--consumer-property', `client.rack=${rack}`]
      const read = await tools.ok('kafka.tools.ConsoleConsumer', [
        ...at,
        '--topic',
        't',
        '--partition',
        '0',
        '--offset',
        'earliest',
        ...end,
      ])
      expect(read.match(/^(v\d+|late)$/gm)).toHaveLength(11)
      expect(await bytesOut(follower)).toBeGreaterThan(before)
    } finally {
      tools.stop()
    }
  })
})
