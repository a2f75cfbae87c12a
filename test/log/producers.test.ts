import { describe, expect, test } from 'vitest'
import type { AppendInfo } from '../../src/log/log-types.ts'
import type { Log } from '../../src/log/log.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { buildMarker } from '../../src/protocol/records/control-record.ts'
import { settle } from '../support/manual-clock.ts'
import { append, batchOf, DIR, Machine, names, range, START_MS } from './support.ts'

type Fields = Parameters<typeof batchOf>[1]
/** A batch of two records of producer 7. */
const sent = (baseSequence: number, fields: Fields = {}): Buffer => batchOf(2, { producerId: 7, producerEpoch: 0, baseSequence, ...fields })
const send = (log: Log, baseSequence: number, fields: Fields = {}): AppendInfo =>
  log.append(sent(baseSequence, fields), { origin: 'client', leaderEpoch: 0 }) as AppendInfo
const end = (log: Log, type: 'abort' | 'commit', producerId = 7): AppendInfo =>
  log.append(buildMarker({ type, coordinatorEpoch: 0 }, { timestamp: START_MS, producerId, producerEpoch: 0 }), {
    origin: 'coordinator',
    leaderEpoch: 0,
  }) as AppendInfo
const errorOf = (call: () => unknown): string => {
  try {
    call()
  } catch (thrown) {
    return (thrown as KafkaError).error
  }
  return 'NONE'
}
const snapshots = (machine: Machine): number[] =>
  names(machine)
    .filter((name) => name.endsWith('.snapshot'))
    .map((name) => Number.parseInt(name, 10))

