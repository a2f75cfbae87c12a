import type { writeTxnMarkers } from '../../protocol/api/27-write-txn-markers.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { magicOfFormatVersion } from '../../protocol/records/append-rules.ts'
import { buildMarker } from '../../protocol/records/control-record.ts'
import type { ReplyOf, RequestOf } from '../../protocol/schema.ts'
import { CLUSTER_NAME } from '../../security/acl.ts'
import type { Context } from '../context.ts'
import type { Partition } from '../partition.ts'
import { each, type Handler, type Refusal } from '../handler.ts'

type Api = typeof writeTxnMarkers
type Reply = ReplyOf<Api>
type Marker = RequestOf<Api>['markers'][number]

const write = async (topic: string, partition: number, marker: Marker, { broker }: Context): Promise<void> => {
  const replica = broker.partitions.leader(topic, partition)
  if (magicOfFormatVersion(replica.log.config.messageFormatVersion) < 2) throw new KafkaError('UNSUPPORTED_FOR_MESSAGE_FORMAT')
  const { producerId, producerEpoch, transactionResult, coordinatorEpoch } = marker
  const timestamp = broker.clocks.wall.nowMs()
  const records = buildMarker({ type: transactionResult ? 'commit' : 'abort', coordinatorEpoch }, { timestamp, producerId, producerEpoch })
  const { term } = replica
  const info = await replica.append(records, { origin: 'coordinator', requiredAcks: -1 })
  await replicated(replica, { endOffset: info.lastOffset + 1, term }, broker)
}

type Written = { endOffset: number; term: number }
const replicated = async (replica: Partition, { endOffset, term }: Written, broker: Context['broker']): Promise<void> => {
  const late = Promise.withResolvers<never>()
  const timeoutMs = broker.config.get('request.timeout.ms')
  const timer = broker.clocks.monotonic.schedule(timeoutMs, () => late.reject(new KafkaError('REQUEST_TIMED_OUT')))
  try {
    await Promise.race([replica.replicated(endOffset, term), late.promise])
  } finally {
    timer.cancel()
  }
}

const writeMarker = async (marker: Marker, context: Context): Promise<NonNullable<Reply['markers']>[number]> => ({
  producerId: marker.producerId,
  topics: await Promise.all(
    marker.topics.map(async ({ name, partitionIndexes }) => ({
      name,
      partitions: await each(
        partitionIndexes,
        async (partitionIndex) => {
          await write(name, partitionIndex, marker, context)
          return { partitionIndex, errorCode: 0 }
        },
        (partitionIndex, errorCode) => ({ partitionIndex, errorCode }),
      ),
    })),
  ),
})

/** A coordinator of transactions, on an Apache broker of the cluster, ends them where this broker leads. Answers when all replicas in sync have the markers. */
export const handleWriteTxnMarkers: Handler<Api> = async ({ markers }, context) => {
  context.authorize('CLUSTER_ACTION', 'CLUSTER', CLUSTER_NAME)
  return { markers: await Promise.all(markers.map((marker) => writeMarker(marker, context))) }
}

export const refuseWriteTxnMarkers: Refusal<Api> = ({ markers }, { code }) => ({
  markers: markers.map(({ producerId, topics }) => ({
    producerId,
    topics: topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode: code })),
    })),
  })),
})
