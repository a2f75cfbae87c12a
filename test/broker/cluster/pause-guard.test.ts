import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { PauseGuard } from '../../../src/broker/cluster/pause-guard.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const TIMEOUT_MS = 6000

const make = () => {
  const clock = new ManualClock()
  const wall = { offsetMs: 0, nowMs: () => Math.round(clock.nowMs()) + wall.offsetMs }
  const asked: { resolve(): void }[] = []
  const zookeeper = { silentMs: 0 }
  const guard = new PauseGuard({
    clocks: { monotonic: clock, wall },
    logger: silentLogger,
    sessionTimeoutMs: () => TIMEOUT_MS,
    silentMs: () => zookeeper.silentMs,
    confirm: () => new Promise((resolve) => asked.push({ resolve })),
  })
  guard.start()
  return { clock, wall, asked, zookeeper, guard, check: () => guard.check(clock.nowMs()) }
}

describe('the guard against pauses', () => {
  test('lets requests through while the process runs', async () => {
    const { clock, asked, check } = make()
    for (let turn = 0; turn < 100; turn++) {
      await clock.advance(500)
      expect(check()).toBeUndefined()
    }
    expect(asked).toHaveLength(0)
  })

  test('holds the first request after a pause, before any timer ran, until ZooKeeper has answered', async () => {
    const { clock, asked, zookeeper, check } = make()
    const woken = clock.stall(7000)
    zookeeper.silentMs = 7100
    const held = check()
    expect(held).toBeInstanceOf(Promise)
    expect(check()).toBe(held)
    expect(asked).toHaveLength(1)
    asked[0]!.resolve()
    await held
    await woken
    expect(check()).toBeUndefined()
  })

  test('holds requests after a pause that a timer noticed', async () => {
    const { clock, asked, zookeeper, check } = make()
    zookeeper.silentMs = 7100
    await clock.stall(7000)
    expect(asked).toHaveLength(1)
    expect(check()).toBeInstanceOf(Promise)
  })

  test('asks also when only the wall clock shows the pause, as after the suspension of a machine', async () => {
    const { clock, wall, asked, check } = make()
    wall.offsetMs = 60_000
    await clock.advance(1000)
    expect(check()).toBeInstanceOf(Promise)
    asked[0]!.resolve()
    await check()
    expect(check()).toBeUndefined()
  })

  test('lets requests through after a pause when ZooKeeper was silent for a whole time-out before it', async () => {
    const { clock, asked, zookeeper, check } = make()
    zookeeper.silentMs = 7000 + TIMEOUT_MS + 1
    await clock.stall(7000)
    expect(check()).toBeUndefined()
    expect(asked).toHaveLength(0)
  })

  test('lets requests through after a pause that the session certainly survived', async () => {
    const { clock, asked, zookeeper, check } = make()
    zookeeper.silentMs = TIMEOUT_MS
    await clock.stall(TIMEOUT_MS - 1000)
    expect(check()).toBeUndefined()
    expect(asked).toHaveLength(0)
  })

  test('does not ask for a wall clock that is set back, nor for a pause that ends no session', async () => {
    const { clock, wall, asked, check } = make()
    wall.offsetMs = -3_600_000
    await clock.advance(1000)
    await clock.stall(TIMEOUT_MS / 2 - 1)
    expect(check()).toBeUndefined()
    expect(asked).toHaveLength(0)
  })
})
