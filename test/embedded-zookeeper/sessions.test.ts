import { expect, test } from 'vitest'
import { SessionTimes } from '../../src/embedded-zookeeper/sessions.ts'
import { ZooKeeperState } from '../../src/embedded-zookeeper/state.ts'
import { ManualClock, wallOf } from '../support/manual-clock.ts'

const at = { zxid: 1n, timeMs: 0 }
const start = (timeoutsMs: Record<string, number>, wallMs = 1_700_000_000_000, serverId = 0) => {
  const clock = new ManualClock()
  const state = new ZooKeeperState()
  const expired: [bigint, number][] = []
  for (const [id, timeoutMs] of Object.entries(timeoutsMs)) {
    state.apply({ type: 'openSession', sessionId: BigInt(id), timeoutMs, password: Buffer.alloc(16, Number(id)) }, at)
  }
  const expire = (sessionId: bigint) => {
    state.apply({ type: 'closeSession', sessionId }, at)
    expired.push([sessionId, clock.nowMs()])
  }
  const times = new SessionTimes({ state, monotonic: clock, wall: wallOf(clock, wallMs), serverId, expire })
  return { clock, state, times, expired }
}

test('a session ends exactly its time-out after it was last heard of', async () => {
  const { clock, times, expired } = start({ 1: 1000, 2: 1500 })
  await clock.advance(900)
  times.touch(1n)
  await clock.advance(5000)
  expect(expired).toEqual([
    [2n, 1500],
    [1n, 1900],
  ])
})

test('a session of a restarted server gets its whole time-out again', async () => {
  const { clock, expired } = start({ 1: 4000 })
  await clock.advance(3999)
  expect(expired).toEqual([])
  await clock.advance(1)
  expect(expired).toEqual([[1n, 4000]])
})

test('after a stall of the server, what clients sent meanwhile counts before anyone is given up', async () => {
  const { clock, times, expired } = start({ 1: 1000, 2: 1000 })
  const stalled = clock.stall(3000)
  times.touch(1n)
  await stalled
  await clock.advance(10)
  expect(expired.map(([sessionId]) => sessionId)).toEqual([2n])
})

test('a forgotten or closed session expires no more', async () => {
  const { clock, times, expired } = start({ 1: 1000 })
  times.forget(1n)
  await clock.advance(5000)
  times.touch(99n)
  await clock.advance(5000)
  expect(expired).toEqual([])
})

test('session ids grow for ever, whatever the wall clock and the server id', () => {
  for (const [wallMs, serverId] of [
    [1_700_000_000_000, 0],
    [5, 1],
    [1_700_000_000_000, 255],
  ] as const) {
    const { state, times } = start({}, wallMs, serverId)
    state.lastSessionId = 1n << 40n
    const first = times.nextId()
    state.apply({ type: 'openSession', sessionId: first.sessionId, timeoutMs: 1, password: first.password }, at)
    const second = times.nextId()
    expect(first.sessionId).toBeGreaterThan(1n << 40n)
    expect(second.sessionId).toBeGreaterThan(first.sessionId)
    expect(second.password).not.toEqual(first.password)
  }
})

test('a session is continued with its password only', () => {
  const { times } = start({ 1: 1000 })
  expect(times.isPassword(1n, Buffer.alloc(16, 1))).toBe(true)
  for (const wrong of [Buffer.alloc(16, 2), Buffer.alloc(15, 1), Buffer.alloc(0), null]) expect(times.isPassword(1n, wrong)).toBe(false)
  expect(times.isPassword(2n, Buffer.alloc(16))).toBe(false)
})
