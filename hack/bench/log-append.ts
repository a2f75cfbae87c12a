// How fast one log takes batches on the real disk: appends/s and MB/s for batches of 1 KB and 16 KB, of idempotent producers too, and reading them back.
// Usage: node hack/bench/log-append.ts [directory] [MB per run]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { defaultLogConfig } from '../../src/log/log-config.ts'
import { defaultLogManagerConfig, LogManager } from '../../src/log/log-manager.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { crc32c } from '../../src/protocol/records/crc32c.ts'

const root = mkdtempSync(join(process.argv[2] ?? tmpdir(), 'sofakafka-bench-'))
const totalBytes = Number(process.argv[3] ?? 1000) * 1e6
const manager = await LogManager.open({
  disk: nodeDisk,
  logDirs: [root],
  config: { ...defaultLogManagerConfig, topicDefaults: defaultLogConfig },
  clocks: { monotonic: monotonicClock, wall: wallClock },
  logger: silentLogger,
  brokerId: 0,
  clusterId: 'bench',
})

const batchOf = (sizeBytes: number, isIdempotent: boolean): Buffer => {
  const recordBytes = 1024
  const count = Math.max(1, Math.floor(sizeBytes / recordBytes))
  const producer = isIdempotent ? { producerId: 1, producerEpoch: 0, baseSequence: 0 } : {}
  return buildBatch(
    Array.from({ length: count }, () => ({ value: Buffer.alloc(recordBytes - 20, 120), timestamp: Date.now() })),
    producer,
  )
}
/** As a producer's next batch; the same work where there is no sequence. */
const setSequence = (batch: Buffer, sequence: number): void => {
  batch.writeInt32BE(sequence, 53)
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
}
const rate = (count: number, ms: number) => Math.round((count / ms) * 1000).toLocaleString('en')

type Run = { sizeBytes: number; partitions: number; isIdempotent?: boolean }
const run = async (topic: string, { sizeBytes, partitions, isIdempotent = false }: Run): Promise<void> => {
  const template = batchOf(sizeBytes, isIdempotent)
  const records = template.readInt32BE(57)
  const logs = Array.from({ length: partitions }, (_, i) => manager.getOrCreate(topic, i, defaultLogConfig, true))
  const count = Math.floor(totalBytes / template.length)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const cpu = process.cpuUsage()
  const startedMs = performance.now()
  for (let i = 0; i < count; i++) {
    const batch = Buffer.from(template)
    setSequence(batch, isIdempotent ? Math.floor(i / partitions) * records : -1)
    const info = logs[i % partitions]!.append(batch, { origin: 'client', leaderEpoch: 0 })
    if (info instanceof Promise) await info
    if (i % 64 === 63) await new Promise((resolve) => setImmediate(resolve))
  }
  const ms = performance.now() - startedMs
  delay.disable()
  const { user, system } = process.cpuUsage(cpu)
  const megabytes = (count * template.length) / 1e6
  const stall = (delay.max / 1e6).toFixed(1)
  console.log(
    `append ${template.length} B x ${count}, ${partitions} partitions${isIdempotent ? ', idempotent' : ''}: ${rate(count, ms)}/s, ${rate(megabytes, ms)} MB/s, ${((user + system) / 1e3 / megabytes).toFixed(2)} CPU-s/GB, longest stall ${stall} ms`,
  )
  const log = logs[0]!
  const readStartedMs = performance.now()
  let bytes = 0
  for (let offset = 0; offset < log.logEndOffset;) {
    const read = await log.read(offset, { maxBytes: 1 << 20, upTo: 'logEnd', minOneBatch: true })
    bytes += read.records.length
    offset += (read.records.length / template.length) * records
  }
  console.log(`read ${rate(bytes / 1e6, performance.now() - readStartedMs)} MB/s in steps of 1 MB`)
}

try {
  await run('small', { sizeBytes: 1024, partitions: 1 })
  await run('small-once', { sizeBytes: 1024, partitions: 1, isIdempotent: true })
  await run('large', { sizeBytes: 16_384, partitions: 1 })
  await run('large-once', { sizeBytes: 16_384, partitions: 1, isIdempotent: true })
  await run('spread', { sizeBytes: 16_384, partitions: 100 })
  const startedMs = performance.now()
  await manager.close()
  console.log(`clean stop ${Math.round(performance.now() - startedMs)} ms`)
} finally {
  rmSync(root, { recursive: true, force: true })
}
