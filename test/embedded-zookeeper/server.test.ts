import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { runZooKeeper } from '../../src/embedded-zookeeper/program.ts'
import { startEmbeddedZooKeeper, type StartedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import { ZooKeeperClient, type ZooKeeperOptions } from '../../src/zookeeper/client.ts'
import { beginFrame, endFrame } from '../../src/zookeeper/frames.ts'
import { JuteReader, JuteWriter } from '../../src/zookeeper/jute.ts'
import { OPCODES, connectRequest, connectResponse, pathAndWatch, requestHeader } from '../../src/zookeeper/protocol.ts'
import { CREATOR_ALL_ACL } from '../../src/zookeeper/types.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { eventually } from '../support/net.ts'

const clocks = { monotonic: monotonicClock, wall: wallClock }
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const config = (extra = '') => parseZooConfig(`tickTime=500\ndataDir=/zk\nclientPort=0\nclientPortAddress=127.0.0.1\n${extra}`)
const start = async (extra = '', disk = new MemoryDisk()): Promise<StartedZooKeeper> => {
  const server = await startEmbeddedZooKeeper({ config: config(extra), disk, clocks, logger: silentLogger })
  cleanup.push(() => server.stop())
  return server
}
const connectTo = async (server: StartedZooKeeper, options: Partial<ZooKeeperOptions> = {}): Promise<ZooKeeperClient> => {
  const servers = [{ host: '127.0.0.1', port: server.port }]
  const client = await ZooKeeperClient.connect({
    servers,
    sessionTimeoutMs: 5000,
    connectTimeoutMs: 5000,
    clock: monotonicClock,
    logger: silentLogger,
    ...options,
  })
  cleanup.push(() => client.close())
  return client
}
const raw = async (server: StartedZooKeeper): Promise<{ socket: Socket; received: () => Buffer; closed: Promise<void> }> => {
  const socket = connect(server.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  cleanup.push(() => socket.destroy())
  return { socket, received: () => Buffer.concat(chunks), closed }
}
const frame = (write: (to: JuteWriter) => void): Buffer => {
  const to = beginFrame(new JuteWriter())
  write(to)
  return endFrame(to)
}
const hello = (fields: Partial<{ lastZxidSeen: bigint; sessionId: bigint; password: Buffer }> = {}) =>
  frame((to) => {
    connectRequest.write(to, {
      protocolVersion: 0,
      lastZxidSeen: 0n,
      timeoutMs: 5000,
      sessionId: 0n,
      password: Buffer.alloc(16),
      ...fields,
    })
    to.boolean(false)
  })

const ask = async (server: StartedZooKeeper, word: string): Promise<string> => {
  const { socket, received, closed } = await raw(server)
  socket.write(word)
  await closed
  return received().toString()
}

test('four-letter words answer inside the whitelist, and only there', async () => {
  const server = await start('4lw.commands.whitelist=ruok,stat,mntr,conf,isro,envi,cons')
  const client = await connectTo(server)
  await client.create('/e', Buffer.from('12345'), { mode: 'ephemeral' })
  expect(await ask(server, 'ruok')).toBe('imok')
  expect(await ask(server, 'isro')).toBe('rw')
  const stat = await ask(server, 'stat')
  expect(stat).toMatch(/^Zookeeper version: .*\nClients:\n \/127\.0\.0\.1:\d+\[1\]\(queued=0,recved=\d+,sent=\d+,sid=0x[0-9a-f]+\)/)
  expect(stat).toContain('Mode: standalone\nNode count: 5\n')
  const mntr = await ask(server, 'mntr')
  expect(mntr).toContain('zk_server_state\tstandalone\n')
  expect(mntr).toContain('zk_ephemerals_count\t1\n')
  expect(mntr).toContain('zk_approximate_data_size\t5\n')
  expect(await ask(server, 'conf')).toContain(`clientPort=${server.port}\n`)
  expect(await ask(server, 'envi')).toMatch(/^Environment:\n/)
  expect(await ask(server, 'cons')).toContain('/127.0.0.1:')
  expect(await ask(server, 'srvr')).toBe('srvr is not executed because it is not in the whitelist.\n')
  expect(await ask(server, 'dump')).toBe('dump is not executed because it is not in the whitelist.\n')
})

test.each([
  ['a packet of 2 GB', Buffer.from([0x7f, 0xff, 0xff, 0xff, 1, 2, 3])],
  ['a negative length', Buffer.from([0xff, 0xff, 0xff, 0xfe, 1])],
  ['a connect record that is too short', Buffer.from([0, 0, 0, 3, 1, 2, 3])],
  ['a string that is longer than its packet', Buffer.concat([hello(), Buffer.from([0, 0, 0, 4, 0, 0, 0, 1])])],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
])('%s ends that connection and no other', async (_name, bytes) => {
  const server = await start()
  const client = await connectTo(server)
  const { socket, closed } = await raw(server)
  socket.write(bytes)
  await closed
  await client.sync()
  expect(client.state).toBe('CONNECTED')
})

test('a request that cannot be read is answered so, an unknown one too, and the connection goes on', async () => {
  const server = await start()
  const { socket, received } = await raw(server)
  socket.write(hello())
  socket.write(frame((to) => requestHeader.write(to, { xid: 1, type: OPCODES.getData })))
  socket.write(frame((to) => requestHeader.write(to, { xid: 2, type: 4711 })))
  socket.write(
    frame((to) => {
      requestHeader.write(to, { xid: 3, type: OPCODES.exists })
      pathAndWatch.write(to, { path: '/', watch: false })
    }),
  )
  await eventually(() => received().length > 41 + 20 + 20 + 20, { what: 'four answers' })
  const bytes = received()
  const errors: number[] = []
  for (let at = 4 + bytes.readInt32BE(0); at < bytes.length; at += 4 + bytes.readInt32BE(at)) errors.push(bytes.readInt32BE(at + 16))
  expect(errors).toEqual([-5, -6, 0])
})

test('a session is not continued with a wrong password, nor by a client that has seen more than this server', async () => {
  const server = await start()
  const client = await connectTo(server)
  const thief = await raw(server)
  thief.socket.write(hello({ sessionId: client.sessionId, password: Buffer.alloc(16, 9) }))
  await thief.closed
  expect(connectResponse.read(new JuteReader(thief.received(), 4))).toMatchObject({ timeoutMs: 0, sessionId: 0n })
  const future = await raw(server)
  future.socket.write(hello({ lastZxidSeen: 1000n }))
  await future.closed
  expect(future.received()).toHaveLength(0)
  await client.sync()
})

test('one address has no more connections than maxClientCnxns', async () => {
  const server = await start('maxClientCnxns=2')
  const first = await connectTo(server)
  await connectTo(server)
  const third = await raw(server)
  await third.closed
  await first.close()
  const again = await eventually(() => connectTo(server, { connectTimeoutMs: 500 }))
  expect(again.state).toBe('CONNECTED')
})

test('the super user passes every ACL', async () => {
  const digest = createHash('sha1').update('super:root').digest('base64')
  const server = await start(`DigestAuthenticationProvider.superDigest=super:${digest}`)
  const owner = await connectTo(server, { auth: [{ scheme: 'digest', auth: 'a:b' }] })
  await owner.create('/own', Buffer.from('x'), { acl: CREATOR_ALL_ACL })
  const root = await connectTo(server, { auth: [{ scheme: 'digest', auth: 'super:root' }] })
  expect((await root.get('/own')).data).toEqual(Buffer.from('x'))
  const other = await connectTo(server, { auth: [{ scheme: 'digest', auth: 'super:toor' }] })
  await expect(other.get('/own')).rejects.toMatchObject({ error: 'NO_AUTH' })
})

test('without SASL users a SASL login is refused in words, other clients come in', async () => {
  const server = await start()
  await expect(connectTo(server, { saslDigest: { username: 'a', password: 'b' } })).rejects.toMatchObject({ error: 'AUTH_FAILED' })
  expect((await connectTo(server)).state).toBe('CONNECTED')
})

test('a client that asks for gigabytes and reads nothing costs a few megabytes', async () => {
  const server = await start()
  const client = await connectTo(server)
  await client.create('/large', Buffer.alloc(1_000_000))
  const { socket } = await raw(server)
  socket.pause()
  socket.write(hello())
  const request = frame((to) => {
    requestHeader.write(to, { xid: 1, type: OPCODES.getData })
    pathAndWatch.write(to, { path: '/large', watch: false })
  })
  const before = process.memoryUsage().arrayBuffers
  for (let sent = 0; sent < 2000; sent++) socket.write(request)
  for (let turn = 0; turn < 50; turn++) await client.sync()
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000)
  expect((await client.get('/large')).data).toHaveLength(1_000_000)
})

test('thousands of requests at once are answered in their order, however often the connection is paused', async () => {
  const server = await start()
  const client = await connectTo(server)
  await client.create('/n', null)
  const answers = await Promise.all(
    Array.from({ length: 6000 }, async (_none, index) =>
      index % 10 === 0 ? (await client.set('/n', Buffer.from(String(index)), -1)).version : Number((await client.get('/n')).data),
    ),
  )
  expect(answers).toEqual(answers.map((_answer, index) => (index % 10 === 0 ? index / 10 + 1 : index - (index % 10))))
})

test('a failing disk stops the program with code 1, and nobody gets an answer that is not on disk', async () => {
  const disk = new MemoryDisk()
  const program = await runZooKeeper({ config: config(), disk, clocks, logger: silentLogger })
  const client = await ZooKeeperClient.connect({
    servers: [{ host: '127.0.0.1', port: Number(program.address.split(':')[1]) }],
    sessionTimeoutMs: 5000,
    clock: monotonicClock,
    logger: silentLogger,
  })
  await client.create('/kept', null)
  disk.fail('sync', { code: 'EIO' })
  await expect(client.create('/lost', null)).rejects.toMatchObject({ error: 'CONNECTION_LOSS' })
  expect(await program.stopped).toBe(1)
  await client.close()
})

test('a stopped program ends with code 0, and its directory can be opened again', async () => {
  const disk = new MemoryDisk()
  const first = await runZooKeeper({ config: config(), disk, clocks, logger: silentLogger })
  await first.stop()
  expect(await first.stopped).toBe(0)
  const second = await runZooKeeper({ config: config(), disk, clocks, logger: silentLogger })
  await second.stop()
})
