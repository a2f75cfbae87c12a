import type { MonotonicClock } from '../base/clock.ts'
import { produce } from '../protocol/api/00-produce.ts'
import { checked } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import { buildBatch, type NewRecord } from '../protocol/records/build-batch.ts'
import type { Codec } from '../protocol/records/record-batch.ts'
import type { ClusterClient } from './cluster-client.ts'
import { PartitionLeaders } from './partition-leaders.ts'
import { partitionOfKey } from './partitioner.ts'

export type { NewRecord } from '../protocol/records/build-batch.ts'
export { CODECS, type Codec } from '../protocol/records/record-batch.ts'

export type RecordWriterOptions = {
  client: ClusterClient
  clock: MonotonicClock
  topic: string
  codec?: Codec
  /** All records go there; absent: by key as Kafka's default partitioner, and records without a key in turn, a call at a time. */
  partition?: number
}
export type Written = { partition: number; baseOffset: number; count: number }

const ALL_IN_SYNC = -1
const TIMEOUT_MS = 20_000

/**
 * Appends records to one topic and waits until all in-sync replicas have them. Sends again only what the leader refused as not its own; after a lost connection
 * it is unknown whether the records were written, and `send` rejects with ConnectionError. Records that follow one another in a partition keep their order.
 */
export class RecordWriter {
  readonly #options: RecordWriterOptions
  readonly #leaders: PartitionLeaders
  #turn = 0

  constructor(options: RecordWriterOptions) {
    this.#options = options
    this.#leaders = new PartitionLeaders(options.client, options.clock)
  }

  /** One batch per partition; keep a call below max.message.bytes (1 MB unless the topic says otherwise). */
  async send(records: readonly NewRecord[]): Promise<Written[]> {
    const count = (await this.#leaders.of(this.#options.topic)).length
    const turn = this.#turn++ % count
    const byPartition = Map.groupBy(records, ({ key }) => this.#partitionOf(key, count, turn))
    return Promise.all([...byPartition].map(([partition, of]) => this.#leaders.retry(() => this.#write(partition, of), { orLost: false })))
  }

  #partitionOf(key: NewRecord['key'], count: number, turn: number): number {
    if (this.#options.partition !== undefined) return this.#options.partition
    if (key === null || key === undefined) return turn
    return partitionOfKey(typeof key === 'string' ? Buffer.from(key, 'utf8') : key, count)
  }

  async #write(partition: number, records: readonly NewRecord[]): Promise<Written> {
    const { client, topic, codec } = this.#options
    const [leader] = [...(await this.#leaders.group([{ topic, partition }])).keys()]
    const batch = buildBatch(records, codec ? { codec } : {})
    const topics = [{ name: topic, partitions: [{ partitionIndex: partition, records: batch }] }]
    const answer = await client.broker(leader!, produce, { transactionalId: null, acks: ALL_IN_SYNC, timeoutMs: TIMEOUT_MS, topics })
    const { baseOffset } = checked(answer.responses[0]!.partitions[0]!)
    return { partition, baseOffset: toNumber(baseOffset), count: records.length }
  }
}
