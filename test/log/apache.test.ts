import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeDisk } from '../../src/base/node-disk.ts'
import { WorkerPool } from '../../src/base/worker-pool.ts'
import type { Log } from '../../src/log/log.ts'
import type { LogManager } from '../../src/log/log-manager.ts'
import { batches, setBaseOffset } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import { removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory, type ApacheServer } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { append, Machine, offsetsOf, range, START_MS, TOPIC, topicConfig } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'sofakafka-log-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const filesOf = (path: string, suffixes: RegExp): string[] =>
  readdirSync(path)
    .filter((name) => suffixes.test(name))
    .map((name) => join(path, name))

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A log of ours with several segments, all codecs, and times that go back now and then. */
const fill = async (log: Log): Promise<void> => {
  for (let i = 0; i < 300; i++) {
    append(log, 1 + (i % 7), {
      codec: codecs[i % 5]!,
      sizeBytes: 50 * (i % 11),
      timestamp: START_MS + 1000 * i - (i % 10 === 9 ? 50_000 : 0),
      leaderEpoch: i >> 6,
    })
  }
}

describe.skipIf(lacks('java', 'maven'))('kafka.tools.DumpLogSegments of 2.6.3', () => {
  test('reads every record that we wrote and finds nothing wrong with the indexes, after a stop and after a kill', async () => {
    const stopped = new Machine(nodeDisk)
    const config = topicConfig({ segmentBytes: 20_000, indexIntervalBytes: 500 })
    const manager = await stopped.start({ logDirs: [join(directory, 'stopped')] })
    await fill(manager.getOrCreate(TOPIC, 0, config, true))
    const end = manager.get(TOPIC, 0)!.logEndOffset
    await manager.checkpointRecoveryPoints()
    const killed = join(directory, 'killed')
    cpSync(join(directory, 'stopped'), killed, { recursive: true })
    rmSync(join(killed, '.lock'))
    await manager.close()
    const recovered = await new Machine(nodeDisk).start({ logDirs: [killed], config })
    expect(recovered.get(TOPIC, 0)!.logEndOffset).toBe(end)
    await recovered.close()

    const segments = filesOf(join(directory, 'stopped', 't-0'), /\.log$/)
    expect(segments.length).toBeGreaterThan(3)
    const all = [join(directory, 'stopped', 't-0'), join(killed, 't-0')].flatMap((path) => filesOf(path, /\.(log|index|timeindex)$/))
    const dump = (args: string[]) => runJava('kafka-2.6.3', 'kafka.tools.DumpLogSegments', ['--files', all.join(','), ...args])
    const [deep, sane] = await Promise.all([dump(['--deep-iteration', '--verify-index-only']), dump(['--index-sanity-check'])])
    expect([...deep.matchAll(/^\| offset: (\d+) /gm)].map((match) => Number(match[1]))).toEqual([...range(0, end), ...range(0, end)])
    expect(deep).not.toMatch(/isvalid: false|Mismatches|mismatch|not found|Exception|Found timestamp/i)
    expect([...sane.matchAll(/passed sanity check/g)]).toHaveLength(all.filter((path) => path.endsWith('index')).length)
  })
})

