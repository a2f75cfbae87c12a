import { describe, expect, test } from 'vitest'
import { append, batchOf, DIR, Machine, names, offsetsOf, range } from './support.ts'

const error = (name: string) => expect.objectContaining({ error: name })
const storageError = error('KAFKA_STORAGE_ERROR')

describe('a failed append', () => {
  test.each([0, 1, 60, 100])('that wrote %i bytes leaves the log as it was, and the next one takes its offset', async (partialBytes) => {
    const machine = new Machine()
    const log = await machine.log({ indexIntervalBytes: 0 })
    append(log, 3)
    const sizeBytes = log.sizeBytes
    for (const code of ['ENOSPC', 'EDQUOT']) {
      machine.memory.fail('write', { code, partialBytes, path: /\.log$/ })
      expect(() => append(log, 2)).toThrow(storageError)
      expect([log.logEndOffset, log.sizeBytes, log.latestEpoch]).toEqual([3, sizeBytes, 0])
      expect(machine.memory.stat(`${DIR}/t-0/00000000000000000000.log`)!.sizeBytes).toBe(sizeBytes)
    }
    expect(append(log, 2)).toMatchObject({ firstOffset: 3 })
    expect(await offsetsOf(log)).toEqual(range(0, 5))
    machine.kill()
    expect((await machine.log()).logEndOffset).toBe(5)
  })

  test('because the medium is broken takes the directory offline', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 3)
    machine.memory.fail('write', { code: 'EIO', path: /\.log$/ })
    expect(() => append(log, 2)).toThrow(storageError)
    expect(machine.manager!.directories[0]!.isOnline).toBe(false)
    machine.kill()
    expect((await machine.log()).logEndOffset).toBe(3)
  })

  test('that cannot be cut back takes the directory offline, in words', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 3)
    machine.memory.fail('write', { partialBytes: 10, path: /\.log$/ })
    machine.memory.fail('truncate', { code: 'EIO' })
    expect(() => append(log, 2)).toThrow(storageError)
    expect(() => append(log, 2)).toThrow('log directory /logs is offline')
    expect(() => log.read(0, { maxBytes: 1, upTo: 'logEnd', minOneBatch: true })).toThrow(storageError)
    expect(() => machine.manager!.getOrCreate('new', 0, log.config, true)).toThrow(storageError)
    expect((await machine.manager!.directories[0]!.failed).message).toContain('could not be cut back')
    await machine.manager!.close()
    expect(machine.memory.stat(`${DIR}/.kafka_cleanshutdown`)).toBeUndefined()
    machine.kill()
    expect((await machine.log()).logEndOffset).toBe(3)
  })

  test('stays cut on the medium too, also when the segment is rolled next', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 400 })
    append(log, 3)
    await log.flush()
    machine.memory.fail('write', { path: /\.log$/, partialBytes: 100 })
    expect(() => append(log, 5)).toThrow(storageError)
    // The kernel wrote the partial bytes on its own before they were cut off again.
    const path = `${DIR}/t-0/00000000000000000000.log`
    const whole = machine.memory.readFile(path)
    machine.memory.writeFile(path, Buffer.concat([whole, Buffer.alloc(100, 1)]))
    const file = machine.memory.open(path, 'update')
    file.truncateSync(whole.length)
    file.close()
    append(log, 10, { sizeBytes: 20 })
    expect(log.segmentCount).toBe(2)
    await machine.manager!.close()
    machine.memory.losePower()
    expect(machine.memory.readFile(path)).toEqual(whole)
    expect(await offsetsOf(await machine.log())).toEqual(range(0, 13))
  })

  test('at a roll leaves the old segment active', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 200 })
    append(log, 5)
    for (const nth of [1, 2, 3]) {
      machine.memory.fail('open', { code: 'EMFILE', nth, path: /00000000000000000005/ })
      expect(() => append(log, 5)).toThrow(storageError)
      expect([log.segmentCount, log.logEndOffset]).toEqual([1, 5])
    }
    append(log, 5)
    expect([log.segmentCount, log.logEndOffset]).toEqual([2, 10])
    expect(await offsetsOf(log)).toEqual(range(0, 10))
  })

  // KAFKA-7866
  test('of an index never takes or repeats an offset', async () => {
    const machine = new Machine()
    const log = await machine.log({ indexIntervalBytes: 0 })
    machine.memory.fail('write', { times: Infinity, path: /index$/ })
    for (let i = 0; i < 1200; i++) append(log, 1)
    expect(await offsetsOf(log, 0, 100_000)).toEqual(range(0, 1200))
    machine.memory.stopFailing()
    for (let i = 0; i < 100; i++) append(log, 1)
    await machine.manager!.close()
    const again = await machine.log()
    expect(await offsetsOf(again, 0, 100_000)).toEqual(range(0, 1300))
    expect((await offsetsOf(again, 1250))[0]).toBe(1250)
  })
})

