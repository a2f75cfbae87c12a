import { describe, expect, test } from 'vitest'
import { append, batchOf, batchOffsets, DIR, Machine, names, offsetsOf, range, START_MS, TOPIC, topicConfig } from './support.ts'

const error = (name: string) => expect.objectContaining({ error: name })
const options = { maxBytes: 1 << 20, upTo: 'logEnd', minOneBatch: false } as const

describe('appending', () => {
  test('numbers records one after the other and stamps the epoch', async () => {
    const log = await new Machine().log()
    expect(append(log, 3, { leaderEpoch: 7 })).toMatchObject({ firstOffset: 0, lastOffset: 2, logAppendTime: -1, logStartOffset: 0 })
    expect(append(log, 2, { leaderEpoch: 8, timestamp: START_MS + 5 })).toMatchObject({
      firstOffset: 3,
      lastOffset: 4,
      maxTimestamp: START_MS + 5,
      offsetOfMaxTimestamp: 4,
    })
    expect(log.logEndOffset).toBe(5)
    expect(log.epochs.entries).toEqual([
      { epoch: 7, startOffset: 0 },
      { epoch: 8, startOffset: 3 },
    ])
    expect(await offsetsOf(log)).toEqual([0, 1, 2, 3, 4])
  })

  test('keeps the offsets and epochs of a leader, gaps too, and refuses what it has already', async () => {
    const log = await new Machine().log()
    const fromLeader = (baseOffset: number) => batchOf(2, { baseOffset, partitionLeaderEpoch: 4 })
    const replicate = { origin: 'replication', leaderEpoch: -1 } as const
    expect(log.append(fromLeader(10), replicate)).toMatchObject({ firstOffset: 10, lastOffset: 11 })
    expect(log.append(Buffer.concat([fromLeader(20), fromLeader(30), fromLeader(40).subarray(0, 50)]), replicate)).toMatchObject({
      lastOffset: 31,
    })
    expect(() => log.append(fromLeader(31), replicate)).toThrow(error('OFFSET_OUT_OF_RANGE'))
    expect(() => log.append(Buffer.concat([fromLeader(40), fromLeader(41)]), replicate)).toThrow(error('CORRUPT_MESSAGE'))
    expect(log.epochs.entries).toEqual([{ epoch: 4, startOffset: 10 }])
    expect(await offsetsOf(log)).toEqual([10, 11, 20, 21, 30, 31])
  })

  test('writes the wall clock into the batches where the topic says LogAppendTime', async () => {
    const log = await new Machine().log({ messageTimestampType: 'LogAppendTime' })
    expect(append(log, 1, { timestamp: 5 })).toMatchObject({ logAppendTime: START_MS, maxTimestamp: START_MS })
  })

  test('refuses a wrong checksum, a batch beyond max.message.bytes, an append beyond segment.bytes, and nothing of it is written', async () => {
    const log = await new Machine().log({ maxMessageBytes: 2000, segmentBytes: 3000 })
    append(log)
    const sizeBytes = log.sizeBytes
    const broken = batchOf(1)
    broken[70] = broken[70]! ^ 1
    const client = { origin: 'client', leaderEpoch: 0 } as const
    expect(() => log.append(broken, client)).toThrow(error('CORRUPT_MESSAGE'))
    expect(() => log.append(Buffer.alloc(5), client)).toThrow(error('CORRUPT_MESSAGE'))
    expect(() => append(log, 1, { sizeBytes: 2000 })).toThrow(error('MESSAGE_TOO_LARGE'))
    log.config = { ...log.config, maxMessageBytes: 4000 }
    expect(() => append(log, 1, { sizeBytes: 3500 })).toThrow(error('RECORD_LIST_TOO_LARGE'))
    expect(log).toMatchObject({ logEndOffset: 1, sizeBytes })
    expect(append(log)).toMatchObject({ firstOffset: 1 })
  })

  test('takes what a leader stored, although segment.bytes is smaller here by now', async () => {
    const log = await new Machine().log({ maxMessageBytes: 2000, segmentBytes: 3000 })
    const large = Buffer.concat(range(0, 2).map((i) => batchOf(1, { sizeBytes: 1900, baseOffset: i })))
    expect(log.append(large, { origin: 'replication', leaderEpoch: 0 })).toMatchObject({ lastOffset: 1 })
  })

  test('appends that must be decompressed come in the order of the calls', async () => {
    const log = await new Machine().log({ compressionType: 'gzip' })
    const infos = await Promise.all([
      log.append(batchOf(100, { sizeBytes: 1000 }), { origin: 'client', leaderEpoch: 0 }),
      log.append(batchOf(1), { origin: 'client', leaderEpoch: 0 }),
      log.append(batchOf(2), { origin: 'client', leaderEpoch: 0 }),
    ])
    expect(infos.map((info) => info.firstOffset)).toEqual([0, 100, 101])
    expect(await offsetsOf(log)).toEqual(range(0, 103))
  })
})