describe('a batch that is sent again', () => {
  test('is answered as the first time: all five that may be in flight, after a clean stop too', async () => {
    const machine = new Machine()
    let log = await machine.log()
    for (const n of range(0, 6)) send(log, 2 * n)
    for (const isRestarted of [false, true]) {
      if (isRestarted) {
        await machine.manager!.close()
        log = await machine.log()
      }
      for (const n of range(1, 6)) {
        expect(send(log, 2 * n)).toMatchObject({ firstOffset: 2 * n, lastOffset: 2 * n + 1, isDuplicate: true, logAppendTime: START_MS })
      }
      expect(errorOf(() => send(log, 0))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
      expect(errorOf(() => send(log, 14))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
      expect(log.logEndOffset).toBe(12)
    }
    expect(send(log, 12).isDuplicate).toBeUndefined()
  })

  test('is known after a kill, though the first ones in flight were in an earlier segment', async () => {
    const machine = new Machine()
    const config = { segmentBytes: 400 }
    const log = await machine.log(config)
    for (const n of range(0, 9)) send(log, 2 * n)
    expect(log.segmentCount).toBeGreaterThan(2)
    await log.flush()
    await machine.manager!.checkpointRecoveryPoints()
    machine.kill()
    const again = await machine.log(config)
    for (const n of range(4, 9)) expect(send(again, 2 * n)).toMatchObject({ firstOffset: 2 * n, isDuplicate: true })
    expect(send(again, 18)).toMatchObject({ firstOffset: 18 })
  })

  test('is known behind many batches of others, and large ones of its own', async () => {
    const machine = new Machine()
    const log = await machine.log({ maxMessageBytes: 2_000_000 })
    for (const n of range(0, 6)) {
      send(log, 2 * n, { sizeBytes: 400_000 })
      for (const other of range(0, 30)) send(log, 2 * n, { producerId: 100 + other, sizeBytes: 1000 })
    }
    await machine.manager!.close()
    const again = await machine.log({ maxMessageBytes: 2_000_000 })
    for (const producerId of [7, 100, 129]) {
      for (const n of range(1, 6)) expect(send(again, 2 * n, { producerId })).toMatchObject({ isDuplicate: true })
      expect(errorOf(() => send(again, 0, { producerId }))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    }
  })

  test('is known as far as the log still has it', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 200, retentionMs: -1 })
    for (const n of range(0, 6)) send(log, 2 * n)
    log.setHighWatermark(10)
    log.advanceLogStart(10)
    log.deleteOldSegments()
    await machine.manager!.close()
    const again = await machine.log({ segmentBytes: 200 })
    expect(again.logStartOffset).toBe(10)
    expect(send(again, 10)).toMatchObject({ firstOffset: 10, isDuplicate: true })
    expect(errorOf(() => send(again, 2))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  })
})

test('a refused or failed append leaves the producer as it was', async () => {
  const machine = new Machine()
  const log = await machine.log()
  send(log, 0)
  machine.memory.fail('write', { path: /\.log$/, partialBytes: 20 })
  expect(errorOf(() => send(log, 2))).toBe('KAFKA_STORAGE_ERROR')
  machine.memory.stopFailing()
  expect(errorOf(() => send(log, 4))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  expect(send(log, 2)).toMatchObject({ firstOffset: 2 })
})

test('what a cut took away may come again, and nothing else', async () => {
  const machine = new Machine()
  const log = await machine.log({ segmentBytes: 400 })
  for (const n of range(0, 9)) send(log, 2 * n)
  await log.truncateTo(10)
  expect(snapshots(machine).every((offset) => offset <= 10)).toBe(true)
  expect(errorOf(() => send(log, 12))).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
  for (const n of range(2, 5)) expect(send(log, 2 * n)).toMatchObject({ firstOffset: 2 * n, isDuplicate: true })
  expect(send(log, 10)).toMatchObject({ firstOffset: 10 })
})

describe('snapshots', () => {
  test('come when a segment ends and at a clean stop; they stay for the last two segments, once a checkpoint is written', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 400 })
    for (const n of range(0, 12)) send(log, 2 * n)
    await log.flush()
    await log.producers.seal(0)
    const all = snapshots(machine)
    expect(all.length).toBe(log.segmentCount - 1)
    await machine.manager!.checkpointRecoveryPoints()
    expect(snapshots(machine)).toEqual(all.slice(-2))
    await machine.manager!.close()
    expect(snapshots(machine)).toEqual([...all.slice(-2), 24])
  })

  test('go with the log start, and are not written where nobody is known', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 400 })
    for (const n of range(0, 12)) send(log, 2 * n)
    await log.producers.seal(0)
    log.setHighWatermark(24)
    log.advanceLogStart(20)
    expect(snapshots(machine).every((offset) => offset >= 20)).toBe(true)
    const other = new Machine()
    const quiet = await other.log()
    append(quiet)
    await other.manager!.close()
    expect(snapshots(other)).toEqual([])
  })

  test('of before a crash that tell of records which are lost are not believed', async () => {
    const machine = new Machine()
    const log = await machine.log()
    send(log, 0)
    await log.flush()
    send(log, 2)
    await log.producers.snapshot(4)
    machine.kill()
    // The power failed: the log lost its second batch and has got another one since, of the same size.
    const path = `${DIR}/t-0/00000000000000000000.log`
    const half = machine.memory.readFile(path)
    const other = Buffer.from(batchOf(2, { baseOffset: 2 }))
    machine.memory.writeFile(path, Buffer.concat([half.subarray(0, half.length / 2), other]))
    const again = await machine.log()
    expect(again.logEndOffset).toBe(4)
    expect(send(again, 2)).toMatchObject({ firstOffset: 4 })
  })

  test('that could not be written at a segment\u2019s end are written at the stop, and where that fails the stop is no clean one', async () => {
    for (const isFullAtStop of [false, true]) {
      const machine = new Machine()
      const config = { segmentBytes: 400 }
      const log = await machine.log(config)
      for (const n of range(0, 2)) send(log, 2 * n)
      machine.memory.fail('write', { path: /\.log$/, code: 'ENOSPC' })
      machine.memory.fail('write', { path: /\.snapshot/, code: 'ENOSPC', times: Infinity })
      expect(errorOf(() => send(log, 4, { sizeBytes: 150 }))).toBe('KAFKA_STORAGE_ERROR')
      await settle()
      if (!isFullAtStop) machine.memory.stopFailing()
      await machine.manager!.close()
      machine.memory.stopFailing()
      machine.kill()
      const again = await machine.log(config)
      expect([again.segmentCount, again.logEndOffset]).toEqual([2, 4])
      for (const n of range(0, 2)) expect(send(again, 2 * n)).toMatchObject({ firstOffset: 2 * n, isDuplicate: true })
    }
  })

  test('that are damaged or lost are done without', async () => {
    for (const damage of [Buffer.from('nonsense'), Buffer.alloc(0), undefined]) {
      const machine = new Machine()
      const log = await machine.log({ segmentBytes: 400 })
      for (const n of range(0, 9)) send(log, 2 * n)
      await machine.manager!.close()
      const last = `${DIR}/t-0/${String(18).padStart(20, '0')}.snapshot`
      if (damage) machine.memory.writeFile(last, damage)
      else machine.memory.remove(last)
      const again = await machine.log({ segmentBytes: 400 })
      expect(send(again, 16)).toMatchObject({ firstOffset: 16, isDuplicate: true })
    }
  })
})

