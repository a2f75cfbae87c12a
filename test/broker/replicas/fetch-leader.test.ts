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

  test('ends open requests for something urgent after a moment; in a row less and less often', async () => {
    const clock = new ManualClock(10_000)
    let answer = Promise.withResolvers<never>()
    const leader = new InterruptibleLeader(
      {
        request: () => (answer = Promise.withResolvers<never>()).promise,
        disconnect: () => answer.reject(new Error('closed')),
      },
      clock,
    )
    const endedAfterMs = async (): Promise<number> => {
      const startMs = clock.nowMs()
      const asked = leader.request(fetch, 11, {}).catch(() => 'closed')
      leader.interruptSoon()
      leader.interruptSoon()
      while (!leader.wasInterrupted()) await clock.advance(1)
      expect(await asked).toBe('closed')
      return clock.nowMs() - startMs
    }
    leader.interruptSoon()
    await clock.advance(1000)
    expect(leader.wasInterrupted()).toBe(false)
    const all: number[] = []
    for (let n = 0; n < 7; n++) all.push(await endedAfterMs())
    expect(all).toEqual([20, 40, 80, 160, 320, 500, 500])
    await clock.advance(450)
    expect(await endedAfterMs()).toBe(50)
    await clock.advance(2000)
    expect(await endedAfterMs()).toBe(20)
    expect(clock.timers).toBe(0)
  })

  test('lets a request be that is answered in that moment, and the one after it', async () => {
    const clock = new ManualClock()
    let answer = Promise.withResolvers<never>()
    const leader = new InterruptibleLeader(
      { request: () => (answer = Promise.withResolvers<never>()).promise, disconnect: () => answer.reject(new Error('closed')) },
      clock,
    )
    const first = leader.request(fetch, 11, {}).catch((error: Error) => error.message)
    leader.interruptSoon()
    await clock.advance(10)
    answer.reject(new Error('answered'))
    expect(await first).toBe('answered')
    void leader.request(fetch, 11, {}).catch(() => {})
    await clock.advance(1000)
    expect(leader.wasInterrupted()).toBe(false)
  })
})
