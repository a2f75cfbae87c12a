import { describe, expect, test } from 'vitest'
import { ReplicationQuota } from '../../../src/broker/replicas/replication-quota.ts'
import { defaultLogConfig } from '../../../src/log/log-config.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const scene = (side: 'leader' | 'follower' = 'leader') => {
  const clock = new ManualClock(50_000)
  let rate = 1000
  const quota = new ReplicationQuota({ side, brokerId: 3, clock, bytesPerSecond: () => rate, windows: 11, windowMs: 1000 })
  return { clock, quota, setRate: (to: number) => (rate = to) }
}
const replica = (partition: number, leaders: string[], followers: string[] = []) => ({
  partition,
  log: { config: { ...defaultLogConfig, leaderReplicationThrottledReplicas: leaders, followerReplicationThrottledReplicas: followers } },
})

describe('a replication throttle', () => {
  test('is for the replicas that the topic names, on its side', () => {
    const { quota } = scene('leader')
    expect(quota.isThrottled(replica(1, []))).toBe(false)
    expect(quota.isThrottled(replica(1, ['0:3', '1:3']))).toBe(true)
    expect(quota.isThrottled(replica(1, ['0:3', '1:30', '11:3', '3:1']))).toBe(false)
    expect(quota.isThrottled(replica(1, ['*']))).toBe(true)
    expect(quota.isThrottled(replica(1, [], ['*']))).toBe(false)
    expect(scene('follower').quota.isThrottled(replica(1, [], ['*']))).toBe(true)
  })

  test('measures over the windows that there were, the first as a whole one', async () => {
    const { clock, quota } = scene()
    expect([quota.bytesPerSecond, quota.isExceeded]).toEqual([0, false])
    quota.record(1000)
    expect([quota.bytesPerSecond, quota.isExceeded]).toEqual([1000, false])
    quota.record(1)
    expect(quota.isExceeded).toBe(true)
    await clock.advance(2000)
    expect(quota.bytesPerSecond).toBe(500.5)
    quota.record(3000)
    expect(quota.bytesPerSecond).toBe(2000.5)
  })

  test('forgets what is older than all its windows', async () => {
    const { clock, quota } = scene()
    quota.record(1_000_000)
    await clock.advance(10_999)
    expect(quota.isExceeded).toBe(true)
    await clock.advance(1)
    expect([quota.bytesPerSecond, quota.isExceeded]).toEqual([0, false])
  })

  test('lets through the rate over a minute, whoever records as soon as it may', async () => {
    const { clock, quota } = scene()
    let bytes = 0
    for (let ms = 0; ms < 60_000; ms += 10) {
      if (!quota.isExceeded) {
        quota.record(700)
        bytes += 700
      }
      await clock.advance(10)
    }
    expect(bytes / 60).toBeGreaterThan(950)
    expect(bytes / 60).toBeLessThan(1100)
  }, 20_000)

  test('takes another rate at once', () => {
    const { quota, setRate } = scene()
    quota.record(5000)
    expect(quota.isExceeded).toBe(true)
    setRate(5000)
    expect(quota.isExceeded).toBe(false)
    setRate(0)
    expect(quota.isExceeded).toBe(true)
  })
})
