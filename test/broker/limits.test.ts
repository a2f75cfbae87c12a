import { expect, test } from 'vitest'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { batchOf } from '../support/batches.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { eventually } from '../support/net.ts'
import { RawClient } from '../support/raw-client.ts'
import { startTestBroker } from '../support/test-broker.ts'

const waitingFetch = (topic: string, maxWait = 30_000) => ({
  replicaId: -1,
  maxWait,
  minBytes: 1,
  topics: [{ name: topic, fetchPartitions: [{ partitionIndex: 0, fetchOffset: 0, maxBytes: 1000 }] }],
})

test('connections beyond max.connections.per.ip and its overrides are closed', async () => {
  const broker = await startTestBroker({ properties: { 'max.connections.per.ip': '1', 'max.connections.per.ip.overrides': '127.0.0.1:2' } })
  const [first, second, third] = [await RawClient.open(broker.port), await RawClient.open(broker.port), await RawClient.open(broker.port)]
  await third.closed
  expect([first.isClosed, second.isClosed]).toEqual([false, false])
  first.end()
  await eventually(async () => {
    const next = await RawClient.open(broker.port)
    await new Promise((resolve) => setTimeout(resolve, 20))
    return !next.isClosed
  })
  await broker.end()
})

test('idle connections are closed by the monotonic clock, busy ones are not', async () => {
  const monotonic = new ManualClock()
  let wallMs = 1_700_000_000_000
  const broker = await startTestBroker({
    topics: { t: 1 },
    clocks: { monotonic, wall: { nowMs: () => wallMs } },
    properties: { 'connections.max.idle.ms': '10000' },
  })
  const idle = await RawClient.open(broker.port)
  const busy = await RawClient.open(broker.port)
  busy.request(fetch, 11, 1, waitingFetch('t', 1_000_000))
  await eventually(() => [...broker.cluster.partitions!.all()][0]!.waiters.size === 1)
  wallMs += 86_400_000
  await monotonic.advance(2600)
  expect(idle.isClosed).toBe(false)
  await monotonic.advance(20_000)
  await idle.closed
  expect(busy.isClosed).toBe(false)
  await broker.end()
})

test('a stop answers who waits, marks the logs clean, and closes every connection', async () => {
  const broker = await startTestBroker({ topics: { t: 1 } })
  const waiting = await RawClient.open(broker.port)
  waiting.request(fetch, 11, 1, waitingFetch('t'))
  const idle = await RawClient.open(broker.port)
  await eventually(() => [...broker.cluster.partitions!.all()][0]!.waiters.size === 1)
  const stopping = broker.stop()
  expect((await waiting.response(fetch, 11)).correlationId).toBe(1)
  await Promise.all([waiting.closed, idle.closed, stopping])
  expect(broker.cluster.calls).toEqual(['join', 'leave', 'close'])
  await expect(RawClient.open(broker.port)).rejects.toThrow('ECONNREFUSED')
})

test('records are there after a stop and a start', async () => {
  const first = await startTestBroker({ topics: { t: 1 } })
  const client = await first.client()
  const topics = [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf(['kept']) }] }]
  await client.request(produce, { acks: 1, timeoutMs: 1000, topics })
  await first.stop()
  const second = await startTestBroker({ topics: { t: 1 }, dataDir: first.dataDir })
  expect([...second.cluster.partitions!.all()][0]!.highWatermark).toBe(1)
  await second.end()
})

test('the HTTP pages say how the broker is', async () => {
  const broker = await startTestBroker({ properties: { 'sofakafka.http.listener': 'http://127.0.0.1:0' } })
  const get = async (path: string, method = 'GET') => {
    const response = await globalThis.fetch(`http://127.0.0.1:${broker.httpPort}${path}`, { method })
    return `${response.status} ${await response.text()}`
  }
  const client = await broker.client()
  expect(await get('/healthz')).toBe('200 ok\n')
  expect(await get('/readyz')).toBe('200 ok\n')
  broker.cluster.isTold = false
  expect(await get('/readyz')).toBe('503 waits for the controller to tell it of the cluster\n')
  broker.cluster.isTold = true
  expect(await get('/metrics')).toContain('requests{api="ApiVersions"} 1')
  expect(await get('/')).toContain('404')
  expect(await get('/metrics', 'POST')).toContain('405')
  client.close()
  await broker.end()
})

test('a listener that cannot be served or bound stops the start in words', async () => {
  await expect(
    startTestBroker({ properties: { listeners: 'SSL://127.0.0.1:0', 'security.inter.broker.protocol': 'SSL' } }),
  ).rejects.toThrow('has no certificate')
  const broker = await startTestBroker()
  await expect(startTestBroker({ properties: { listeners: `PLAINTEXT://127.0.0.1:${broker.port}` } })).rejects.toThrow(
    'listener PLAINTEXT cannot listen',
  )
  await broker.end()
})