describe('reading', () => {
  test('gives whole batches within the bound, from the batch that holds the offset', async () => {
    const log = await new Machine().log()
    const { sizeBytes } = append(log, 3)
    append(log, 3)
    append(log, 3)
    const read = async (offset: number, maxBytes: number, minOneBatch = false) => log.read(offset, { ...options, maxBytes, minOneBatch })
    expect(batchOffsets((await read(4, sizeBytes * 2)).records)).toEqual([3, 6])
    expect((await read(4, sizeBytes * 2)).records).toHaveLength(sizeBytes * 2)
    expect(batchOffsets((await read(4, sizeBytes * 2 - 1)).records)).toEqual([3])
    expect(await read(4, sizeBytes - 1)).toMatchObject({ firstEntryIncomplete: true, records: { length: sizeBytes - 1 } })
    expect(await read(4, 0)).toMatchObject({ firstEntryIncomplete: true, records: { length: 0 } })
    expect(batchOffsets((await read(4, 0, true)).records)).toEqual([3])
    expect((await read(9, 1000, true)).records).toHaveLength(0)
  })

  test('ends at the high watermark or a given offset', async () => {
    const log = await new Machine().log()
    for (let i = 0; i < 4; i++) append(log, 2)
    expect(log.setHighWatermark(4)).toBe(4)
    expect(batchOffsets((await log.read(0, { ...options, upTo: 'highWatermark' })).records)).toEqual([0, 2])
    expect((await log.read(4, { ...options, upTo: 'highWatermark' })).records).toHaveLength(0)
    expect((await log.read(6, { ...options, upTo: 'highWatermark' })).records).toHaveLength(0)
    expect(batchOffsets((await log.read(2, { ...options, upTo: 7, minOneBatch: true })).records)).toEqual([2, 4])
    expect((await log.read(4, { ...options, upTo: 5, minOneBatch: true })).records).toHaveLength(0)
    expect(log.setHighWatermark(100)).toBe(8)
  })

  test('outside of the log is an error, its end is not', async () => {
    const log = await new Machine().log()
    append(log, 5)
    log.setHighWatermark(5)
    log.advanceLogStart(2)
    expect((await log.read(5, options)).records).toHaveLength(0)
    for (const offset of [1, 6]) expect(() => log.read(offset, options)).toThrow(error('OFFSET_OUT_OF_RANGE'))
    expect(() => log.advanceLogStart(6)).toThrow(error('OFFSET_OUT_OF_RANGE'))
  })

  test('finds every offset through the index, over segments, warm and cold, for batches larger than a window', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 200_000, indexIntervalBytes: 1000 })
    for (let i = 0; i < 300; i++) append(log, 1 + (i % 3), { sizeBytes: i % 40 === 0 ? 30_000 : 100 * (i % 9) })
    const end = log.logEndOffset
    expect(log.segmentCount).toBeGreaterThan(2)
    const check = async (from: typeof log) => {
      for (let offset = 0; offset < end; offset++) {
        const { records } = await from.read(offset, { maxBytes: 1, upTo: 'logEnd', minOneBatch: true })
        const [first] = batchOffsets(records)
        expect(first! <= offset && offset - first! < 3 && batchOffsets(records).length === 1).toBe(true)
      }
    }
    await check(log)
    await machine.manager!.close()
    const again = await machine.log({ segmentBytes: 200_000 })
    expect(again.logEndOffset).toBe(end)
    await check(again)
    expect(await offsetsOf(again, 0, 50_000)).toEqual(range(0, end))
  })

  test('what was cut during a cold read is not given', async () => {
    const machine = new Machine()
    const before = await machine.log()
    append(before, 5)
    append(before, 5)
    await machine.manager!.close()
    const log = await machine.log()
    append(log, 10)
    const reading = log.read(5, options)
    expect(reading).toBeInstanceOf(Promise)
    await log.truncateTo(5)
    await expect(reading).resolves.toMatchObject({ records: { length: 0 } })
  })
})