describe.skipIf(lacks('java', 'maven'))('a directory of Apache Kafka 2.6.3', () => {
  let zookeeper: ApacheServer
  let kafka: ApacheServer
  const dataDir = temporaryDirectory('apache-logs')
  const logs = join(dataDir, 'logs')
  const pool = new WorkerPool({ size: 1 })
  const extra = ['log.segment.bytes=12000', 'log.index.interval.bytes=700', 'num.partitions=1']

  const start = async (): Promise<void> => {
    kafka = await startApacheKafka({ zookeeper: zookeeper.connect, dataDir, extra, id: 1 })
  }
  const produce = (lines: string[], more: string[] = []) =>
    runJava(
      'kafka-2.6.3',
      'kafka.tools.ConsoleProducer',
      [
        '--bootstrap-server',
        `127.0.0.1:${kafka.port}`,
        '--topic',
        'made',
        '--producer-property',
        'batch.size=300',
        '--producer-property',
        'linger.ms=5',
        ...more,
      ],
      { input: `${lines.join('\n')}\n` },
    )

  beforeAll(async () => {
    zookeeper = await startApacheZooKeeper()
    await start()
    await produce(range(0, 1000).map((i) => `value ${i}`))
    await produce(
      range(1000, 1500).map((i) => `value ${i}`),
      ['--compression-codec', 'lz4'],
    )
    await kafka.stop()
  })
  afterAll(async () => {
    await kafka?.stop()
    await zookeeper?.stop()
    await pool.close()
    removeDirectory(dataDir)
  })

  const identity = () => {
    const [clusterId] = /cluster\.id=(.*)/.exec(readFileSync(join(logs, 'meta.properties'), 'utf8'))!.slice(1)
    return { brokerId: 1, clusterId: clusterId!.trim() }
  }
  const config = topicConfig({ segmentBytes: 12_000, indexIntervalBytes: 700 })
  const open = (path: string): Promise<LogManager> => new Machine(nodeDisk).start({ logDirs: [path], config, pool, ...identity() })
  const valuesOf = async (log: Log): Promise<string[]> => {
    const values: string[] = []
    let offset = log.logStartOffset
    while (offset < log.logEndOffset) {
      const { records: bytes } = await log.read(offset, { maxBytes: 10_000, upTo: 'logEnd', minOneBatch: true })
      for (const batch of batches(bytes)) {
        for (const record of records(batch)) {
          values.push(record.value!.toString())
          offset = record.offset + 1
        }
      }
    }
    return values
  }
  /**
   * Bytes, but for the offsets in the time index: where a batch is not compressed, Apache's leader names the record that has the largest timestamp;
   * its followers and its recovery name the batch's last one, which is what we always do.
   */
  const expectSameFiles = (path: string): void => {
    const theirs = filesOf(join(logs, 'made-0'), /\.(log|index|timeindex)$/)
    expect(filesOf(path, /\.(log|index|timeindex)$/).map((file) => basename(file))).toEqual(theirs.map((file) => basename(file)))
    for (const file of theirs) {
      const [wantedBytes, bytes] = [readFileSync(file), readFileSync(join(path, basename(file)))]
      if (file.endsWith('.timeindex')) expect(timesOf(bytes)).toEqual(timesOf(wantedBytes))
      else expect([file, bytes.equals(wantedBytes)]).toEqual([file, true])
    }
  }
  const timesOf = (index: Buffer): bigint[] => range(0, index.length / 12).map((i) => index.readBigInt64BE(12 * i))
  const wanted = range(0, 1500).map((i) => `value ${i}`)

  test('is served by us as it is, clean and after a kill, and our recovery builds the indexes that Apache wrote', async () => {
    const clean = join(dataDir, 'copy-clean')
    const dirty = join(dataDir, 'copy-dirty')
    for (const path of [clean, dirty]) cpSync(logs, path, { recursive: true })
    rmSync(join(dirty, '.kafka_cleanshutdown'))
    for (const name of ['recovery-point-offset-checkpoint']) rmSync(join(dirty, name))
    for (const path of [clean, dirty]) {
      const manager = await open(path)
      const log = manager.get('made', 0)!
      expect(await valuesOf(log)).toEqual(wanted)
      expect(log.segmentCount).toBeGreaterThan(2)
      expect(log.highWatermark).toBe(1500)
      expect(log.latestEpoch).toBe(0)
      await manager.close()
    }
    expectSameFiles(join(dirty, 'made-0'))
  })

  test('the same appends give the same bytes in .log, .index and .timeindex', async () => {
    const path = join(dataDir, 'rewritten')
    const manager = await open(path)
    const log = manager.getOrCreate('made', 0, config, true)
    for (const file of filesOf(join(logs, 'made-0'), /\.log$/)) {
      for (const batch of batches(readFileSync(file))) {
        const own = Buffer.from(batch)
        setBaseOffset(own, 0)
        await log.append(own, { origin: 'client', leaderEpoch: 0 })
      }
    }
    await manager.close()
    expectSameFiles(join(path, 'made-0'))
  })

  test('goes back to Apache Kafka after we appended to it, with every record', async () => {
    const manager = await open(logs)
    const log = manager.getOrCreate('made', 0, config, false)
    append(log, 20)
    log.setHighWatermark(log.logEndOffset)
    await manager.close()
    await start()
    await produce(['last'])
    const consumed = await runJava('kafka-2.6.3', 'kafka.tools.ConsoleConsumer', [
      '--bootstrap-server',
      `127.0.0.1:${kafka.port}`,
      '--topic',
      'made',
      '--from-beginning',
      '--max-messages',
      '1521',
    ])
    const lines = consumed.trim().split('\n')
    expect(lines.slice(0, 1500)).toEqual(wanted)
    expect(lines.at(-1)).toBe('last')
    await kafka.stop()
    const again = await open(logs)
    expect(again.get('made', 0)!.logEndOffset).toBe(1521)
    expect(await offsetsOf(again.get('made', 0)!, 1490)).toEqual(range(1490, 1521))
    await again.close()
  })
})
