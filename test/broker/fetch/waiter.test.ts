import { afterEach, beforeEach, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { FetchWaiter, type Moved, WakeQueue } from '../../../src/broker/fetch/waiter.ts'

const partition = { waiters: new Set<FetchWaiter>() }
const open: FetchWaiter[] = []
let woken: string[] = []
let wakes: WakeQueue

const wait = (name: string, awaits: Moved): void => {
  const waiter = new FetchWaiter([partition], { awaits, clock: monotonicClock, maxWaitMs: 60_000, signal: new AbortController().signal })
  open.push(waiter)
  void waiter.changed().then(() => woken.push(name))
}
const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

beforeEach(() => {
  wakes = new WakeQueue()
  woken = []
  wait('follower', 'logEnd')
  wait('consumer', 'visible')
})
afterEach(() => {
  for (const waiter of open.splice(0)) waiter.end()
  expect(partition.waiters.size).toBe(0)
})

test('an append wakes followers, a high watermark that moved wakes consumers', async () => {
  wakes.wake(partition.waiters, 'logEnd')
  await turn()
  expect(woken).toEqual(['follower'])
  wakes.wake(partition.waiters, 'visible')
  await turn()
  expect(woken).toEqual(['follower', 'consumer'])
})

test('another leader is news for everybody', async () => {
  wakes.wake(partition.waiters)
  await turn()
  expect(woken).toEqual(['follower', 'consumer'])
})
