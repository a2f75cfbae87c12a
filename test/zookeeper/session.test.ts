import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { ZooKeeperClient, type ZooKeeperOptions } from '../../src/zookeeper/client.ts'
import { OPCODES, XIDS, dataAndStat, setWatchesRequest, statResponse, watcherEvent } from '../../src/zookeeper/protocol.ts'
import type { Stat } from '../../src/zookeeper/types.ts'
import { watchData } from '../../src/zookeeper/watching.ts'
import { ManualClock, settle } from '../support/manual-clock.ts'
import { FakeServers } from './fake-server.ts'

const stat: Stat = {
  czxid: 2n ** 40n + 1n,
  mzxid: 2n ** 62n,
  ctime: 1_700_000_000_000,
  mtime: 1_700_000_000_001,
  version: 0,
  cversion: -1,
  aversion: 0,
  ephemeralOwner: -(2n ** 63n),
  dataLength: 0,
  numChildren: 0,
  pzxid: 5n,
}

const start = async (options: Partial<ZooKeeperOptions> = {}) => {
  const clock = new ManualClock()
  const servers = new FakeServers()
  const connecting = ZooKeeperClient.connect({
    servers: [{ host: 'zk', port: 2181 }],
    sessionTimeoutMs: 9000,
    clock,
    logger: silentLogger,
    dial: servers.dial,
    random: () => 0,
    ...options,
  })
  await settle()
  servers.last.welcome()
  const client = await connecting
  return { clock, servers, client }
}
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  )

test('64-bit numbers come through exactly', async () => {
  const { client, servers } = await start()
  const asked = client.exists('/a')
  await settle()
  servers.last.reply({ xid: 1, zxid: 2n ** 60n + 1n }, (to) => statResponse.write(to, { stat }))
  expect(await asked).toEqual(stat)
  expect(client.lastZxid).toBe(2n ** 60n + 1n)
})

test('an idle connection is pinged at a third of the time-out, and a busy one is not', async () => {
  const { client, clock, servers } = await start()
  await clock.advance(2999)
  expect(servers.last.received).toEqual([])
  await clock.advance(1)
  expect(servers.last.received.map(({ xid, type }) => ({ xid, type }))).toEqual([{ xid: XIDS.ping, type: OPCODES.ping }])
  servers.last.reply({ xid: XIDS.ping })
  await clock.advance(2000)
  void caught(client.exists('/'))
  await clock.advance(2500)
  expect(servers.last.received.filter(({ type }) => type === OPCODES.ping)).toHaveLength(1)
})

test('silence counts from the sending of what was answered last', async () => {
  const { client, clock, servers } = await start()
  await clock.advance(1000)
  const asked = caught(client.exists('/'))
  await clock.advance(1500)
  expect(client.silentMs()).toBe(2500)
  servers.last.reply({ xid: 1 }, (to) => statResponse.write(to, { stat }))
  await asked
  expect(client.silentMs()).toBe(1500)
})

test('after two thirds of the time-out without a word the connection is given up, the session is not', async () => {
  const { client, clock, servers } = await start()
  const lost = caught(client.set('/a', null, 0))
  await clock.advance(5999)
  expect(client.state).toBe('CONNECTED')
  await clock.advance(10)
  expect(servers.connections[0]!.isDestroyed).toBe(true)
  expect(await lost).toMatchObject({ error: 'CONNECTION_LOSS', path: '/a' })
  expect(client.state).toBe('CONNECTING')
  const waiting = client.set('/a', null, 0)
  expect(await servers.last.hello).toMatchObject({ sessionId: 1n, password: Buffer.alloc(16, 3) })
  servers.last.welcome()
  await settle()
  servers.last.reply({ xid: 2 }, (to) => statResponse.write(to, { stat }))
  expect(await waiting).toEqual(stat)
})

test('a stalled process reads what came meanwhile before it gives the connection up', async () => {
  const { client, clock, servers } = await start()
  const stalled = clock.stall(7000)
  servers.last.reply({ xid: XIDS.ping })
  await stalled
  await clock.advance(10)
  expect(client.state).toBe('CONNECTED')
})

test('a process that slept longer than its session does not write on the old connection', async () => {
  const { client, clock, servers } = await start()
  const first = servers.last
  const stalled = clock.stall(9500)
  const attempt = caught(client.set('/a', null, 0))
  await stalled
  expect(first.received.filter(({ type }) => type === OPCODES.setData)).toEqual([])
  expect(first.isDestroyed).toBe(true)
  servers.last.welcome({ timeoutMs: 0, sessionId: 0n })
  expect(await attempt).toMatchObject({ error: 'SESSION_EXPIRED' })
  expect(client.state).toBe('EXPIRED')
})

