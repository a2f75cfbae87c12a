import { cpSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { initProducerId } from '../../src/protocol/api/22-init-producer-id.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { removeDirectory } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { logBytes, SPREAD } from './exchange-story.ts'
import { type Kind, MixedCluster } from './mixed-cluster.ts'

const TOPIC = 't'
const IDS = [1, 2, 3]
const PARTITIONS = [...SPREAD.keys()]
const RECORDS_PER_BATCH = 3
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** An idempotent producer by hand: its batches can be sent again, or with a gap. */
class HandProducer {
  readonly #cluster: MixedCluster
  readonly #producerId: bigint | number
  readonly #producerEpoch: number
  readonly #next = new Map<number, number>()
  readonly #last = new Map<number, { records: Buffer; baseOffset: bigint | number }>()

  private constructor(cluster: MixedCluster, producerId: bigint | number, producerEpoch: number) {
    this.#cluster = cluster
    this.#producerId = producerId
    this.#producerEpoch = producerEpoch
  }

  static async start(cluster: MixedCluster): Promise<HandProducer> {
    return eventually(async () => {
      const answer = await cluster.client.anyBroker(initProducerId, { transactionalId: null, transactionTimeoutMs: 60_000 })
      if (answer.errorCode !== 0) throw new Error(errorName(answer.errorCode))
      return new HandProducer(cluster, answer.producerId, answer.producerEpoch)
    })
  }

  /** The next batches to each partition. */
  async send(count: number): Promise<void> {
    for (const partition of PARTITIONS) {
      for (let n = 0; n < count; n++) {
        const baseSequence = this.#next.get(partition) ?? 0
        const records = this.#batch(baseSequence, codecs[n % codecs.length]!)
        const { error, baseOffset } = await this.#produce(partition, records)
        if (error !== 'NONE') throw new Error(`partition ${partition}, sequence ${baseSequence}: ${error}`)
        this.#next.set(partition, baseSequence + RECORDS_PER_BATCH)
        this.#last.set(partition, { records, baseOffset })
      }
    }
  }
  /** The last batch once more, to each partition: whether it is known for what it is. */
  async sendAgain(): Promise<boolean[]> {
    return Promise.all(
      PARTITIONS.map(async (partition) => {
        const { records, baseOffset } = this.#last.get(partition)!
        const answer = await this.#produce(partition, records)
        return answer.error === 'NONE' && Number(answer.baseOffset) === Number(baseOffset)
      }),
    )
  }
  /** What is said of a batch after one that never came. */
  async sendWithGap(): Promise<string[]> {
    return Promise.all(
      PARTITIONS.map(async (partition) => (await this.#produce(partition, this.#batch(this.#next.get(partition)! + 1000, 'none'))).error),
    )
  }

  #batch(baseSequence: number, codec: (typeof codecs)[number]): Buffer {
    const values = Array.from({ length: RECORDS_PER_BATCH }, (_unused, n) => `value ${baseSequence + n}`)
    return buildBatch(
      values.map((value) => ({ key: value, value: value.repeat(10), timestamp: Date.now() })),
      { codec, producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence },
    )
  }

  async #produce(partition: number, records: Buffer) {
    return eventually(
      async () => {
        const { leader } = await this.#cluster.state(TOPIC, partition)
        const topics = [{ name: TOPIC, partitions: [{ partitionIndex: partition, records: Buffer.from(records) }] }]
        const answer = await this.#cluster.client.broker(leader, produce, { transactionalId: null, acks: -1, timeoutMs: 10_000, topics })
        const { errorCode, baseOffset } = answer.responses[0]!.partitions[0]!
        const error = errorName(errorCode)
        if (['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS', 'UNKNOWN_TOPIC_OR_PARTITION'].includes(error)) throw new Error(error)
        return { error, baseOffset }
      },
      { what: `partition ${partition} takes a batch` },
    )
  }
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n').slice(2).filter(Boolean)
/** By the checkpoint of a log directory: partition of the topic -> offset. */
const checkpoint = (logDir: string, name: string): Map<number, number> =>
  new Map(
    linesOf(join(logDir, name))
      .map((line) => line.split(' '))
      .filter(([topic]) => topic === TOPIC)
      .map(([, partition, offset]) => [Number(partition), Number(offset)]),
  )
const epochs = (logDir: string, partition: number): string[] => linesOf(join(logDir, `${TOPIC}-${partition}`, 'leader-epoch-checkpoint'))

describe.skipIf(lacks('java', 'maven'))('data directories at rest', () => {
  let cluster: MixedCluster
  beforeAll(async () => {
    cluster = await MixedCluster.start(['apache', 'ours', 'ours'], ['log.segment.bytes=6000', 'log.index.interval.bytes=500'])
    await cluster.createTopic(TOPIC, SPREAD)
  })
  afterAll(() => cluster?.end())

  /** Stops all and puts a copy of each directory in its place, so that nothing is left but what is in the files. */
  const rest = async (): Promise<void> => {
    for (const id of IDS) await cluster.stop(id)
    for (const id of IDS) {
      const logDir = cluster.logDir(id)
      cpSync(logDir, `${logDir}.copy`, { recursive: true })
      rmSync(logDir, { recursive: true })
      cpSync(`${logDir}.copy`, logDir, { recursive: true })
      removeDirectory(`${logDir}.copy`)
    }
  }
  const seat = async (kinds: readonly Kind[]): Promise<void> => {
    await cluster.seat(1, kinds[0]!)
    await Promise.all([cluster.seat(2, kinds[1]!), cluster.seat(3, kinds[2]!)])
    await cluster.untilAllKnown()
    await cluster.untilInSync(IDS.length)
    await cluster.electPreferred()
    await eventually(async () => (await cluster.leaders(TOPIC)).join() === IDS.join(), { what: 'each leads a partition' })
  }
  /** After a rest: equal bytes, nothing above the high watermark, one history of epochs. */
  const expectEqual = (): void => {
    const marks = IDS.map((id) => checkpoint(cluster.logDir(id), 'replication-offset-checkpoint'))
    for (const partition of PARTITIONS) {
      const [first, ...others] = IDS.map((id) => logBytes(cluster.logDir(id), TOPIC, partition))
      expect(others.map((bytes) => bytes.equals(first!))).toEqual([true, true])
      expect(new Set(marks.map((mark) => mark.get(partition))).size, JSON.stringify(marks.map((mark) => [...mark]))).toBe(1)
      // Whoever led while the others stopped has epochs without records at its end.
      const end = marks[0]!.get(partition)!
      const histories = IDS.map((id) => epochs(cluster.logDir(id), partition).filter((line) => Number(line.split(' ')[1]) < end))
      expect(histories[0]!.length).toBeGreaterThan(1)
      expect(histories.slice(1)).toEqual([histories[0], histories[0]])
    }
  }
  const expectNoComplaint = async (): Promise<void> => {
    const directories = IDS.flatMap((id) => PARTITIONS.map((partition) => join(cluster.logDir(id), `${TOPIC}-${partition}`)))
    const files = (suffixes: RegExp) =>
      directories.flatMap((path) =>
        readdirSync(path)
          .filter((name) => suffixes.test(name))
          .map((name) => join(path, name)),
      )
    const dump = (paths: string[], args: string[]) =>
      runJava('kafka-2.6.3', 'kafka.tools.DumpLogSegments', ['--files', paths.join(','), ...args])
    const logs = files(/\.log$/)
    expect(logs.length).toBeGreaterThan(directories.length)
    const [deep, snapshots] = await Promise.all([
      dump(files(/\.(log|index|timeindex)$/), ['--deep-iteration', '--verify-index-only']),
      dump(files(/\.snapshot$/), []),
    ])
    expect(deep).not.toMatch(/isvalid: false|Mismatches|mismatch|not found|Exception|Found timestamp/i)
    expect(snapshots).toMatch(/producerId: \d+ producerEpoch: 0/)
    expect(snapshots).not.toMatch(/Exception|corrupt/i)
  }

  test('of either kind are served by the other, with their producers, epochs and high watermarks', { timeout: 180_000 }, async () => {
    await cluster.electPreferred()
    const producer = await HandProducer.start(cluster)
    await producer.send(40)
    await cluster.untilInSync(IDS.length)
    const turns: Kind[][] = [
      ['ours', 'apache', 'ours'],
      ['apache', 'ours', 'apache'],
    ]
    for (const kinds of turns) {
      await rest()
      const ends = PARTITIONS.map((partition) => logBytes(cluster.logDir(1), TOPIC, partition).length)
      await seat(kinds)
      expect(await producer.sendAgain()).toEqual([true, true, true])
      expect(await producer.sendWithGap()).toEqual(PARTITIONS.map(() => 'OUT_OF_ORDER_SEQUENCE_NUMBER'))
      await producer.send(40)
      expect(await producer.sendAgain()).toEqual([true, true, true])
      await cluster.untilInSync(IDS.length)
      // Followers hear of the last high watermark with the next answer.
      await new Promise((resolve) => setTimeout(resolve, 1500))
      await rest()
      for (const partition of PARTITIONS) expect(logBytes(cluster.logDir(1), TOPIC, partition).length).toBeGreaterThan(ends[partition]!)
      expectEqual()
      await expectNoComplaint()
    }
  })
})
