import type { deleteRecords } from '../../protocol/api/21-delete-records.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { each, type Handler, type Refusal } from '../handler.ts'
import { isInternalTopic } from '../internal-topics.ts'

type Api = typeof deleteRecords
const NO_LOW_WATERMARK = -1

export const handleDeleteRecords: Handler<Api> = async ({ topics }, context) => ({
  topics: await Promise.all(
    topics.map(async ({ name, partitions }) => ({
      name,
      partitions: await each(
        partitions,
        ({ partitionIndex, offset }) => {
          context.authorize('DELETE', 'TOPIC', name)
          if (isInternalTopic(name)) throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Cannot delete records of internal topic ${name}`)
          const lowWatermark = context.broker.partitions.leader(name, partitionIndex).deleteRecordsBefore(offset)
          return { partitionIndex, errorCode: 0, lowWatermark }
        },
        ({ partitionIndex }, errorCode) => ({ partitionIndex, errorCode, lowWatermark: NO_LOW_WATERMARK }),
      ),
    })),
  ),
})

export const refuseDeleteRecords: Refusal<Api> = ({ topics }, { code }) => ({
  topics: topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: code, lowWatermark: NO_LOW_WATERMARK })),
  })),
})