test('only the server ends a session; then every watch and every call hears it', async () => {
  const { client, clock, servers } = await start()
  const watch = client.newWatch()
  const read = client.get('/a', { watch })
  await settle()
  servers.last.reply({ xid: 1, zxid: 4n }, (to) => dataAndStat.write(to, { data: null, stat }))
  await read
  servers.refuses = true
  servers.last.push(undefined)
  await clock.advance(60_000)
  expect(client.state).toBe('CONNECTING')
  servers.refuses = false
  await clock.advance(1000)
  expect(await servers.last.hello).toMatchObject({ lastZxidSeen: 4n, sessionId: 1n })
  const changed = client.stateChanged()
  servers.last.welcome({ timeoutMs: 0, sessionId: 0n })
  expect(await changed).toBe('EXPIRED')
  expect(await watch.fired).toEqual({ type: 'SESSION_EXPIRED', path: '/' })
  expect(await caught(client.exists('/'))).toMatchObject({ error: 'SESSION_EXPIRED' })
  const { dialled } = servers
  const count = dialled.length
  await clock.advance(60_000)
  expect(dialled).toHaveLength(count)
})

test('servers are tried in turn at once, and with growing pauses when all were in vain', async () => {
  const three = [1, 2, 3].map((port) => ({ host: 'zk', port }))
  const { clock, servers } = await start({ servers: three })
  const order = servers.dialled.map(({ port }) => port)
  servers.refuses = true
  servers.last.push(undefined)
  await clock.advance(0)
  expect(servers.dialled).toHaveLength(4)
  expect(new Set(servers.dialled.slice(1).map(({ port }) => port)).size).toBe(3)
  expect(servers.dialled[3]!.port).toBe(order[0])
  await clock.advance(10_000)
  const attempts = servers.dialled.length - 4
  expect(attempts).toBeGreaterThan(20)
  expect(attempts).toBeLessThan(90)
})

test('a server that loses every connection at once is not hammered', async () => {
  const { client, clock, servers } = await start()
  const ended = new AbortController()
  clock.schedule(60_000, () => ended.abort())
  while (!ended.signal.aborted) {
    const before = servers.connections.length
    servers.last.push(undefined)
    await settle(6)
    while (servers.connections.length === before && !ended.signal.aborted) await clock.advance(100)
    servers.last.welcome()
    await settle(6)
  }
  expect(servers.connections.length).toBeGreaterThan(50)
  expect(servers.connections.length).toBeLessThan(150)
  await clock.advance(1000)
  servers.last.welcome()
  await clock.advance(1000)
  expect(client.state).toBe('CONNECTED')
  const count = servers.connections.length
  servers.last.push(undefined)
  await settle(6)
  expect(servers.connections).toHaveLength(count + 1)
})

test('a server that accepts and says nothing is left after its share of the time-out', async () => {
  const { client, clock, servers } = await start({ servers: [1, 2, 3].map((port) => ({ host: 'zk', port })) })
  servers.last.push(undefined)
  await settle()
  const silent = servers.last
  await clock.advance(3001)
  expect(silent.isDestroyed).toBe(true)
  expect(servers.last).not.toBe(silent)
  servers.last.welcome()
  await settle()
  expect(client.state).toBe('CONNECTED')
})

test('an answer out of order ends the connection', async () => {
  const { client, servers } = await start()
  const [first, second] = [caught(client.exists('/a')), caught(client.exists('/b'))]
  await settle()
  servers.connections[0]!.reply({ xid: 2 }, (to) => statResponse.write(to, { stat }))
  expect(await first).toMatchObject({ error: 'CONNECTION_LOSS', path: '/a' })
  expect(await second).toMatchObject({ error: 'CONNECTION_LOSS', path: '/b' })
})

test('an answer beyond the limit says so to the one that asked', async () => {
  const { client, servers } = await start({ maxResponseBytes: 1000 })
  const asked = caught(client.children('/'))
  await settle()
  servers.last.push(Buffer.from([0, 0, 0x10, 0]))
  expect(String(await asked)).toContain(
    'CONNECTION_LOSS for /: the answer is a frame of 4096 bytes; at most 1000 are allowed (jute.maxbuffer)',
  )
})

test('bytes that are no answer end the connection, not the process', async () => {
  const { client, servers } = await start()
  const asked = caught(client.get('/a'))
  await settle()
  servers.last.reply({ xid: 1 }, (to) => to.int(2_000_000_000))
  expect(await asked).toMatchObject({ error: 'MARSHALLING_ERROR' })
  await settle()
  expect(servers.connections[0]!.isDestroyed).toBe(true)
})

test('a multi carries the version 0 as 0', async () => {
  const { client, servers } = await start()
  void caught(client.multi([{ type: 'check', path: '/a', version: 0 }]))
  await settle()
  const multiHeader = '0000000d00ffffffff'
  expect(servers.last.received[0]!.bytes.subarray(8).toString('hex')).toBe(`${multiHeader}000000022f6100000000ffffffff01ffffffff`)
})

