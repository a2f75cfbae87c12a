import { afterEach, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { runBroker } from '../../src/broker/program.ts'
import { batchOf } from '../support/batches.ts'
import { CountingMetrics, MemoryCluster } from '../support/memory-cluster.ts'
import { MemoryDisk } from '../support/memory-disk.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

describe('the broker program', () => {
  const PROPERTIES = ['broker.id=0', 'listeners=PLAINTEXT://127.0.0.1:0', 'log.dirs=/logs', 'zookeeper.connect=unused:2181']
  const run = async (disk: MemoryDisk, extra: string[] = [], leave: () => Promise<void> = () => Promise.resolve()) => {
    let cluster: MemoryCluster | undefined
    const program = await runBroker({
      properties: [...PROPERTIES, ...extra].join('\n'),
      overrides: [],
      clocks: { monotonic: monotonicClock, wall: wallClock },
      disk,
      logger: silentLogger,
      connectCluster: ({ config }) => {
        cluster = new MemoryCluster(config, { topics: { t: 1 } })
        cluster.leave = leave
        return Promise.resolve(cluster)
      },
      metrics: new CountingMetrics(),
    })
    cleanup.push(() => program.broker.abort())
    return { program, cluster: cluster! }
  }
  const isClean = (disk: MemoryDisk): boolean => disk.stat('/logs/.kafka_cleanshutdown') !== undefined

  test('exits with 1 when its last log directory fails', async () => {
    const disk = new MemoryDisk()
    const { program, cluster } = await run(disk)
    disk.fail('write', { code: 'EIO', path: /\.log$/, times: Infinity })
    const partition = [...cluster.partitions!.all()][0]!
    expect(() => partition.append(batchOf(['a']), { origin: 'client', requiredAcks: 1 })).toThrow()
    expect(await program.stopped).toBe(1)
    expect(isClean(disk)).toBe(false)
  })

  test('exits with 0 and the mark of a clean stop', async () => {
    const disk = new MemoryDisk()
    const { program } = await run(disk)
    expect(await program.stop()).toBe(0)
    expect(isClean(disk)).toBe(true)
  })

  test('exits with 1 and without the mark when a stop takes longer than it may', async () => {
    const disk = new MemoryDisk()
    const { program } = await run(disk, ['sofakafka.shutdown.timeout.ms=1000'], () => new Promise(() => {}))
    expect(await program.stop()).toBe(1)
    expect(isClean(disk)).toBe(false)
  })

  test('exits with 1 and without the mark when it is told to stop a second time', async () => {
    const disk = new MemoryDisk()
    const leaving = Promise.withResolvers<void>()
    const { program } = await run(disk, [], () => leaving.promise)
    const first = program.stop()
    expect(await program.stop()).toBe(1)
    expect(await first).toBe(1)
    expect(isClean(disk)).toBe(false)
  })
})