describe('transactions', () => {
  test('hold readers of committed records back until they are ended below the high watermark', async () => {
    const log = await new Machine().log()
    send(log, 0, { isTransactional: true })
    send(log, 0, { producerId: 8 })
    log.setHighWatermark(4)
    expect(log.lastStableOffset).toBe(0)
    end(log, 'commit')
    expect(log.lastStableOffset).toBe(0)
    log.setHighWatermark(5)
    expect(log.lastStableOffset).toBe(5)
    expect(log.abortedTransactions(0, 5)).toEqual([])
  })

  test('that were aborted are found by the range that is read, over segments, restarts and kills', async () => {
    const machine = new Machine()
    const config = { segmentBytes: 500 }
    let log = await machine.log(config)
    const aborted: { producerId: number; firstOffset: number; lastOffset: number }[] = []
    const sequences = new Map<number, number>()
    for (const n of range(0, 24)) {
      const producerId = 1 + (n % 3)
      const sequence = sequences.get(producerId) ?? 0
      const { firstOffset } = send(log, sequence, { producerId, isTransactional: true })
      send(log, 4 * n, { producerId: 99 })
      send(log, 4 * n + 2, { producerId: 99 })
      sequences.set(producerId, sequence + 2)
      const { lastOffset } = end(log, n % 2 === 0 ? 'abort' : 'commit', producerId)
      if (n % 2 === 0) aborted.push({ producerId, firstOffset, lastOffset })
      if (n % 8 === 5) await machine.manager!.close()
      else if (n % 8 === 7) machine.kill()
      else continue
      log = await machine.log(config)
    }
    expect(log.segmentCount).toBeGreaterThan(5)
    for (const [from, to] of [
      [0, log.logEndOffset],
      [10, 30],
      [21, 22],
      [100, log.logEndOffset],
    ] as const) {
      const wanted = aborted.filter(({ firstOffset, lastOffset }) => lastOffset >= from && firstOffset < to)
      expect(log.abortedTransactions(from, to)).toMatchObject(wanted)
    }
    const to = log.logEndOffset
    await log.truncateTo(40)
    expect(log.abortedTransactions(0, to)).toMatchObject(aborted.filter(({ lastOffset }) => lastOffset < log.logEndOffset))
  })

  test('that are open after a cut hold readers back again', async () => {
    const log = await new Machine().log()
    send(log, 0, { isTransactional: true })
    send(log, 2, { isTransactional: true })
    end(log, 'abort')
    log.setHighWatermark(5)
    expect([log.lastStableOffset, log.abortedTransactions(0, 5).length]).toEqual([5, 1])
    await log.truncateTo(4)
    expect([log.lastStableOffset, log.abortedTransactions(0, 5).length]).toEqual([0, 0])
  })
})

test('a producer that does not write for transactional.id.expiration.ms is forgotten, by a start too', async () => {
  for (const isRestarted of [false, true]) {
    const machine = new Machine()
    let log = await machine.log({}, { producerExpirationMs: 1000 })
    send(log, 0)
    if (isRestarted) await machine.manager!.close()
    machine.wallMs += 1000
    if (isRestarted) log = await machine.log({}, { producerExpirationMs: 1000 })
    else await machine.clock.advance(600_000)
    expect(send(log, 40)).toMatchObject({ firstOffset: 2 })
  }
})
