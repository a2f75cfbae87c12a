// What idle partitions cost: memory, descriptors, and the time of a clean stop, a clean start and a start with recovery.
// Usage: node --expose-gc hack/bench/idle-partitions.ts [partitions] [directory]
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { WorkerPool } from '../../src/base/worker-pool.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { defaultLogManagerConfig, LogManager } from '../../src/log/log-manager.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'

const partitions = Number(process.argv[2] ?? 10_000)
const root = mkdtempSync(join(process.argv[3] ?? tmpdir(), 'sofakafka-bench-'))
const pool = new WorkerPool({ size: 2 })

const open = (): Promise<LogManager> =>
  LogManager.open({
    disk: nodeDisk,
    logDirs: [root],
    config: { ...defaultLogManagerConfig, topicDefaults: defaultLogConfig, recoveryThreadsPerDataDir: 2 },
    clocks: { monotonic: monotonicClock, wall: wallClock },
    logger: silentLogger,
    brokerId: 0,
    clusterId: 'bench',
    pool,
  })
const descriptors = (): number => (process.platform === 'linux' ? readdirSync('/proc/self/fd').length : -1)
const measured = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
  const startedMs = performance.now()
  const result = await work()
  const ms = Math.round(performance.now() - startedMs)
  globalThis.gc?.()
  const megabytes = Math.round(process.memoryUsage().rss / 1e6)
  console.log(`${what}: ${ms} ms, ${megabytes} MB resident, ${descriptors()} descriptors`)
  return result
}

try {
  let manager = await measured('nothing in it', open)
  await measured(`${partitions} partitions created, a record each`, async () => {
    for (let i = 0; i < partitions; i++) {
      const log = manager.getOrCreate(`topic-${i % 100}`, Math.floor(i / 100), defaultLogConfig, true)
      await log.append(buildBatch([{ value: 'x'.repeat(100), timestamp: Date.now() }]), { origin: 'client', leaderEpoch: 0 })
      if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve))
    }
  })
  await measured('clean stop', () => manager.close())
  manager = await measured('clean start', open)
  await measured('stop of an idle broker', () => manager.close())
  rmSync(join(root, '.kafka_cleanshutdown'))
  manager = await measured('start with recovery', open)
  await manager.close()
} finally {
  await pool.close()
  rmSync(root, { recursive: true, force: true })
}