describe('searching by time', () => {
  test('gives the first record at or after the timestamp, over segments and batches', async () => {
    const log = await new Machine().log({ segmentBytes: 1000, indexIntervalBytes: 1 })
    for (let i = 0; i < 50; i++) append(log, 2, { timestamp: START_MS + 10 * i, leaderEpoch: i >> 4, sizeBytes: 50 })
    expect(log.segmentCount).toBeGreaterThan(5)
    for (let i = 0; i < 50; i++) {
      const wanted = { offset: 2 * i, timestamp: START_MS + 10 * i, leaderEpoch: i >> 4 }
      expect(await log.offsetForTimestamp(START_MS + 10 * i)).toEqual(wanted)
      expect(await log.offsetForTimestamp(START_MS + 10 * i - 9)).toEqual(wanted)
    }
    expect(await log.offsetForTimestamp(START_MS + 491)).toBeUndefined()
    expect(await log.offsetForTimestamp(0)).toMatchObject({ offset: 0 })
    log.setHighWatermark(100)
    log.advanceLogStart(31)
    expect(await log.offsetForTimestamp(0)).toMatchObject({ offset: 31 })
  })

  test('timestamps beyond 2^53 are exact', async () => {
    const log = await new Machine().log({ indexIntervalBytes: 1 })
    const largest = 2n ** 63n - 1n
    for (const timestamp of [START_MS, 2n ** 60n, largest - 1n, largest]) append(log, 1, { timestamp: timestamp as number })
    expect(await log.offsetForTimestamp(largest)).toEqual({ offset: 3, timestamp: largest, leaderEpoch: 0 })
    expect(await log.offsetForTimestamp(largest - 1n)).toMatchObject({ offset: 2 })
  })
})

describe('segments', () => {
  test('roll by size, with the files that Kafka has', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 250 })
    const { sizeBytes } = append(log, 3)
    expect(sizeBytes).toBeLessThan(125)
    append(log, 3)
    append(log, 3)
    expect(names(machine)).toEqual(
      ['00000000000000000000', '00000000000000000006'].flatMap((base) => ['.index', '.log', '.timeindex'].map((suffix) => base + suffix)),
    )
  })

  test('roll by time: by the timestamps of the records, or by the clock where records have none', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentMs: 1000 })
    append(log, 1, { timestamp: START_MS })
    machine.wallMs += 5000
    append(log, 1, { timestamp: START_MS + 1000 })
    expect(log.segmentCount).toBe(1)
    append(log, 1, { timestamp: START_MS + 1001 })
    expect(log.segmentCount).toBe(2)
    const untimed = machine.manager!.getOrCreate('untimed', 0, log.config, true)
    append(untimed, 1, { timestamp: -1 })
    machine.wallMs += 1000
    append(untimed, 1, { timestamp: -1 })
    expect(untimed.segmentCount).toBe(1)
    machine.wallMs += 1
    append(untimed, 1, { timestamp: -1 })
    expect(untimed.segmentCount).toBe(2)
  })

  test('roll earlier by the jitter', async () => {
    const machine = new Machine()
    const config = { segmentMs: 1000, segmentJitterMs: 500 }
    const manager = await machine.start({ random: () => 0.5 })
    const log = manager.getOrCreate(TOPIC, 0, topicConfig(config), true)
    append(log, 1, { timestamp: START_MS })
    append(log, 1, { timestamp: START_MS + 750 })
    expect(log.segmentCount).toBe(1)
    append(log, 1, { timestamp: START_MS + 751 })
    expect(log.segmentCount).toBe(2)
  })

  test('roll when an index is full and when an offset is out of reach of the base', async () => {
    const log = await new Machine().log({ indexIntervalBytes: 0, segmentIndexBytes: 36 })
    for (let i = 0; i < 10; i++) append(log, 1, { timestamp: START_MS + i })
    expect(log.segmentCount).toBe(4)
    const far = await new Machine().log()
    for (const baseOffset of [0, 2 ** 31 - 1, 2 ** 31, 2 ** 40])
      await far.append(batchOf(1, { baseOffset }), { origin: 'replication', leaderEpoch: 0 })
    expect(far.segmentCount).toBe(3)
    expect(await offsetsOf(far)).toEqual([0, 2 ** 31 - 1, 2 ** 31, 2 ** 40])
  })

  test('index entries come as in Kafka: the last offset and the position of the append that follows more than index.interval.bytes', async () => {
    const machine = new Machine()
    const log = await machine.log({ indexIntervalBytes: 250 })
    const sizes = range(0, 8).map((i) => append(log, 2, { timestamp: START_MS + (i === 5 ? 100 : i) }).sizeBytes)
    expect(new Set(sizes)).toEqual(new Set([sizes[0]]))
    await machine.manager!.close()
    const size = sizes[0]!
    const file = (suffix: string) => machine.memory.readFile(`${DIR}/t-0/00000000000000000000${suffix}`)
    const every = Math.floor(250 / size) + 1
    const indexed = range(1, 8).filter((i) => i % every === 0)
    const index = Buffer.alloc(indexed.length * 8)
    indexed.forEach((i, at) => {
      index.writeInt32BE(2 * i + 1, at * 8)
      index.writeInt32BE(i * size, at * 8 + 4)
    })
    expect(file('.index')).toEqual(index)
    const times: [number, number][] = indexed.map((i) => (i < 5 ? [i, 2 * i + 1] : [100, 11]))
    if (times.at(-1)![0] !== 100) times.push([100, 11])
    const timeIndex = Buffer.alloc(times.length * 12)
    times.forEach(([ms, offset], at) => {
      timeIndex.writeBigInt64BE(BigInt(START_MS + ms), at * 12)
      timeIndex.writeInt32BE(offset, at * 12 + 8)
    })
    expect(file('.timeindex')).toEqual(timeIndex)
  })
})

