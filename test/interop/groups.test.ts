import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { lacks } from '../support/needs.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { ApacheTools } from '../support/tools.ts'

const GROUPS = 'kafka.admin.ConsumerGroupCommand'
const PRODUCER = 'kafka.tools.ConsoleProducer'
const CONSUMER = 'kafka.tools.ConsoleConsumer'

describe.skipIf(lacks('java', 'maven'))('Apache\u2019s consumer and group tool of 2.6.3 against two of our brokers', () => {
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[] = []
  let tools: ApacheTools
  let at: string[]

  beforeAll(async () => {
    tools = new ApacheTools()
    zookeeper = await startOurZooKeeper()
    const extra = [
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=4',
      'group.initial.rebalance.delay.ms=0',
      'num.partitions=2',
    ]
    brokers = await Promise.all([0, 1].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra })))
    at = ['--bootstrap-server', brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')]
  })
  afterAll(async () => {
    tools?.stop()
    await Promise.all(brokers.map((broker) => broker.stop()))
    await zookeeper?.stop()
  })

  const produce = (from: number, count: number) => {
    const lines = Array.from({ length: count }, (_unused, index) => `record ${from + index}\n`)
    return tools.ok(
      PRODUCER,
      [...at, '--topic', 'orders', '--request-required-acks', 'all', '--request-timeout-ms', '20000'],
      lines.join(''),
    )
  }
  /** The numbers of the records that a member of the group gets. */
  const consume = async (group: string, count: number) => {
    const end = ['--max-messages', String(count), '--timeout-ms', '20000']
    const read = await tools.ok(CONSUMER, [...at, '--topic', 'orders', '--group', group, '--from-beginning', ...end])
    return [...read.matchAll(/^record (\d+)$/gm)].map((match) => Number(match[1])).sort((a, b) => a - b)
  }
  const describeGroup = (group: string) => tools.ok(GROUPS, [...at, '--describe', '--group', group])
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_unused, index) => from + index)

  test('groups go on where they stopped, also after their coordinators were killed', async () => {
    await produce(0, 20)
    // Each in a partition of __consumer_offsets of its own: both brokers coordinate.
    const names = ['g0', 'g1', 'g2', 'g3']
    for (const name of names) expect(await consume(name, 20)).toEqual(numbers(0, 20))
    await produce(20, 10)
    for (const broker of brokers) await broker.restart('SIGKILL')
    for (const name of names) expect(await consume(name, 10)).toEqual(numbers(20, 10))
    const listed = await tools.ok(GROUPS, [...at, '--list'])
    expect(names.filter((name) => listed.includes(name))).toEqual(names)
  }, 60_000)

  test('the group tool describes, resets and deletes', async () => {
    expect(await describeGroup('g0')).toMatch(/g0\s+orders\s+\d\s+\d+\s+\d+\s+0\s+-\s+-\s+-/)
    expect(await tools.ok(GROUPS, [...at, '--describe', '--group', 'g0', '--state'])).toMatch(/Empty\s+0/)
    await tools.ok(GROUPS, [...at, '--reset-offsets', '--group', 'g0', '--topic', 'orders', '--to-earliest', '--execute'])
    expect(await consume('g0', 30)).toEqual(numbers(0, 30))
    expect(await tools.ok(GROUPS, [...at, '--delete-offsets', '--group', 'g1', '--topic', 'orders:0'])).toContain('Successful')
    expect(await describeGroup('g1')).not.toMatch(/g1\s+orders\s+0/)
    expect(await tools.ok(GROUPS, [...at, '--delete', '--group', 'g0'])).toContain('was successful')
    expect((await tools.run(GROUPS, [...at, '--delete', '--group', 'g0'])).output).toContain('GroupIdNotFoundException')
    expect(await tools.ok(GROUPS, [...at, '--list'])).not.toContain('g0')
  }, 60_000)
})
