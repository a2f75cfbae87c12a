import type { deleteRecords } from '../../protocol/api/21-delete-records.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Int64 } from '../../protocol/int64.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { isInternalTopic } from '../internal-topics.ts'
import type { Partition } from '../partition.ts'

type Api = typeof deleteRecords
const NO_LOW_WATERMARK = -1

/** Deletes here, and waits until the live followers have deleted, too: REQUEST_TIMED_OUT when they have not in time. */
const deleteBefore = async (partition: Partition, offset: Int64, late: Promise<never>): Promise<number> => {
  const before = partition.deleteRecordsBefore(offset)
  return partition.lowWatermark >= before ? partition.lowWatermark : Promise.race([partition.deleted(before), late])
}

export const handleDeleteRecords: Handler<Api> = async ({ topics, timeoutMs }, context) => {
  const { promise: late, reject } = Promise.withResolvers<never>()
  late.catch(() => {})
  const timer = context.broker.clocks.monotonic.schedule(timeoutMs, () => reject(new KafkaError('REQUEST_TIMED_OUT')))
  const deleteOne = async (name: string, { partitionIndex, offset }: { partitionIndex: number; offset: Int64 }) => {
    context.authorize('DELETE', 'TOPIC', name)
    if (isInternalTopic(name)) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Cannot delete records of internal topic ${name}`)
    const lowWatermark = await deleteBefore(context.broker.partitions.leader(name, partitionIndex), offset, late)
    return { partitionIndex, errorCode: 0, lowWatermark }
  }
  const answered = await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await each(
        partitions,
        (wanted) => deleteOne(name, wanted),
        ({ partitionIndex }, errorCode) => ({ partitionIndex, errorCode, lowWatermark: NO_LOW_WATERMARK }),
      ),
    })),
  )
  timer.cancel()
  return { topics: answered }
}

export const refuseDeleteRecords: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code, lowWatermark: NO_LOW_WATERMARK })),
  })),
})
