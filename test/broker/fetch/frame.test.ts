import { expect, test } from 'vitest'
import { fetchFrame, type FetchedPartition } from '../../../src/broker/fetch/frame.ts'
import { inMemory } from '../../../src/broker/fetch/records-source.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { responseFrame } from '../../../src/protocol/header.ts'

const partition = (partitionIndex: number, records: Buffer, aborted: FetchedPartition['aborted'] = null) => ({
  partitionIndex,
  errorCode: records.length > 0 ? 0 : 1,
  highWatermark: 5_000_000_000 + partitionIndex,
  lastStableOffset: 40,
  logStartOffset: 3,
  aborted,
  preferredReadReplica: partitionIndex === 7 ? 2 : -1,
  records,
})
const topics = [
  {
    name: 'orders',
    partitions: [partition(0, Buffer.from('records of 0')), partition(7, Buffer.alloc(0)), partition(2, Buffer.alloc(3000, 9))],
  },
  { name: 'größe', partitions: [partition(1, Buffer.from('x'), [{ producerId: 9, firstOffset: 4 }])] },
  { name: 'orders', partitions: [partition(3, Buffer.alloc(0))] },
]

test.each(Array.from({ length: 12 }, (_, version) => version))(
  'a Fetch response of version %i has the bytes of its schema',
  async (version) => {
    const shown = topics.map((topic) => ({
      ...topic,
      partitions: topic.partitions.map((one) => (version < 4 ? { ...one, aborted: null } : one)),
    }))
    const partitions = shown.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, ...one }) => ({
        ...one,
        wanted: { topic: topic.name, partitionIndex },
        records: inMemory(one.records),
      })),
    )
    const parts = fetchFrame(version, 77, { errorCode: 0, sessionId: 8, partitions })
    const bytes: Buffer[] = []
    for (const part of parts) {
      if (part instanceof Uint8Array) bytes.push(part)
      else {
        const records = Buffer.alloc(part.sizeBytes)
        await part.readInto(records, 0)
        bytes.push(records)
      }
    }
    expect(Buffer.concat(bytes)).toEqual(
      Buffer.concat(responseFrame(fetch, version, 77, { sessionId: version < 7 ? 0 : 8, topics: shown })),
    )
  },
)
