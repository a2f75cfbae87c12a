import { partitionKey } from '../base/topic-partition.ts'
import type { MonotonicClock } from '../base/clock.ts'
import { fetch } from '../protocol/api/01-fetch.ts'
import { checked } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import { legacyRecords } from '../protocol/records/legacy.ts'
import { batches, isControlBatch, isLegacy, lastOffsetOf } from '../protocol/records/record-batch.ts'
import { records as recordsOf, type RecordHeader } from '../protocol/records/record.ts'
import type { ClusterClient } from './cluster-client.ts'
import type { PartitionOffset } from './group-admin.ts'
import { byTopic } from './partition-admin.ts'
import { PartitionLeaders } from './partition-leaders.ts'

export type ReadRecord = {
  topic: string
  partition: number
  offset: number
  /** ms since 1970; -1: none. */
  timestampMs: number
  key: Buffer | null
  value: Buffer | null
  headers: RecordHeader[]
}
/** What one fetch gave of one partition: its records, where the next fetch begins and where the log ends for consumers. */
export type ReadBatch = { topic: string; partition: number; records: ReadRecord[]; next: number; highWatermark: number }
export type RecordReaderOptions = {
  client: ClusterClient
  clock: MonotonicClock
  /** Where to begin, one entry per partition. */
  from: readonly PartitionOffset[]
  signal: AbortSignal
  /** How long a broker waits for records when there are none. */
  maxWaitMs?: number
}

const NO_REPLICA = -1
const MAX_DECOMPRESSED_BYTES = 128 * 1024 * 1024
const MAX_BYTES = 8 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024
const READ_UNCOMMITTED = 0
const WITHOUT_SESSION = { sessionId: 0, epoch: -1, forgotten: [] }

const decode = ({ topic, partition, offset }: PartitionOffset, bytes: Buffer): { records: ReadRecord[]; next: number } => {
  const found: ReadRecord[] = []
  let next = offset
  for (const batch of batches(bytes)) {
    const all = isLegacy(batch)
      ? legacyRecords(batch, MAX_DECOMPRESSED_BYTES)
      : isControlBatch(batch)
        ? []
        : recordsOf(batch, MAX_DECOMPRESSED_BYTES)
    for (const record of all) {
      // A batch is given whole, also to who asks for one in its middle.
      if (record.offset < offset) continue
      const headers = 'headers' in record ? record.headers : []
      found.push({
        topic,
        partition,
        offset: record.offset,
        timestampMs: toNumber(record.timestamp),
        key: record.key,
        value: record.value,
        headers,
      })
    }
    next = Math.max(next, lastOffsetOf(batch) + 1)
  }
  return { records: found, next }
}

/**
 * Reads partitions on and on, without a group and without committing anything; ends when the signal aborts. Follows leaders that move. OFFSET_OUT_OF_RANGE where the
 * log does not hold a wanted offset any more.
 */
export async function* readRecords(options: RecordReaderOptions): AsyncGenerator<ReadBatch, void, undefined> {
  const { client, clock, signal } = options
  const leaders = new PartitionLeaders(client, clock)
  const positions = new Map(options.from.map((one) => [partitionKey(one), one]))
  // One leader without records must not hold up what the others have.
  let isBehind = true
  const readFrom = async (): Promise<ReadBatch[]> => {
    const groups = await leaders.group([...positions.values()])
    const answers = await Promise.all(
      [...groups].map(([leader, of]) => fetchFrom(client, leader, of, isBehind ? 0 : (options.maxWaitMs ?? 500))),
    )
    return answers.flat()
  }
  while (!signal.aborted) {
    const read = await leaders.retry(readFrom, { orLost: true, signal })
    isBehind = read.some(({ next, highWatermark }) => next < highWatermark)
    for (const batch of read) {
      if (batch.records.length > 0 || batch.next >= batch.highWatermark) yield batch
      positions.set(partitionKey(batch), { topic: batch.topic, partition: batch.partition, offset: batch.next })
      if (signal.aborted) return
    }
  }
}

const fetchFrom = async (
  client: ClusterClient,
  leader: number,
  positions: readonly PartitionOffset[],
  maxWait: number,
): Promise<ReadBatch[]> => {
  const topics = byTopic(positions).map(([name, of]) => ({
    name,
    fetchPartitions: of.map(({ partition, offset }) => ({ partitionIndex: partition, fetchOffset: offset, maxBytes: MAX_PARTITION_BYTES })),
  }))
  const request = { replicaId: NO_REPLICA, maxWait, minBytes: 1, maxBytes: MAX_BYTES, isolationLevel: READ_UNCOMMITTED, ...WITHOUT_SESSION }
  const answer = checked(await client.broker(leader, fetch, { ...request, topics, rackId: '' }))
  return answer.topics.flatMap(({ name, partitions }) =>
    partitions.map((one) => {
      const { partitionIndex, highWatermark, records } = checked(one)
      const from = positions.find(({ topic, partition }) => topic === name && partition === partitionIndex)!
      return { topic: name, partition: partitionIndex, highWatermark: toNumber(highWatermark), ...decode(from, records ?? Buffer.alloc(0)) }
    }),
  )
}
