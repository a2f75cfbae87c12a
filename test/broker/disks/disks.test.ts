import { afterEach, describe, expect, test } from 'vitest'
import { logDirEventZnode } from '../../../src/broker/metadata/znodes/log-dir-event.ts'
import type { Authorization } from '../../../src/broker/ports.ts'
import type { KafkaConnection } from '../../../src/client/connection.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { describeLogDirs } from '../../../src/protocol/api/35-describe-log-dirs.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { batchOf } from '../../support/batches.ts'
import { everythingAllowed } from '../../support/memory-cluster.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { startTestBroker, type TestBroker, type TestBrokerOptions } from '../../support/test-broker.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const start = async (options: TestBrokerOptions = {}) => {
  const disk = (options.disk as MemoryDisk | undefined) ?? new MemoryDisk(() => Date.now())
  const broker = await startTestBroker({
    disk,
    topics: { t: 4 },
    ...options,
    properties: { 'log.dirs': '/one,/two', ...options.properties },
  })
  cleanup.push(() => broker.end())
  const client = await broker.client()
  cleanup.push(() => client.close())
  return { disk, broker, client }
}

const send = async (client: KafkaConnection, partition: number): Promise<string> => {
  const topics = [{ name: 't', partitions: [{ partitionIndex: partition, records: batchOf(['a']) }] }]
  const { responses } = await client.request(produce, { acks: -1, timeoutMs: 5000, topics })
  return errorName(responses[0]!.partitions[0]!.errorCode)
}
const read = async (client: KafkaConnection, partition: number): Promise<string> => {
  const topics = [{ name: 't', fetchPartitions: [{ partitionIndex: partition, fetchOffset: 0, maxBytes: 1_000_000 }] }]
  const answer = await client.request(fetch, { replicaId: -1, maxWait: 0, minBytes: 1, topics })
  return errorName(answer.topics[0]!.partitions[0]!.errorCode)
}
/** The directory of each partition of t. */
const placesOf = ({ cluster }: TestBroker): Map<number, string> =>
  new Map([...cluster.partitions!.all()].map(({ partition, log }) => [partition, log.logDir]))
const partitionsIn = (broker: TestBroker, directory: string): number[] =>
  [...placesOf(broker)].filter(([, path]) => path === directory).map(([partition]) => partition)

