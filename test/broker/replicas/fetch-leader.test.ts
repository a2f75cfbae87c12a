import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { InterruptibleLeader, RemoteLeader } from '../../../src/broker/replicas/fetch-leader.ts'
import { apiVersions, fetch } from '../../../src/protocol/api/index.ts'
import { decodeRequestHeader, responseFrame } from '../../../src/protocol/header.ts'
import { ManualClock, settle } from '../../support/manual-clock.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A broker that answers ApiVersions, and Fetch with `sessionId` unless it is silent. */
const serve = (sessionId: number, isSilent = false): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('error', () => {})
      socket.on('data', (chunk: Buffer) => {
        if (isSilent) return
        const { apiKey, correlationId } = decodeRequestHeader(chunk.subarray(4))
        const chunks =
          apiKey === 18 ? responseFrame(apiVersions, 3, correlationId, {}) : responseFrame(fetch, 11, correlationId, { sessionId })
        socket.write(Buffer.concat(chunks))
      })
    })
    servers.push(server)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })

const scene = () => {
  const place: { port?: number } = {}
  const leader = new RemoteLeader({
    brokerId: 7,
    address: () => (place.port === undefined ? undefined : { host: '127.0.0.1', port: place.port }),
    connection: (address) => ({ ...address, clientId: 'test', clock: monotonicClock, timeoutMs: 5000, reusesMemory: true }),
  })
  const ask = () => leader.request(fetch, 11, {}).then(({ sessionId }) => sessionId)
  return { leader, place, ask }
}

describe('a leader over the network', () => {
  test('is asked where it is now, over one connection', async () => {
    const { leader, place, ask } = scene()
    await expect(ask()).rejects.toThrow('the address of broker 7 is not known yet')
    place.port = await serve(1)
    expect([await ask(), await ask(), sockets.length]).toEqual([1, 1, 1])
    place.port = await serve(2)
    expect(await ask()).toBe(1)
    leader.disconnect()
    expect([await ask(), sockets.length]).toEqual([2, 2])
    leader.disconnect()
  })

  test('is given up while it is silent, and is not reached by that late connection', async () => {
    const { leader, place, ask } = scene()
    place.port = await serve(1, true)
    const asked = ask()
    asked.catch(() => {})
    await settle()
    leader.disconnect()
    await expect(asked).rejects.toThrow('connecting to broker 7 was given up')
    place.port = await serve(2)
    expect(await ask()).toBe(2)
    leader.disconnect()
  })

  test('ends an open request for something urgent after a moment, not again and again', async () => {
    const clock = new ManualClock(10_000)
    let disconnects = 0
    let answer = Promise.withResolvers<never>()
    const leader = new InterruptibleLeader(
      {
        request: () => (answer = Promise.withResolvers<never>()).promise,
        disconnect: () => {
          disconnects++
          answer.reject(new Error('closed'))
        },
      },
      clock,
    )
    leader.interruptSoon()
    await clock.advance(100)
    expect(disconnects).toBe(0)
    for (const { afterMs, isInterrupted } of [
      { afterMs: 0, isInterrupted: true },
      { afterMs: 100, isInterrupted: false },
      { afterMs: 500, isInterrupted: true },
    ]) {
      await clock.advance(afterMs)
      const asked = leader.request(fetch, 11, {}).catch(() => 'closed')
      leader.interruptSoon()
      leader.interruptSoon()
      await clock.advance(25)
      expect(leader.wasInterrupted()).toBe(isInterrupted)
      answer.reject(new Error('over'))
      await asked
    }
    expect([disconnects, leader.wasInterrupted()]).toEqual([2, false])
  })
})
