/**
 * The markers that end a transaction: a control batch of one record, key int16 version 0 and int16 type, value int16 version 0 and int32 coordinatorEpoch.
 * Source: ControlRecordType and EndTransactionMarker of 2.6.3.
 */
import { KafkaError } from '../errors.ts'
import type { Int64 } from '../int64.ts'
import { buildBatch } from './build-batch.ts'
import { isControlBatch } from './record-batch.ts'
import { records } from './record.ts'

const TYPES = ['abort', 'commit'] as const
export type MarkerType = (typeof TYPES)[number]
export type EndTransactionMarker = { type: MarkerType; coordinatorEpoch: number }
/** `other`: a type of a later Kafka; to be kept and skipped. */
export type ControlRecord = EndTransactionMarker | { type: 'other'; id: number }

const int16s = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(2 * values.length)
  values.forEach((value, index) => bytes.writeInt16BE(value, 2 * index))
  return bytes
}

/** A marker as a transaction coordinator writes it. */
export const buildMarker = (
  marker: EndTransactionMarker,
  fields: { timestamp: Int64; producerId: Int64; producerEpoch: number; baseOffset?: number; partitionLeaderEpoch?: number },
): Buffer => {
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  const { timestamp, ...batch } = fields
  return buildBatch([{ timestamp, key: int16s(0, TYPES.indexOf(marker.type)), value }], {
    ...batch,
    isTransactional: true,
    isControl: true,
  })
}

/** What a control batch says; undefined for a batch of data. INVALID_RECORD when the key is too short. */
export const controlRecordOf = (batch: Buffer): ControlRecord | undefined => {
  if (!isControlBatch(batch)) return undefined
  const record = records(batch).next().value
  if (!record?.key || record.key.length < 4)
    throw new KafkaError('INVALID_RECORD', 'a control record needs a key of 4 bytes: version and type')
  const type = TYPES[record.key.readInt16BE(2)]
  if (type === undefined || record.key.readInt16BE(0) < 0) return { type: 'other', id: record.key.readInt16BE(2) }
  if (!record.value || record.value.length < 6)
    throw new KafkaError('INVALID_RECORD', 'a transaction marker needs a value of 6 bytes: version and coordinator epoch')
  return { type, coordinatorEpoch: record.value.readInt32BE(2) }
}
