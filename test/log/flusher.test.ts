import { expect, test } from 'vitest'
import { silentLogger } from '../../src/base/logger.ts'
import { Flusher, type Flushable } from '../../src/log/flusher.ts'
import { settle } from '../support/manual-clock.ts'

/** A log whose flush ends when the test says so. */
const makeLog = (flusher: Flusher) => {
  let running: PromiseWithResolvers<void> | undefined
  const log = {
    unsyncedBytes: 0,
    flushes: 0,
    write(bytes: number) {
      log.unsyncedBytes += bytes
      flusher.wrote(log, bytes)
    },
    async flush(): Promise<void> {
      log.flushes++
      const bytes = log.unsyncedBytes
      running = Promise.withResolvers()
      try {
        await running.promise
      } finally {
        log.unsyncedBytes -= bytes
        flusher.synced(log, bytes)
      }
    },
    end: () => running!.resolve(),
    fail: () => running!.reject(new Error('EIO')),
  }
  return log satisfies Flushable
}

test('from a quarter of the budget on the logs with the most unsynced bytes are flushed, two at a time', async () => {
  const flusher = new Flusher({ budgetBytes: 1000, logger: silentLogger })
  const [small, large, middle] = [makeLog(flusher), makeLog(flusher), makeLog(flusher)]
  small.write(10)
  large.write(130)
  middle.write(110)
  await settle()
  expect([small.flushes, large.flushes, middle.flushes]).toEqual([0, 0, 0])
  middle.write(20)
  await settle()
  expect([small.flushes, large.flushes, middle.flushes]).toEqual([0, 1, 1])
  large.end()
  middle.end()
  await flusher.idle()
  expect(flusher.unsyncedBytes).toBe(10)
})

test('appenders wait for room while the budget is used up, also when the flush that makes room fails', async () => {
  for (const outcome of ['end', 'fail'] as const) {
    const flusher = new Flusher({ budgetBytes: 100, logger: silentLogger })
    const log = makeLog(flusher)
    log.write(100)
    expect(flusher.isFull).toBe(true)
    let hasRoom = false
    const waiting = flusher.room().then(() => (hasRoom = true))
    await settle()
    expect(hasRoom).toBe(false)
    log[outcome]()
    await waiting
    expect(flusher.isFull).toBe(false)
  }
})

test('what is written while a flush runs is flushed again', async () => {
  const flusher = new Flusher({ budgetBytes: 100, logger: silentLogger })
  const log = makeLog(flusher)
  log.write(60)
  await settle()
  log.write(60)
  expect(flusher.isFull).toBe(true)
  log.end()
  await settle()
  expect([flusher.unsyncedBytes, log.flushes]).toEqual([60, 2])
  log.write(1)
  log.end()
  await flusher.idle()
  expect(flusher.unsyncedBytes).toBe(1)
})

test('a budget that other logs fill during a flush is emptied without another write', async () => {
  const flusher = new Flusher({ budgetBytes: 100, logger: silentLogger })
  const [first, second] = [makeLog(flusher), makeLog(flusher)]
  first.write(30)
  await settle()
  second.write(100)
  first.end()
  await settle()
  expect(second.flushes).toBe(1)
  second.end()
  await flusher.room()
})
