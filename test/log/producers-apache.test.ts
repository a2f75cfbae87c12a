import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeDisk } from '../../src/base/node-disk.ts'
import type { LogManager } from '../../src/log/log-manager.ts'
import type { Log } from '../../src/log/log.ts'
import { formatSnapshot, parseSnapshot } from '../../src/log/producer-snapshot.ts'
import { batches } from '../../src/protocol/records/record-batch.ts'
import { removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { Machine, topicConfig } from './support.ts'

const filesOf = (path: string, suffix: string): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith(suffix))
    .map((name) => join(path, name))
const bytesOf = (path: string, suffix: string): Record<string, string> =>
  Object.fromEntries(filesOf(path, suffix).map((file) => [basename(file), readFileSync(file).toString('hex')]))
/** Apache writes the producers in the order of a hash table. */
const producersIn = (file: string) => parseSnapshot(readFileSync(file)).toSorted((a, b) => Number(a.producerId) - Number(b.producerId))
const snapshotsOf = (path: string) => Object.fromEntries(filesOf(path, '.snapshot').map((file) => [basename(file), producersIn(file)]))

/** What DumpLogSegments prints of a snapshot or a transaction index, a line each, in no order. */
const dumped = async (files: string[]): Promise<string[]> => {
  const text = await runJava('kafka-2.6.3', 'kafka.tools.DumpLogSegments', ['--files', files.join(',')])
  return text
    .split('\n')
    .filter((line) => line.includes('producerId: '))
    .toSorted()
}

/** What a log of ours knows, in the words of DumpLogSegments. */
const known = (log: Log): string[] => {
  const producers = [...log.producers.states.entries()].map((entry) => {
    const { lastSequence, offset, offsetDelta } = entry.last ?? { lastSequence: -1, offset: -1, offsetDelta: 0 }
    const transaction = entry.transactionStart < 0 ? 'None' : `Some(${entry.transactionStart})`
    return (
      `producerId: ${entry.producerId} producerEpoch: ${entry.epoch} coordinatorEpoch: ${entry.coordinatorEpoch} ` +
      `currentTxnFirstOffset: ${transaction} firstSequence: ${lastSequence - offsetDelta} lastSequence: ${lastSequence} ` +
      `lastOffset: ${offset} offsetDelta: ${offsetDelta} timestamp: ${entry.lastTimestamp}`
    )
  })
  const aborted = log
    .abortedTransactions(0, log.logEndOffset)
    .map(
      ({ producerId, firstOffset, lastOffset, lastStableOffset }) =>
        `version: 0 producerId: ${producerId} firstOffset: ${firstOffset} lastOffset: ${lastOffset} lastStableOffset: ${lastStableOffset}`,
    )
  return [...producers, ...aborted].toSorted()
}

describe.skipIf(lacks('java', 'maven'))('producers and transactions of Apache Kafka 2.6.3', () => {
  const dataDir = temporaryDirectory('apache-producers')
  const theirs = join(dataDir, 'logs', 'made-0')
  const config = topicConfig({ segmentBytes: 3000, indexIntervalBytes: 4096 })
  let clusterId: string
  let theirWords: string[]

  beforeAll(async () => {
    const zookeeper = await startApacheZooKeeper()
    const extra = ['log.segment.bytes=3000', 'num.partitions=1']
    const kafka = await startApacheKafka({ zookeeper: zookeeper.connect, dataDir, id: 1, extra })
    try {
      await runJava('kafka-2.6.3', 'test/log/ProducersOracle.java', [`127.0.0.1:${kafka.port}`, 'made'])
    } finally {
      await kafka.stop()
      await zookeeper.stop()
    }
    clusterId = /cluster\.id=(.*)/.exec(readFileSync(join(dataDir, 'logs', 'meta.properties'), 'utf8'))![1]!.trim()
    theirWords = await dumped([filesOf(theirs, '.snapshot').at(-1)!, ...filesOf(theirs, '.txnindex')])
  }, 60_000)
  afterAll(() => removeDirectory(dataDir))

  const open = (path: string): Promise<LogManager> => new Machine(nodeDisk).start({ logDirs: [path], config, brokerId: 1, clusterId })

  test('are known by us, from its files as they are', async () => {
    const path = join(dataDir, 'clean')
    cpSync(join(dataDir, 'logs'), path, { recursive: true })
    const manager = await open(path)
    const log = manager.get('made', 0)!
    expect(log.segmentCount).toBeGreaterThan(3)
    expect(theirWords.filter((line) => line.startsWith('version: 0')).length).toBeGreaterThan(5)
    expect(theirWords.filter((line) => line.includes('Some('))).toHaveLength(1)
    expect(known(log)).toEqual(theirWords)
    await manager.close()
  })

  test('are found again by our recovery, to the bytes of its indexes', async () => {
    const path = join(dataDir, 'killed')
    cpSync(join(dataDir, 'logs'), path, { recursive: true })
    for (const name of ['.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) rmSync(join(path, name))
    for (const name of filesOf(join(path, 'made-0'), '.txnindex')) rmSync(name)
    const manager = await open(path)
    expect(known(manager.get('made', 0)!)).toEqual(theirWords)
    await manager.close()
    expect(bytesOf(join(path, 'made-0'), '.txnindex')).toEqual(bytesOf(theirs, '.txnindex'))
    expect(producersIn(filesOf(join(path, 'made-0'), '.snapshot').at(-1)!)).toEqual(producersIn(filesOf(theirs, '.snapshot').at(-1)!))
  })

  test('give the same files when we append the same batches, and its tools read them', async () => {
    const path = join(dataDir, 'rewritten')
    const manager = await open(path)
    const log = manager.getOrCreate('made', 0, config, true)
    for (const file of filesOf(theirs, '.log')) {
      for (const batch of batches(readFileSync(file))) await log.append(Buffer.from(batch), { origin: 'replication', leaderEpoch: 0 })
    }
    expect(known(log)).toEqual(theirWords)
    await manager.close()
    const ours = join(path, 'made-0')
    expect(bytesOf(ours, '.txnindex')).toEqual(bytesOf(theirs, '.txnindex'))
    const wanted = snapshotsOf(theirs)
    expect(Object.keys(wanted).length).toBeGreaterThan(2)
    expect(snapshotsOf(ours)).toMatchObject(wanted)
    expect(await dumped([filesOf(ours, '.snapshot').at(-1)!, ...filesOf(ours, '.txnindex')])).toEqual(theirWords)
  })

  test('in a snapshot that we read and write again have the same bytes', async () => {
    const [file] = filesOf(theirs, '.snapshot').toReversed()
    expect(formatSnapshot(parseSnapshot(readFileSync(file!))).equals(readFileSync(file!))).toBe(true)
  })
})
