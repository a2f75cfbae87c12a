import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { type ConnectionOptions, KafkaConnection } from '../../src/client/connection.ts'
import { apiVersions, fetch, metadata } from '../../src/protocol/api/index.ts'
import { responseFrame } from '../../src/protocol/header.ts'

const servers: Server[] = []
const serve = (onData: (socket: Socket, chunk: Buffer) => void): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('data', (chunk) => onData(socket, chunk as Buffer))
      socket.on('error', () => {})
    })
    servers.push(server)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
const open = (port: number, timeoutMs = 300, others: Partial<ConnectionOptions> = {}) =>
  KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'test', clock: monotonicClock, timeoutMs, ...others })
const versionsAnswer = () => Buffer.concat(responseFrame(apiVersions, 3, 0, { apiKeys: [{ apiKey: 3, minVersion: 0, maxVersion: 5 }] }))

afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

describe('a connection', () => {
  test('rejects when nothing listens', async () => {
    const port = await serve(() => {})
    await new Promise((resolve) => servers.pop()!.close(resolve))
    await expect(open(port)).rejects.toThrow('ECONNREFUSED')
  })

  test('rejects when the broker says nothing', async () => {
    await expect(open(await serve(() => {}))).rejects.toThrow('did not answer ApiVersions within 300 ms')
  })

  test('rejects an answer that nobody asked for, and one that is malformed', async () => {
    await expect(open(await serve((socket) => socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 9]))))).rejects.toThrow('correlation id 9')
    await expect(open(await serve((socket) => socket.write(Buffer.from([0, 0, 0, 2, 0, 0]))))).rejects.toThrow('malformed answer')
    await expect(open(await serve((socket) => socket.write(Buffer.from([0x7f, 0, 0, 0]))))).rejects.toThrow('malformed answer')
  })

  test('takes the newest version of both sides, and refuses what the broker does not speak', async () => {
    const port = await serve((socket) => socket.write(versionsAnswer()))
    const connection = await open(port)
    expect(connection.newestVersion(metadata)).toBe(5)
    await expect(connection.request(apiVersions, {})).rejects.toThrow('does not speak ApiVersions')
    connection.close()
    await expect(connection.request(metadata, {})).rejects.toThrow('was closed')
  })

  test('receives large answers in the same memory, and ends as others do', async () => {
    const records = Buffer.alloc(300_000, 7)
    const answer = (correlationId: number): Buffer => {
      const partitions = [{ partitionIndex: 0, records }]
      return Buffer.concat(responseFrame(fetch, 11, correlationId, { topics: [{ name: 't', partitions }] }))
    }
    let count = 0
    const port = await serve((socket) => {
      if (count === 0) socket.write(versionsAnswer())
      else if (count < 4) socket.write(answer(count))
      else if (count === 4) socket.write(Buffer.concat([answer(4), Buffer.from([0x7f, 0xff])]))
      else socket.write(Buffer.from([0xff, 0xff]))
      count++
    })
    const connection = await open(port, 2000, { reusesMemory: true })
    const memories = new Set<ArrayBufferLike>()
    for (let turn = 0; turn < 4; turn++) {
      const got = (await connection.request(fetch, {}, { version: 11 })).topics[0]!.partitions[0]!.records
      expect(got.equals(records)).toBe(true)
      if (turn > 0) memories.add(got.buffer)
    }
    expect(memories.size).toBe(1)
    await expect(connection.request(fetch, {}, { version: 11 })).rejects.toThrow('malformed answer')
  })

  test('fails every open request when the broker goes away', async () => {
    let count = 0
    const port = await serve((socket) => (count++ === 0 ? socket.write(versionsAnswer()) : socket.destroy()))
    const connection = await open(port)
    const both = await Promise.allSettled([connection.request(metadata, { topics: [] }), connection.request(metadata, { topics: [] })])
    expect(both.map((result) => result.status)).toEqual(['rejected', 'rejected'])
  })
})