test('an event does not count as seen: others of its transaction may be on their way', async () => {
  const { client, servers } = await start()
  const [one, two] = [client.newWatch(), client.newWatch()]
  const reads = [client.get('/one', { watch: one }), client.get('/two', { watch: two })]
  await settle()
  for (const xid of [1, 2]) servers.last.reply({ xid, zxid: 10n }, (to) => dataAndStat.write(to, { data: null, stat }))
  await Promise.all(reads)
  servers.last.reply({ xid: XIDS.event, zxid: 11n }, (to) => watcherEvent.write(to, { type: 3, state: 3, path: '/one' }))
  expect(await one.fired).toEqual({ type: 'NODE_DATA_CHANGED', path: '/one' })
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome()
  await settle(6)
  const [setWatches] = servers.last.received
  expect(setWatches).toMatchObject({ xid: XIDS.setWatches, type: OPCODES.setWatches })
  expect(setWatchesRequest.read(setWatches!.body)).toEqual({ relativeZxid: 10n, dataWatches: ['/two'], existWatches: [], childWatches: [] })
})

test('many watches are set again in packets that a server takes', async () => {
  const { client, servers } = await start()
  const names = Array.from({ length: 3000 }, (_none, index) => `/${String(index).padStart(100, 'x')}`)
  const reads = names.map((name) => client.get(name, { watch: client.newWatch() }))
  await settle()
  names.forEach((_name, index) => servers.last.reply({ xid: index + 1 }, (to) => dataAndStat.write(to, { data: null, stat })))
  await Promise.all(reads)
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome()
  const seen: string[] = []
  for (let answered = 0; answered < servers.last.received.length || answered === 0; answered++) {
    await settle(6)
    const { body, bytes } = servers.last.received[answered]!
    expect(bytes.length).toBeLessThan(140_000)
    seen.push(...setWatchesRequest.read(body).dataWatches)
    servers.last.reply({ xid: XIDS.setWatches })
    await settle(6)
  }
  expect(seen.toSorted()).toEqual(names.toSorted())
  expect(servers.last.received.length).toBeGreaterThan(1)
})

test('a cancelled watch is forgotten', async () => {
  const { client, servers } = await start()
  const watch = client.newWatch()
  const read = client.get('/a', { watch })
  await settle()
  servers.last.reply({ xid: 1 }, (to) => dataAndStat.write(to, { data: null, stat }))
  await read
  watch.cancel()
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome()
  await settle(6)
  expect(servers.last.received).toEqual([])
})

test('a follower of a znode ends when it is told to, and leaves no watch behind', async () => {
  const { client, servers } = await start()
  const stop = new AbortController()
  const seen: unknown[] = []
  const following = (async () => {
    for await (const read of watchData(client, '/a', { signal: stop.signal })) seen.push(read?.stat.version)
    return 'ended'
  })()
  await settle()
  servers.last.reply({ xid: 1 }, (to) => dataAndStat.write(to, { data: null, stat }))
  await settle()
  expect(seen).toEqual([0])
  stop.abort()
  expect(await following).toBe('ended')
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome()
  await settle(6)
  expect(servers.last.received).toEqual([])
})

test('a follower reads again over the next connection, and throws when the session ends', async () => {
  const { client, servers } = await start()
  const values = watchData(client, '/a')
  const first = values.next()
  await settle()
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome()
  await settle(6)
  expect(servers.last.received.map(({ type }) => type)).toEqual([OPCODES.getData])
  servers.last.reply({ xid: 2 }, (to) => dataAndStat.write(to, { data: null, stat }))
  expect((await first).value).toEqual({ data: null, stat })
  const next = caught(values.next())
  servers.last.push(undefined)
  await settle(6)
  servers.last.welcome({ timeoutMs: 0, sessionId: 0n })
  expect(await next).toMatchObject({ error: 'SESSION_EXPIRED' })
})

test('what waits for a connection is bounded', async () => {
  const { client, servers } = await start({ maxQueuedOperations: 2 })
  servers.refuses = true
  servers.last.push(undefined)
  await settle()
  const waiting = [1, 2, 3].map(() => caught(client.exists('/')))
  expect(await waiting[2]).toMatchObject({ error: 'THROTTLED_OP' })
  await client.close()
  expect(await waiting[0]).toMatchObject({ error: 'SESSION_EXPIRED' })
})

test('a client whose servers are not there says which, and ends', async () => {
  const clock = new ManualClock()
  const servers = new FakeServers()
  servers.refuses = true
  const connecting = caught(
    ZooKeeperClient.connect({
      servers: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      sessionTimeoutMs: 9000,
      connectTimeoutMs: 5000,
      clock,
      logger: silentLogger,
      dial: servers.dial,
    }),
  )
  await clock.advance(5000)
  expect(String(await connecting)).toMatch('CONNECTION_LOSS: no session with a:1,b:2 within 5000 ms: connection refused')
  const count = servers.dialled.length
  await clock.advance(60_000)
  expect(servers.dialled).toHaveLength(count)
})

test('close ends the session on the server, and needs no answer', async () => {
  const { client, servers } = await start()
  const closing = client.close()
  await settle()
  expect(servers.last.received.map(({ type }) => type)).toEqual([OPCODES.closeSession])
  servers.last.push(undefined)
  await closing
  expect(client.state).toBe('CLOSED')
  await client.close()
})