describe('a failed fsync', () => {
  test('is not tried again as if it had worked: the directory is offline and is recovered at the next start', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 3)
    machine.memory.fail('sync', { path: /\.log$/ })
    await expect(log.flush()).rejects.toThrow(storageError)
    expect(log.recoveryPoint).toBe(0)
    await expect(log.flush()).rejects.toThrow('offline')
    expect(() => append(log)).toThrow(storageError)
    await machine.manager!.close()
    expect(machine.memory.stat(`${DIR}/.kafka_cleanshutdown`)).toBeUndefined()
  })

  test('fails the appends that wait for it', async () => {
    const machine = new Machine()
    const log = await machine.log({ flushMessages: 1 })
    machine.memory.fail('sync', { path: /\.log$/ })
    await expect(log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 })).rejects.toThrow(storageError)
  })

  test.each(['syncDirectory', 'rename'] as const)('so with %s', async (operation) => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 1)
    machine.memory.fail(operation)
    await expect(log.flush()).rejects.toThrow(storageError)
    expect(machine.manager!.directories[0]!.isOnline).toBe(false)
  })

  test('of a roll in the background takes the directory offline', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 200 })
    append(log, 5)
    machine.memory.fail('sync', { path: /\.timeindex$/ })
    append(log, 5)
    await machine.manager!.flusher.idle()
    expect(() => append(log, 1)).toThrow('offline')
  })
})

describe('a failed read', () => {
  test('for want of descriptors is an error of this read alone', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 3)
    machine.memory.fail('read', { code: 'EMFILE', path: /\.log$/ })
    expect(() => log.read(0, { maxBytes: 100, upTo: 'logEnd', minOneBatch: true })).toThrow(storageError)
    expect(await offsetsOf(log)).toEqual([0, 1, 2])
  })

  test('because the medium is broken takes the directory offline, also while the records are being sent', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 3)
    const region = await log.region(0, { maxBytes: 1000, upTo: 3, minOneBatch: true })
    machine.memory.fail('read', { code: 'EIO', path: /\.log$/ })
    expect(() => region!.readInto(Buffer.alloc(1000), 0)).toThrow(storageError)
    expect(machine.manager!.directories[0]!.isOnline).toBe(false)
    expect(() => log.read(0, { maxBytes: 100, upTo: 'logEnd', minOneBatch: true })).toThrow('offline')
  })
})

describe('concurrent flushes', () => {
  test('do not mind that retention deletes a segment under them', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 150, retentionMs: 1, fileDeleteDelayMs: 0 })
    for (let i = 0; i < 8; i++) append(log, 2)
    log.setHighWatermark(16)
    machine.wallMs += 1000
    const slow = Promise.withResolvers<void>()
    machine.memory.syncsWaitFor = slow.promise
    const flushing = log.flush()
    expect(log.deleteOldSegments()).toBe(8)
    await machine.clock.advance(0)
    expect(names(machine).some((name) => name.includes('.deleted'))).toBe(false)
    slow.resolve()
    await flushing
    await log.flush()
    expect(machine.manager!.directories[0]!.isOnline).toBe(true)
    expect(append(log, 1)).toMatchObject({ firstOffset: 16 })
  })

  test('share one fsync, and what came while it ran has the next one', async () => {
    const machine = new Machine()
    const log = await machine.log({ flushMessages: 1 })
    await log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 })
    const before = machine.memory.calls.sync ?? 0
    await Promise.all(range(0, 20).map(async () => log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 })))
    expect(machine.memory.calls.sync! - before).toBeLessThanOrEqual(2)
    expect(log.recoveryPoint).toBe(21)
  })
})

describe('the budget of unsynced bytes', () => {
  test('makes appends wait for the medium, in order, and lets them go on', async () => {
    const machine = new Machine()
    const log = await machine.log({}, { dirtyBudgetBytes: 2000 })
    const infos = range(0, 100).map(() => log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 }))
    expect(infos.some((info) => info instanceof Promise)).toBe(true)
    const offsets = (await Promise.all(infos.map((info) => Promise.resolve(info)))).map((info) => info.firstOffset)
    expect(offsets).toEqual(range(0, 100))
    await machine.manager!.flusher.idle()
    expect(machine.manager!.flusher.unsyncedBytes).toBeLessThan(2000)
    expect(log.recoveryPoint).toBeGreaterThan(0)
    expect(names(machine)).toContain('leader-epoch-checkpoint')
  })
})
