import { describe, expect, test } from 'vitest'
import { batchSizeOf, lastOffsetOf } from '../../src/protocol/records/record-batch.ts'
import { append, batchOf, DIR, Machine, names, offsetsOf, range, START_MS } from './support.ts'

const SEGMENT = `${DIR}/t-0/00000000000000000000`
const config = { indexIntervalBytes: 200 }

/** A killed broker with 20 batches of 2 records; the sizes of the file before and after the last append. */
const killed = async (): Promise<{ machine: Machine; before: number; after: number }> => {
  const machine = new Machine()
  const log = await machine.log(config)
  for (let i = 0; i < 19; i++) append(log, 2, { leaderEpoch: i >> 3, timestamp: START_MS + i })
  const before = log.sizeBytes
  append(log, 2, { leaderEpoch: 5, timestamp: START_MS + 19 })
  const after = log.sizeBytes
  machine.kill()
  return { machine, before, after }
}

describe('after a kill', () => {
  test('at every byte of the last append: what was whole is there, the rest is cut off, and appending goes on', async () => {
    const { machine, before, after } = await killed()
    const whole = machine.memory.readFile(`${SEGMENT}.log`)
    for (let sizeBytes = before; sizeBytes <= after; sizeBytes++) {
      machine.memory.writeFile(`${SEGMENT}.log`, whole.subarray(0, sizeBytes))
      const log = await machine.log(config)
      const end = sizeBytes === after ? 40 : 38
      expect(log.logEndOffset).toBe(end)
      expect(log.sizeBytes).toBe(end === 40 ? after : before)
      expect(log.latestEpoch).toBe(end === 40 ? 5 : 2)
      expect(append(log, 1)).toMatchObject({ firstOffset: end })
      expect(await offsetsOf(log, 30)).toEqual(range(30, end + 1))
      expect(await log.offsetForTimestamp(START_MS + 18)).toMatchObject({ offset: 36 })
      machine.kill()
    }
  })

  test('a flipped byte anywhere in the last batch cuts it off', async () => {
    const { machine, before, after } = await killed()
    const whole = machine.memory.readFile(`${SEGMENT}.log`)
    for (let at = before; at < after; at++) {
      const broken = Buffer.from(whole)
      broken[at] = broken[at]! ^ 0x55
      machine.memory.writeFile(`${SEGMENT}.log`, broken)
      const log = await machine.log(config)
      // The base offset and the epoch are not under the checksum; a later base offset cannot be told from a gap.
      const isUnprotected = at - before < 8 || (at - before >= 12 && at - before < 16)
      if (isUnprotected) expect([38, 40].includes(log.logEndOffset) || log.logEndOffset > 40).toBe(true)
      else expect(log.logEndOffset).toBe(38)
      machine.kill()
    }
  })

  test('zeros behind the last batch, as a preallocated file has them, are cut off', async () => {
    const { machine, after } = await killed()
    machine.memory.writeFile(`${SEGMENT}.log`, Buffer.concat([machine.memory.readFile(`${SEGMENT}.log`), Buffer.alloc(5000)]))
    const log = await machine.log(config)
    expect([log.logEndOffset, log.sizeBytes]).toEqual([40, after])
  })

  test('a bad batch cuts off the later segments too', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 300 })
    for (let i = 0; i < 20; i++) append(log, 2)
    machine.kill()
    const [, second] = names(machine).filter((name) => name.endsWith('.log'))
    const bytes = machine.memory.readFile(`${DIR}/t-0/${second}`)
    bytes[30] = bytes[30]! ^ 1
    machine.memory.writeFile(`${DIR}/t-0/${second}`, bytes)
    const again = await machine.log({ segmentBytes: 300 })
    const end = Number(second!.slice(0, 20))
    expect(again.logEndOffset).toBe(end)
    expect(again.segmentCount).toBe(2)
    expect(names(machine).filter((name) => name.endsWith('.log'))).toHaveLength(2)
    append(again, 1)
    expect(await offsetsOf(again)).toEqual(range(0, end + 1))
  })

  test('recovery begins at the recovery point and trusts what is before', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 300 })
    for (let i = 0; i < 20; i++) append(log, 2)
    await log.flush()
    await machine.manager!.checkpointRecoveryPoints()
    for (let i = 0; i < 20; i++) append(log, 2)
    machine.kill()
    const [first] = names(machine).filter((name) => name.endsWith('.log'))
    const bytes = machine.memory.readFile(`${DIR}/t-0/${first}`)
    bytes[100] = bytes[100]! ^ 1
    machine.memory.writeFile(`${DIR}/t-0/${first}`, bytes)
    expect((await machine.log({ segmentBytes: 300 })).logEndOffset).toBe(80)
  })

  test('an empty checkpoint and one of garbage count as none', async () => {
    const { machine } = await killed()
    for (const text of ['', 'garbage', '0\n1\n', '1\n0\n', '0\n1\nt 0 x\n', '0\n1\nt 0 99999\n']) {
      for (const name of ['recovery-point', 'replication', 'log-start']) {
        if (name !== 'log-start' || !text.includes('99999')) machine.memory.writeFile(`${DIR}/${name}-offset-checkpoint`, Buffer.from(text))
      }
      expect((await machine.log(config)).logEndOffset).toBe(40)
      machine.kill()
    }
  })

  test('an end below the start offset begins anew at the start offset', async () => {
    const { machine } = await killed()
    machine.memory.writeFile(`${DIR}/log-start-offset-checkpoint`, Buffer.from('0\n1\nt 0 500\n'))
    const log = await machine.log(config)
    expect([log.logStartOffset, log.logEndOffset]).toEqual([500, 500])
    expect(append(log, 1)).toMatchObject({ firstOffset: 500 })
  })
})

