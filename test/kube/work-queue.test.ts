import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { keyText, type Key, type Result } from '../../src/kube/types.ts'
import { WorkQueue } from '../../src/kube/work-queue.ts'
import { collectGarbage } from '../../src/operator/heap.ts'
import { ManualClock } from '../support/manual-clock.ts'

const key = (name: string): Key => ({ namespace: 'ns', name })
const turn = () => new Promise((resolve) => setImmediate(resolve))
const turns = async (count = 5) => {
  for (let i = 0; i < count; i++) await turn()
}

const queueOf = (
  work: (key: Key, signal: AbortSignal) => Promise<Result>,
  options: Partial<{ concurrency: number; deadlineMs: number }> = {},
) => {
  const clock = new ManualClock()
  const queue = new WorkQueue({ name: 'test', work, clock, logger: silentLogger, random: () => 1, baseMs: 100, maxMs: 1000, ...options })
  queue.start()
  return { clock, queue }
}

test('ten thousand changes of one object are at most two more looks', async () => {
  let runs = 0
  const { queue } = queueOf(async () => {
    runs++
    await turn()
    return {}
  })
  for (let i = 0; i < 10_000; i++) queue.add(key('a'))
  await Promise.resolve()
  for (let i = 0; i < 10_000; i++) queue.add(key('a'))
  await turns(10)
  expect(runs).toBeLessThanOrEqual(3)
  expect(queue.size).toBe(0)
})

test('the work of one object never overlaps with itself; other objects go on', async () => {
  let now = 0
  let most = 0
  const ends: (() => void)[] = []
  const seen: string[] = []
  const { queue } = queueOf(async (k) => {
    seen.push(k.name)
    if (k.name !== 'a') return {}
    most = Math.max(most, ++now)
    await new Promise<void>((resolve) => ends.push(resolve))
    now--
    return {}
  })
  queue.add(key('a'))
  await turns()
  queue.add(key('a'))
  queue.add(key('b'))
  await turns()
  expect(seen).toEqual(['a', 'b'])
  ends[0]!()
  await turns()
  expect(seen).toEqual(['a', 'b', 'a'])
  ends[1]!()
  await turns()
  expect(most).toBe(1)
})

test('no more run at once than may', async () => {
  let now = 0
  let most = 0
  const { queue } = queueOf(
    async () => {
      most = Math.max(most, ++now)
      await turn()
      now--
      return {}
    },
    { concurrency: 3 },
  )
  for (let i = 0; i < 50; i++) queue.add(key(`k${i}`))
  await turns(60)
  expect(most).toBe(3)
  expect(queue.counters.runs).toBe(50)
})

test('one that fails waits twice as long each time, and begins anew after it went well', async () => {
  let fails = 4
  const at: number[] = []
  const { clock, queue } = queueOf(async () => {
    at.push(clock.nowMs())
    if (fails-- > 0) throw new Error('no')
    return {}
  })
  const start = clock.nowMs()
  queue.add(key('a'))
  await turns()
  for (let i = 0; i < 30; i++) {
    await clock.advance(50)
    await turns(3)
  }
  expect(at.map((ms) => ms - start)).toEqual([0, 100, 300, 700, 1500])
  expect(queue.size).toBe(0)
})

test('a look that is asked for later comes then, or at once when something changes', async () => {
  let runs = 0
  const { clock, queue } = queueOf(async () => {
    runs++
    return runs === 1 ? { requeueAfterMs: 5000 } : {}
  })
  queue.add(key('a'))
  await turns()
  await clock.advance(4999)
  await turns()
  expect(runs).toBe(1)
  await clock.advance(1)
  await turns()
  expect(runs).toBe(2)
})

test('a run that hangs gives its place away at the deadline, and its signal is aborted', async () => {
  const done: string[] = []
  let aborted = false
  const { clock, queue } = queueOf(
    (k, signal) => {
      done.push(keyText(k))
      if (k.name !== 'hangs') return Promise.resolve({})
      signal.addEventListener('abort', () => (aborted = true))
      return new Promise<Result>(() => {})
    },
    { concurrency: 1, deadlineMs: 1000 },
  )
  queue.add(key('hangs'))
  queue.add(key('next'))
  await turns()
  expect(done).toEqual(['ns/hangs'])
  expect(queue.oldestRunMs()).toBe(0)
  await clock.advance(1000)
  await turns()
  expect(done).toEqual(['ns/hangs', 'ns/next'])
  expect(aborted).toBe(true)
  expect(queue.oldestRunMs()).toBe(1000)
})

test('runs that have ended leave nothing behind', async () => {
  const runs: WeakRef<object>[] = []
  const { queue } = queueOf(async (_key, signal) => {
    // As a reconcile does: it listens to the signal, and what listens holds all that it read.
    const read = { name: 'a Secret' }
    runs.push(new WeakRef(read))
    signal.addEventListener('abort', () => read.name.trim())
    await turn()
    return {}
  })
  for (let n = 0; n < 50; n++) queue.add(key(`k${n}`))
  await turns(20)
  expect(queue.counters.successes).toBe(50)
  collectGarbage()
  await turns()
  collectGarbage()
  expect(runs.filter((run) => run.deref()).length).toBeLessThanOrEqual(1)
})
