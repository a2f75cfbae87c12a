import { afterAll, expect, test } from 'vitest'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { LogManager } from '../../src/log/log-manager.ts'
import type { LogRegion } from '../../src/log/region.ts'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { batchOf, valuesOf } from '../support/batches.ts'

const directory = temporaryDirectory('region')
const manager = await LogManager.open({
  disk: nodeDisk,
  logDirs: [directory],
  config: {
    topicDefaults: defaultLogConfig,
    retentionCheckIntervalMs: 1e9,
    flushSchedulerIntervalMs: 1e9,
    flushOffsetCheckpointIntervalMs: 1e9,
    flushStartOffsetCheckpointIntervalMs: 1e9,
    highWatermarkCheckpointIntervalMs: 1e9,
    maxOpenFiles: 100,
    dirtyBudgetBytes: 1e9,
    warmBytes: 1e9,
    recoveryThreadsPerDataDir: 1,
    producerExpirationMs: 1e9,
  },
  clocks: { monotonic: monotonicClock, wall: wallClock },
  logger: silentLogger,
  brokerId: 0,
  clusterId: 'c',
})
afterAll(async () => {
  await manager.close()
  removeDirectory(directory)
})

/** Twenty batches of two records each, in segments of about six batches. */
const filled = async (topic: string) => {
  const log = manager.getOrCreate(topic, 0, { ...defaultLogConfig, segmentBytes: 700 }, true)
  for (let batch = 0; batch < 20; batch++) {
    await log.append(batchOf([`v${batch * 2}-${'x'.repeat(10)}`, `v${batch * 2 + 1}`]), { origin: 'client', leaderEpoch: 0 })
  }
  log.setHighWatermark(log.logEndOffset)
  return log
}

const bytesOf = async (region: LogRegion | undefined, stepBytes = 37): Promise<Buffer> => {
  const bytes = Buffer.alloc(region?.sizeBytes ?? 0)
  for (let at = 0; at < bytes.length;) at += await region!.readInto(bytes.subarray(at, at + stepBytes), at)
  return bytes
}

test('a region read piece by piece holds what a read gives, from every offset', async () => {
  const log = await filled('every-offset')
  for (let offset = 0; offset < log.logEndOffset; offset++) {
    for (const maxBytes of [1, 150, 300, 10_000]) {
      const options = { maxBytes, upTo: 'highWatermark', minOneBatch: true } as const
      const { records } = await log.read(offset, options)
      expect(valuesOf(await bytesOf(await log.region(offset, options)))).toEqual(valuesOf(records))
    }
  }
})

test('a region ends below the high watermark', async () => {
  const log = manager.getOrCreate('watermark', 0, defaultLogConfig, true)
  for (const value of ['a', 'b', 'c', 'd']) await log.append(batchOf([value]), { origin: 'client', leaderEpoch: 0 })
  log.setHighWatermark(2)
  const options = { maxBytes: 10_000, upTo: 'highWatermark', minOneBatch: true } as const
  expect(valuesOf(await bytesOf(await log.region(0, options)))).toEqual(['a', 'b'])
  expect(await log.region(2, options)).toBeUndefined()
  expect(valuesOf(await bytesOf(await log.region(0, { ...options, upTo: 'logEnd' })))).toEqual(['a', 'b', 'c', 'd'])
})

test('a region does not change with later appends, and cannot be read once the log was cut', async () => {
  const log = await filled('cut')
  const region = (await log.region(30, { maxBytes: 10_000, upTo: 'logEnd', minOneBatch: true }))!
  await log.append(batchOf(['later']), { origin: 'client', leaderEpoch: 0 })
  expect(valuesOf(await bytesOf(region)).some((value) => value === 'later')).toBe(false)
  await log.truncateTo(31)
  expect(() => region.readInto(Buffer.alloc(10), 0)).toThrow('was cut')
})

test('a part of a batch comes only where no whole one was asked for', async () => {
  const log = await filled('part')
  const part = (await log.region(0, { maxBytes: 20, upTo: 'logEnd', minOneBatch: false }))!
  expect(part).toMatchObject({ sizeBytes: 20, firstEntryIncomplete: true })
})

test('readers that keep up at different paces get what they have not had, across a cut, too', async () => {
  const log = manager.getOrCreate('paces', 0, defaultLogConfig, true)
  const append = (value: string) => log.append(batchOf([value]), { origin: 'client', leaderEpoch: 0 })
  const options = { maxBytes: 10_000, upTo: 'logEnd', minOneBatch: true } as const
  const next = async (reader: { offset: number }): Promise<(string | null)[]> => {
    const values = valuesOf(await bytesOf(await log.region(reader.offset, options)))
    reader.offset = log.logEndOffset
    return values
  }
  const [fast, slow] = [{ offset: 0 }, { offset: 0 }]
  await append('a')
  expect(await next(fast)).toEqual(['a'])
  await append('b')
  expect(await next(fast)).toEqual(['b'])
  expect(await next(slow)).toEqual(['a', 'b'])
  await append('c')
  expect(await next(slow)).toEqual(['c'])
  await log.truncateTo(2)
  slow.offset = 2
  await append('C')
  expect(await next(fast)).toEqual(['C'])
  await append('d')
  expect(await next(slow)).toEqual(['C', 'd'])
  log.setHighWatermark(3)
  const seen = await log.region(2, { ...options, upTo: 'highWatermark' })
  expect(valuesOf(await bytesOf(seen))).toEqual(['C'])
})
