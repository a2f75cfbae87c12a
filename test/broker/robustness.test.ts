import { execFileSync, fork, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { metadata } from '../../src/protocol/api/03-metadata.ts'
import { requestFrame } from '../../src/protocol/header.ts'
import { batchOf, valuesOf } from '../support/batches.ts'
import { eventually } from '../support/net.ts'
import { RawClient } from '../support/raw-client.ts'
import { Random } from '../support/random.ts'
import { slowness } from '../support/slowness.ts'

// The broker has a process of its own, so that its memory can be told from that of its clients.
let child: ChildProcess
let port: number
beforeAll(async () => {
  child = fork(join('test', 'support', 'broker-process.ts'), [JSON.stringify({ topics: { t: 1, big: 1 }, memoryBytes: 512 * 2 ** 20 })], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    execArgv: ['--expose-gc'],
  })
  port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message) => resolve((message as { port: number }).port))
    child.once('exit', (code) => reject(new Error(`the broker ended with ${code}`)))
  })
})
afterAll(async () => {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  expect(await ended).toBe(0)
})

const residentMb = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024
/** What the broker holds, without the garbage that V8 has not looked at yet. */
const heldMb = async (): Promise<number> => {
  const collected = new Promise((resolve) => child.once('message', resolve))
  child.send('collect')
  await collected
  return residentMb()
}
const isLinux = process.platform === 'linux'

/** Another client, which must not notice. */
const worksForOthers = async (): Promise<number> => {
  const startMs = performance.now()
  const client = await KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'other', clock: monotonicClock, timeoutMs: 30_000 })
  const produced = await client.request(produce, {
    acks: -1,
    timeoutMs: 30_000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf(['still here']) }] }],
  })
  const fetchOffset = produced.responses[0]!.partitions[0]!.baseOffset
  const fetched = await client.request(fetch, {
    replicaId: -1,
    maxWait: 100,
    minBytes: 1,
    topics: [{ name: 't', fetchPartitions: [{ partitionIndex: 0, fetchOffset, maxBytes: 1_000_000 }] }],
  })
  expect(valuesOf(fetched.topics[0]!.partitions[0]!.records)).toEqual(['still here'])
  client.close()
  return performance.now() - startMs
}

test('garbage closes its connection and nothing else', async () => {
  const random = new Random(12_345)
  const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(port)))
  for (const client of clients) {
    const bytes = Buffer.from(Array.from({ length: 2000 }, () => random.below(256)))
    bytes.writeInt32BE(1996)
    client.send(bytes)
  }
  await Promise.all(clients.map(({ closed }) => closed))
  await worksForOthers()
})

test('every prefix of a request, and every flipped byte of it, leaves the broker alive', async () => {
  const frame = Buffer.concat(
    requestFrame(
      produce,
      8,
      { correlationId: 1, clientId: 'c' },
      {
        acks: 1,
        timeoutMs: 100,
        topics: [{ name: 'big', partitions: [{ partitionIndex: 7, records: batchOf(['x']) }] }],
      },
    ),
  )
  for (let at = 0; at < frame.length; at += 3) {
    const half = await RawClient.open(port)
    half.send(frame.subarray(0, at))
    half.socket.end()
    await half.closed
    const flipped = await RawClient.open(port)
    const bytes = Buffer.from(frame)
    bytes[at]! ^= 0x41
    flipped.send(bytes)
    flipped.socket.end()
    await flipped.closed
  }
  await worksForOthers()
})

test('a length of 2 GB closes the connection at once', async () => {
  const client = await RawClient.open(port)
  client.send(Buffer.from('7fffffff00000000', 'hex'))
  await client.closed
})

test('requests that were announced and never sent take no memory', async () => {
  const before = residentMb()
  const clients = await Promise.all(Array.from({ length: 500 }, () => RawClient.open(port)))
  for (const client of clients) client.send(Buffer.concat([Buffer.from('06000000', 'hex'), Buffer.alloc(1000)]))
  await worksForOthers()
  const usedMb = residentMb() - before
  console.log(`500 announced requests of 96 MiB each: ${usedMb.toFixed(1)} MiB`)
  expect(usedMb).toBeLessThan(60)
  for (const client of clients) client.end()
})

test('idle connections are cheap', { timeout: 60_000 }, async () => {
  const limit = Number(execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim())
  // Each end is in a process of its own; on a machine that allows fewer descriptors, as many as it allows.
  const count = Math.min(10_000, (Number.isFinite(limit) ? limit : 1_000_000) - 1000)
  const before = residentMb()
  const sockets: Socket[] = []
  for (let done = 0; done < count; done += 500) {
    const some = Array.from(
      { length: Math.min(500, count - done) },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket))
          socket.once('error', reject)
        }),
    )
    sockets.push(...(await Promise.all(some)))
  }
  const ms = await worksForOthers()
  const usedMb = residentMb() - before
  console.log(
    `${count} idle connections: ${usedMb.toFixed(0)} MiB, ${((usedMb * 1024) / count).toFixed(1)} KiB each; another client took ${ms.toFixed(0)} ms`,
  )
  expect(usedMb).toBeLessThan(250)
  for (const socket of sockets) socket.destroy()
})

test.skipIf(!isLinux)('500 consumers that ask for 50 MB and never read', { timeout: 60_000 }, async () => {
  const client = await KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'filler', clock: monotonicClock, timeoutMs: 10_000 })
  const records = batchOf([Buffer.alloc(1_000_000, 7).toString('latin1')])
  for (let sent = 0; sent < 50; sent++) {
    const topics = [{ name: 'big', partitions: [{ partitionIndex: 0, records: Buffer.from(records) }] }]
    const reply = await client.request(produce, { acks: 1, timeoutMs: 5000, topics })
    expect(reply.responses[0]!.partitions[0]!.errorCode).toBe(0)
  }
  client.close()
  const before = await heldMb()
  const fetchBytes = Buffer.concat(
    requestFrame(
      fetch,
      11,
      { correlationId: 1, clientId: 'greedy' },
      {
        replicaId: -1,
        maxWait: 0,
        minBytes: 1,
        maxBytes: 52_428_800,
        topics: [{ name: 'big', fetchPartitions: [{ partitionIndex: 0, fetchOffset: 0, maxBytes: 52_428_800 }] }],
      },
    ),
  )
  const sockets = await Promise.all(
    Array.from(
      { length: 500 },
      () =>
        new Promise<Socket>((resolve) => {
          const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket))
          socket.on('error', () => {})
          socket.pause()
          socket.write(Buffer.concat([fetchBytes, fetchBytes, fetchBytes]))
        }),
    ),
  )
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const slowBefore = slowness()
  const ms = await worksForOthers()
  const slow = Math.max(slowBefore, slowness())
  const peakMb = residentMb()
  const usedMb = (await heldMb()) - before
  console.log(
    `500 consumers that never read: ${usedMb.toFixed(0)} MiB of a process of ${peakMb.toFixed(0)} MiB; another client took ${ms.toFixed(0)} ms`,
  )
  // The budget for responses is 64 MiB; the allocator keeps some of what was freed.
  expect(usedMb).toBeLessThan(128)
  expect(peakMb).toBeLessThan(512)
  expect(ms).toBeLessThan(3000 * slow)
  for (const socket of sockets) socket.destroy()
  await eventually(async () => (await worksForOthers()) < 1000 * slow)
})

test('metadata still says what it said', async () => {
  const client = await KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'last', clock: monotonicClock, timeoutMs: 5000 })
  const { topics } = await client.request(metadata, { topics: null })
  expect(topics.map(({ name }) => name).sort()).toEqual(['big', 't'])
  client.close()
})