describe('cutting', () => {
  test('drops whole batches from the one that reaches the offset, later segments, and later epochs', async () => {
    const machine = new Machine()
    const log = await machine.log({ segmentBytes: 400, indexIntervalBytes: 100, fileDeleteDelayMs: 1000 })
    for (let i = 0; i < 20; i++) append(log, 2, { leaderEpoch: i >> 2, timestamp: START_MS + i })
    log.setHighWatermark(40)
    await log.truncateTo(13)
    expect([log.logEndOffset, log.highWatermark]).toEqual([12, 12])
    expect(await offsetsOf(log)).toEqual(range(0, 12))
    expect(log.epochs.entries.map(({ epoch }) => epoch)).toEqual([0, 1])
    expect(append(log, 1, { leaderEpoch: 9 })).toMatchObject({ firstOffset: 12 })
    expect(await log.offsetForTimestamp(START_MS + 5)).toMatchObject({ offset: 10 })
    expect(names(machine).filter((name) => name.endsWith('.snapshot') && parseInt(name, 10) > 12)).toEqual([])
    expect(names(machine).some((name) => name.endsWith('.log.deleted'))).toBe(true)
    await machine.clock.advance(1000)
    expect(names(machine).some((name) => name.endsWith('.deleted'))).toBe(false)
    machine.memory.losePower()
    const again = await machine.log()
    expect(again.logEndOffset).toBe(12)
    expect(again.latestEpoch).toBe(1)
  })

  test('at or beyond the end only forgets epochs without records', async () => {
    const log = await new Machine().log()
    append(log, 2, { leaderEpoch: 1 })
    log.assignLeaderEpoch(5)
    expect(log.latestEpoch).toBe(5)
    await log.truncateTo(2)
    expect(log).toMatchObject({ logEndOffset: 2, latestEpoch: 1 })
  })

  test('starts over at any offset', async () => {
    const machine = new Machine()
    const log = await machine.log()
    append(log, 5)
    await log.truncateFullyAndStartAt(1000)
    expect(log).toMatchObject({ logStartOffset: 1000, logEndOffset: 1000, highWatermark: 1000, latestEpoch: undefined })
    expect(append(log, 2)).toMatchObject({ firstOffset: 1000 })
    await log.truncateTo(400)
    expect(log).toMatchObject({ logStartOffset: 400, logEndOffset: 400 })
    await machine.manager!.close()
    expect(await machine.log()).toMatchObject({ logStartOffset: 400, logEndOffset: 400 })
  })
})

describe('leader epochs', () => {
  test('answer where an epoch ended as Kafka does', async () => {
    const log = await new Machine().log()
    append(log, 10, { leaderEpoch: 2 })
    append(log, 10, { leaderEpoch: 5 })
    expect(log.endOffsetForEpoch(5)).toEqual({ epoch: 5, endOffset: 20 })
    expect(log.endOffsetForEpoch(4)).toEqual({ epoch: 2, endOffset: 10 })
    expect(log.endOffsetForEpoch(2)).toEqual({ epoch: 2, endOffset: 10 })
    expect(log.endOffsetForEpoch(1)).toEqual({ epoch: 1, endOffset: 0 })
    expect(log.endOffsetForEpoch(6)).toBeUndefined()
    expect(log.endOffsetForEpoch(-1)).toBeUndefined()
  })

  test('entries that contradict the newest one go', async () => {
    const { epochs } = await new Machine().log()
    epochs.assign(1, 0)
    epochs.assign(2, 10)
    epochs.assign(3, 20)
    epochs.assign(4, 10)
    expect(epochs.entries).toEqual([
      { epoch: 1, startOffset: 0 },
      { epoch: 4, startOffset: 10 },
    ])
    epochs.assign(4, 12)
    expect(epochs.latest).toBe(4)
    epochs.truncateFromStart(5)
    expect(epochs.entries).toEqual([
      { epoch: 1, startOffset: 5 },
      { epoch: 4, startOffset: 10 },
    ])
    epochs.truncateFromEnd(10)
    expect(epochs.entries).toEqual([{ epoch: 1, startOffset: 5 }])
  })
})
