import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { initProducerId } from '../../src/protocol/api/22-init-producer-id.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { MixedCluster } from './mixed-cluster.ts'

const APACHE = 1
const OURS = 2
const LINES = [
  'min.insync.replicas=1',
  'transaction.state.log.replication.factor=1',
  'transaction.state.log.min.isr=1',
  'transaction.state.log.num.partitions=3',
  'offsets.topic.replication.factor=1',
  'log.segment.bytes=3000',
]

/** What test/log/ProducersOracle.java sends in transactions that it commits, and outside of any; the last transaction stays open. */
const wantedValues = (): string[] => {
  const values: string[] = []
  const many = (count: number) => Array.from({ length: count }, (_, i) => `value ${i}`)
  values.push(...many(7))
  for (let round = 0; round < 8; round++) {
    // Producer (round + i) % 3 aborts where round + i is even.
    for (let producer = 0; producer < 3; producer++) {
      const i = [0, 1, 2].find((each) => (round + each) % 3 === producer)!
      if ((round + i) % 2 === 1) values.push(...many(2 + (round % 3)))
      values.push('value 0')
    }
    values.push('value 0', 'value 0', 'value 0')
  }
  return values
}

const indexesOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory)
      .filter((name) => name.endsWith('.txnindex'))
      .map((name) => [name, readFileSync(join(directory, name)).toString('hex')]),
  )

describe.skipIf(lacks('java', 'maven'))('transactions of an Apache 2.6.3 coordinator', () => {
  let cluster: MixedCluster
  beforeAll(async () => {
    cluster = await MixedCluster.start(['apache', 'ours'], LINES)
    await cluster.createTopic('t', [[OURS, APACHE]])
    await cluster.createTopic('__transaction_state', [[APACHE], [APACHE], [APACHE]])
  }, 60_000)
  afterAll(() => cluster?.end())

  /** Until there are so many, or no more come. */
  const consume = async (bootstrap: number, isolation: string, maxMessages: number): Promise<string[]> => {
    const text = await runJava('kafka-2.6.3', 'kafka.tools.ConsoleConsumer', [
      '--bootstrap-server',
      `127.0.0.1:${cluster.at(bootstrap).port}`,
      '--topic',
      't',
      '--partition',
      '0',
      '--offset',
      'earliest',
      '--isolation-level',
      isolation,
      '--max-messages',
      `${maxMessages}`,
      '--timeout-ms',
      '4000',
    ])
    return text.trim().split('\n')
  }

  test('and producers of either broker get ids that no other has', async () => {
    const idOf = async (broker: number): Promise<number> => {
      const { errorCode, producerId } = await cluster.client.broker(broker, initProducerId, {
        transactionalId: null,
        transactionTimeoutMs: 60_000,
      })
      expect(errorCode).toBe(0)
      return Number(producerId)
    }
    const ids = [await idOf(APACHE), await idOf(OURS), await idOf(APACHE), await idOf(OURS)]
    const blocks = ids.map((id) => Math.floor(id / 1000))
    expect([new Set(ids).size, blocks[0] === blocks[2], blocks[1] === blocks[3], blocks[0] === blocks[1]]).toEqual([4, true, true, false])
    const { data } = await cluster.session.get('/latest_producer_id_block')
    const last = Math.max(...blocks)
    const broker = last === blocks[0] ? APACHE : OURS
    expect(JSON.parse(data!.toString())).toEqual({ version: 1, broker, block_start: `${last * 1000}`, block_end: `${last * 1000 + 999}` })
  })

  test('end on partitions that we lead: readers of committed records see these, and not what comes after an open one', async () => {
    expect(await cluster.leaders('t')).toEqual([OURS])
    await runJava('kafka-2.6.3', 'test/log/ProducersOracle.java', [`127.0.0.1:${cluster.at(OURS).port}`, 't'])
    expect(await consume(OURS, 'read_committed', 1000)).toEqual(wantedValues())
    const more = wantedValues().length + 5
    expect(await consume(OURS, 'read_uncommitted', more)).toHaveLength(more)
  }, 60_000)

  test('are in the indexes of the follower as in ours, and go on with either as the leader', async () => {
    const [ours, theirs] = [OURS, APACHE].map((id) => join(cluster.logDir(id), 't-0'))
    await eventually(() => JSON.stringify(indexesOf(ours!)) === JSON.stringify(indexesOf(theirs!)), {
      timeoutMs: 10_000,
      what: 'equal indexes',
    })
    expect(Object.keys(indexesOf(ours!)).length).toBeGreaterThan(2)
    await cluster.stop(OURS)
    await eventually(async () => (await cluster.leaders('t'))[0] === APACHE, { timeoutMs: 15_000, what: 'Apache leads' })
    expect(await consume(APACHE, 'read_committed', wantedValues().length)).toEqual(wantedValues())
    await cluster.seat(OURS, 'ours')
    await eventually(async () => (await cluster.state('t', 0)).isr.length === 2, { timeoutMs: 20_000, what: 'both are in sync' })
    await cluster.electPreferred()
    await eventually(async () => (await cluster.leaders('t'))[0] === OURS, { timeoutMs: 15_000, what: 'we lead again' })
    expect(await consume(OURS, 'read_committed', wantedValues().length)).toEqual(wantedValues())
  }, 90_000)
})