describe('indexes that are not right', () => {
  const damages: [string, (index: Buffer) => Buffer | undefined][] = [
    ['missing', () => undefined],
    ['empty', () => Buffer.alloc(0)],
    ['cut', (index) => index.subarray(0, index.length - 3)],
    ['too long', (index) => Buffer.concat([index, Buffer.alloc(20 * index.length)])],
    ['full of ones', (index) => Buffer.alloc(index.length, 0xff)],
    ['full of noise', (index) => Buffer.from(index.map((byte, i) => byte ^ ((i * 37) & 0x7f)))],
    ['pointing into batches', (index) => Buffer.from(index.map((byte, i) => (i % 8 === 7 ? byte ^ 8 : byte)))],
  ]
  for (const isClean of [true, false]) {
    describe(isClean ? 'after a clean stop' : 'after a kill', () => {
      test.each(damages)('%s: every record is found, by offset and by time', async (_name, damage) => {
        for (const suffix of ['.index', '.timeindex']) {
          const machine = new Machine()
          const log = await machine.log({ ...config, segmentBytes: 4000 })
          for (let i = 0; i < 100; i++) append(log, 2, { timestamp: START_MS + i })
          await (isClean ? machine.manager!.close() : log.flush())
          if (!isClean) machine.kill()
          for (const name of names(machine).filter((each) => each.endsWith(suffix))) {
            const bytes = damage(machine.memory.readFile(`${DIR}/t-0/${name}`))
            if (bytes) machine.memory.writeFile(`${DIR}/t-0/${name}`, bytes)
            else machine.memory.remove(`${DIR}/t-0/${name}`)
          }
          const again = await machine.log({ ...config, segmentBytes: 4000 })
          expect(again.logEndOffset).toBe(200)
          expect(await offsetsOf(again)).toEqual(range(0, 200))
          for (const offset of [0, 77, 199]) expect((await offsetsOf(again, offset))[0]).toBe(offset)
          if (suffix === '.index')
            for (const i of [0, 50, 99]) expect(await again.offsetForTimestamp(START_MS + i)).toMatchObject({ offset: 2 * i })
          expect(append(again, 1)).toMatchObject({ firstOffset: 200 })
        }
      })
    })
  }
})

describe('after a power loss', () => {
  test('a gap between two segments ends the log, except where compaction may have left it', async () => {
    const rolling = { ...config, segmentBytes: 600 }
    const machine = new Machine()
    const log = await machine.log(rolling)
    while (names(machine).filter((name) => name.endsWith('.log')).length < 3) append(log, 2)
    const end = log.logEndOffset
    machine.kill()
    // The second segment lost its second half, and nobody cut the third one.
    const second = `${DIR}/t-0/${names(machine).filter((name) => name.endsWith('.log'))[1]}`
    const whole = machine.memory.readFile(second)
    const firstBatch = batchSizeOf(whole)
    machine.memory.writeFile(second, whole.subarray(0, firstBatch))
    const compacted = await machine.log({ ...rolling, cleanupPolicy: ['compact'] })
    expect(compacted.logEndOffset).toBe(end)
    machine.kill()
    const cut = await machine.log(rolling)
    expect(cut.logEndOffset).toBe(lastOffsetOf(whole) + 1)
    append(cut, 1)
    expect(await offsetsOf(cut, 0)).toEqual(range(0, lastOffsetOf(whole) + 2))
  })

  test('everything up to the last flush is there, whatever part of the rest survived', async () => {
    for (const kept of [0, 0.3, 0.77, 1]) {
      const machine = new Machine()
      const log = await machine.log({ segmentBytes: 500 })
      for (let i = 0; i < 30; i++) append(log, 2, { leaderEpoch: i })
      await log.flush()
      await machine.manager!.checkpointRecoveryPoints()
      const flushed = log.logEndOffset
      for (let i = 0; i < 30; i++) append(log, 2, { leaderEpoch: 30 + i })
      machine.memory.losePower(kept)
      const again = await machine.log({ segmentBytes: 500 })
      expect(again.logEndOffset).toBeGreaterThanOrEqual(flushed)
      expect(await offsetsOf(again)).toEqual(range(0, again.logEndOffset))
      expect(again.epochs.entries.slice(0, 30)).toEqual(range(0, 30).map((epoch) => ({ epoch, startOffset: 2 * epoch })))
    }
  })

  test('with flush.messages=1 no acknowledged record is lost', async () => {
    const machine = new Machine()
    const log = await machine.log({ flushMessages: 1, segmentBytes: 300 })
    await machine.manager!.delete('none', 0)
    for (let i = 0; i < 10; i++) await log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 })
    machine.memory.losePower()
    expect((await machine.log({ segmentBytes: 300 })).logEndOffset).toBe(10)
  })

  test('a clean stop loses nothing', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 500, indexIntervalBytes: 50 })
    for (let i = 0; i < 30; i++) append(log, 2, { leaderEpoch: i })
    log.setHighWatermark(60)
    log.advanceLogStart(7)
    await machine.manager!.close()
    machine.memory.losePower()
    expect(machine.memory.stat(`${DIR}/.kafka_cleanshutdown`)).toBeDefined()
    const again = await machine.log({ segmentBytes: 500 })
    expect([again.logStartOffset, again.highWatermark, again.logEndOffset, again.latestEpoch]).toEqual([7, 60, 60, 29])
    expect(await offsetsOf(again)).toEqual(range(7, 60))
    expect(machine.memory.stat(`${DIR}/.kafka_cleanshutdown`)).toBeUndefined()
  })
})