describe('a broker with two log directories', () => {
  test('spreads partitions evenly', async () => {
    const { broker } = await start()
    expect([partitionsIn(broker, '/one').length, partitionsIn(broker, '/two').length]).toEqual([2, 2])
  })

  test.each([
    ['a failed write', 'write', 'EIO'],
    ['a read-only file system', 'write', 'EROFS'],
    ['a failed fsync', 'sync', 'EIO'],
  ] as const)('goes on with one after %s on the other', async (_what, operation, code) => {
    const { disk, broker, client } = await start({ topicConfigs: { t: { 'flush.messages': '1' } } })
    for (let partition = 0; partition < 4; partition++) expect(await send(client, partition)).toBe('NONE')
    const [lost, kept] = [partitionsIn(broker, '/one'), partitionsIn(broker, '/two')]
    disk.fail(operation, { code, path: /^\/one\//, times: Infinity })
    expect(await send(client, lost[0]!)).toBe('KAFKA_STORAGE_ERROR')
    for (const partition of lost) {
      expect(await send(client, partition)).toBe('KAFKA_STORAGE_ERROR')
      expect(await read(client, partition)).toBe('KAFKA_STORAGE_ERROR')
    }
    for (const partition of kept) {
      expect(await send(client, partition)).toBe('NONE')
      expect(await read(client, partition)).toBe('NONE')
    }
    expect(broker.cluster.calls.filter((call) => call === 'reportFailedLogDir')).toHaveLength(1)
    broker.cluster.createTopic('later', 3)
    const places = [...broker.cluster.partitions!.all()].filter(({ topic }) => topic === 'later').map(({ log }) => log.logDir)
    expect(places).toEqual(['/two', '/two', '/two'])
  })

  test('answers a producer that waits for an fsync that fails', async () => {
    const { disk, broker, client } = await start({ topicConfigs: { t: { 'flush.messages': '1' } } })
    const slow = Promise.withResolvers<void>()
    disk.syncsWaitFor = slow.promise
    disk.fail('sync', { path: /^\/one\// })
    const waiting = send(client, partitionsIn(broker, '/one')[0]!)
    slow.resolve()
    expect(await waiting).toBe('KAFKA_STORAGE_ERROR')
  })

  test('refuses with a full disk, and goes on when there is room again', async () => {
    const { disk, broker, client } = await start()
    const [partition] = partitionsIn(broker, '/one')
    disk.fail('write', { code: 'ENOSPC', path: /^\/one\//, times: Infinity })
    expect(await send(client, partition!)).toBe('KAFKA_STORAGE_ERROR')
    disk.stopFailing()
    expect(await send(client, partition!)).toBe('NONE')
    expect(broker.cluster.calls).not.toContain('reportFailedLogDir')
  })

  test('starts with one that does not work, without making its partitions anew', async () => {
    const { disk, broker } = await start()
    const kept = partitionsIn(broker, '/two')
    await broker.stop()
    disk.fail('list', { path: /^\/one$/, times: Infinity })
    const again = await start({ disk, topics: {} })
    const leadership = {
      leader: 0,
      leaderEpoch: 1,
      isr: [0],
      replicas: [0],
      addingReplicas: [],
      removingReplicas: [],
      controllerEpoch: 1,
      zkVersion: 1,
    }
    for (let partition = 0; partition < 4; partition++) {
      const leading = again.broker.cluster.partitions!.lead('t', partition, leadership, false)
      if (kept.includes(partition)) expect((await leading).log.logDir).toBe('/two')
      else await expect(leading).rejects.toMatchObject({ error: 'KAFKA_STORAGE_ERROR' })
    }
    expect(disk.list('/two').filter(({ name }) => name.startsWith('t-'))).toHaveLength(kept.length)
  })

  test('is lost when both fail, with a reason that names them', async () => {
    const { disk, broker, client } = await start()
    disk.fail('write', { code: 'EIO', times: Infinity })
    for (let partition = 0; partition < 4; partition++) expect(await send(client, partition)).toBe('KAFKA_STORAGE_ERROR')
    expect(await broker.lost).toBe('all log directories failed: /one, /two')
    expect(broker.cluster.calls.filter((call) => call === 'reportFailedLogDir')).toHaveLength(1)
  })

  test('does not start when none works', async () => {
    const disk = new MemoryDisk()
    disk.fail('list', { times: Infinity })
    await expect(startTestBroker({ disk, properties: { 'log.dirs': '/one,/two' } })).rejects.toThrow(
      /no log directory works: \/one: .*; \/two: /,
    )
  })
})

describe('DescribeLogDirs', () => {
  const ask = async (client: KafkaConnection, topics: { topic: string; partitionIndex: number[] }[] | null) => {
    const { results } = await client.request(describeLogDirs, { topics })
    return results.map(({ errorCode, logDir, topics: found }) => ({
      error: errorName(errorCode),
      logDir,
      partitions: found.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, ...rest }) => ({ at: `${name}-${partitionIndex}`, ...rest })),
      ),
    }))
  }

  test('shows every directory with sizes, those of the wanted partitions only, and the error of one that failed', async () => {
    const { disk, broker, client } = await start()
    const [first, second] = [partitionsIn(broker, '/one')[0]!, partitionsIn(broker, '/two')[0]!]
    await send(client, first)
    const partitionSize = batchOf(['a']).length
    const all = await ask(client, null)
    expect(all.map(({ logDir, partitions }) => [logDir, partitions.length])).toEqual([
      ['/one', 2],
      ['/two', 2],
    ])
    const wanted = [
      { topic: 't', partitionIndex: [first, second, 77] },
      { topic: 'unknown', partitionIndex: [0] },
    ]
    expect(await ask(client, wanted)).toEqual([
      { error: 'NONE', logDir: '/one', partitions: [{ at: `t-${first}`, partitionSize, offsetLag: 0, isFutureKey: false }] },
      { error: 'NONE', logDir: '/two', partitions: [{ at: `t-${second}`, partitionSize: 0, offsetLag: 0, isFutureKey: false }] },
    ])
    disk.fail('write', { code: 'EIO', path: /^\/one\//, times: Infinity })
    await send(client, first)
    expect(await ask(client, null)).toEqual([
      { error: 'KAFKA_STORAGE_ERROR', logDir: '/one', partitions: [] },
      { error: 'NONE', logDir: '/two', partitions: [expect.anything(), expect.anything()] },
    ])
  })

  test('shows nothing to who may not describe the cluster', async () => {
    const authorizer: Authorization = { ...everythingAllowed, isAllowed: ({ resourceType }) => resourceType !== 'CLUSTER' }
    const { client } = await start({ authorizer })
    expect(await ask(client, null)).toEqual([])
  })
})

test('the event of a failed directory is written as Kafka writes it', () => {
  expect(logDirEventZnode.encode(7).toString()).toBe('{"version":1,"broker":7,"event":1}')
  expect(logDirEventZnode.decode(`${logDirEventZnode.sequencePrefix}0000000000`, Buffer.from('{"version":1,"broker":7,"event":1}'))).toBe(7)
})
