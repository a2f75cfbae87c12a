import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { WorkerPool } from '../../src/base/worker-pool.ts'
import { batches, codecOf } from '../../src/protocol/records/record-batch.ts'
import { append, batchOf, Machine, offsetsOf, range, START_MS, TOPIC, topicConfig } from './support.ts'

const root = mkdtempSync(join(tmpdir(), 'sofakafka-log-'))
const pool = new WorkerPool({ size: 2 })
afterAll(async () => {
  await pool.close()
  rmSync(root, { recursive: true, force: true })
})

test('a large segment is recovered in a thread, to the same files', async () => {
  const logDirs = [join(root, 'large')]
  const first = await new Machine(nodeDisk).start({ logDirs, pool })
  const log = first.getOrCreate(TOPIC, 0, topicConfig(), true)
  for (let i = 0; i < 60; i++) append(log, 10, { sizeBytes: 10_000, timestamp: START_MS + i, leaderEpoch: i >> 4 })
  await first.close()
  const file = (suffix: string) => join(root, 'large', 't-0', `00000000000000000000${suffix}`)
  const wanted = ['.log', '.index', '.timeindex'].map((suffix) => readFileSync(file(suffix)))
  expect(statSync(file('.log')).size).toBeGreaterThan(4 << 20)

  for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) rmSync(join(root, 'large', name))
  rmSync(file('.index'))
  truncateSync(file('.timeindex'), 5)
  appendFileSync(file('.log'), batchOf(10, { baseOffset: 600 }).subarray(0, 200))
  const again = await new Machine(nodeDisk).start({ logDirs, pool })
  const recovered = again.get(TOPIC, 0)!
  expect([recovered.logEndOffset, recovered.epochs.entries.length]).toEqual([600, 4])
  expect(await offsetsOf(recovered, 0, 1 << 20)).toEqual(range(0, 600))
  await again.close()
  expect(['.log', '.index', '.timeindex'].map((suffix, i) => readFileSync(file(suffix)).equals(wanted[i]!))).toEqual([true, true, true])
})

test('records that must be compressed anew go through a thread, and later appends stay behind them', async () => {
  const manager = await new Machine(nodeDisk).start({ logDirs: [join(root, 'codec')], pool })
  const log = manager.getOrCreate(TOPIC, 0, topicConfig({ compressionType: 'zstd' }), true)
  const client = { origin: 'client', leaderEpoch: 3 } as const
  const appends = range(0, 20).map((i) => log.append(batchOf(3, { sizeBytes: i % 2 === 0 ? 20_000 : 10 }), client))
  expect(appends.every((each) => each instanceof Promise)).toBe(true)
  expect((await Promise.all(appends.map((each) => Promise.resolve(each)))).map(({ firstOffset }) => firstOffset)).toEqual(
    range(0, 20).map((i) => 3 * i),
  )
  const { records } = await log.read(0, { maxBytes: 1 << 20, upTo: 'logEnd', minOneBatch: true })
  expect([...batches(records)].map((batch) => codecOf(batch))).toEqual(range(0, 20).map(() => 'zstd'))
  expect(append(log, 1)).toMatchObject({ firstOffset: 60 })
  expect(await log.offsetForTimestamp(START_MS)).toMatchObject({ offset: 0, leaderEpoch: 3 })
  await manager.close()
})

test('a refused record leaves those that wait behind it as they are', async () => {
  const manager = await new Machine(nodeDisk).start({ logDirs: [join(root, 'refused')], pool })
  const log = manager.getOrCreate(TOPIC, 0, topicConfig({ compressionType: 'gzip', maxMessageBytes: 50_000 }), true)
  const client = { origin: 'client', leaderEpoch: 0 } as const
  const refused = log.append(batchOf(10, { sizeBytes: 10_000 }), client)
  const next = log.append(batchOf(2), client)
  await expect(refused).rejects.toMatchObject({ error: 'MESSAGE_TOO_LARGE' })
  expect(await next).toMatchObject({ firstOffset: 0 })
  expect(log.logEndOffset).toBe(2)
  await manager.close()
})
