import { KafkaError } from '../../protocol/errors.ts'
import { type Int64, toBigInt } from '../../protocol/int64.ts'
import { controlRecordOf } from '../../protocol/records/control-record.ts'
import { batches, isControlBatch, isTransactional, lastOffsetOf, producerIdOf } from '../../protocol/records/record-batch.ts'
import { records } from '../../protocol/records/record.ts'
import { decodeGroupRecord, type GroupRecord } from './group-records.ts'
import type { OffsetsReplica } from './ports.ts'

export type Replayed = { records: number; skipped: number; endOffset: number }
type Applied = { record: GroupRecord; recordOffset: number }

/** After so many records other work gets its turn. */
const RECORDS_PER_TURN = 2000
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/**
 * Reads a partition of __consumer_offsets from its start and hands each record over in the order in which it takes effect: those of a transaction when its
 * marker says so. Source: GroupMetadataManager.doLoadGroupsAndOffsets of 2.6.3.
 */
export class Replay {
  readonly #replica: OffsetsReplica
  readonly #apply: (record: GroupRecord, recordOffset: number) => void
  /** Records of open transactions by producer id. */
  readonly #open = new Map<bigint, Applied[]>()
  #records = 0
  #skipped = 0

  constructor(replica: OffsetsReplica, apply: (record: GroupRecord, recordOffset: number) => void) {
    this.#replica = replica
    this.#apply = apply
  }

  /** Up to the end of the log as it is then. Rejects with what reading throws. */
  async run(bufferBytes: number, isCancelled: () => boolean): Promise<Replayed> {
    const { log } = this.#replica
    let offset = log.logStartOffset
    while (offset < log.logEndOffset && !isCancelled()) {
      const bytes = await this.#read(offset, bufferBytes)
      const before = offset
      for (const batch of batches(bytes)) {
        const due = this.#records + RECORDS_PER_TURN
        this.#replayBatch(batch)
        offset = Math.max(offset, lastOffsetOf(batch) + 1)
        if (this.#records >= due) await nextTurn()
      }
      if (offset === before) break
      await nextTurn()
    }
    return { records: this.#records, skipped: this.#skipped, endOffset: offset }
  }

  async #read(offset: number, maxBytes: number): Promise<Buffer> {
    const { records: source } = await this.#replica.fetch({
      offset,
      maxBytes,
      minOneBatch: true,
      mayCutFirstBatch: false,
      upTo: 'logEnd',
    })
    if (!source) return Buffer.alloc(0)
    const bytes = Buffer.allocUnsafe(source.sizeBytes)
    let filled = 0
    while (filled < bytes.length) {
      const read = await source.readInto(bytes.subarray(filled), filled)
      if (read === 0) break
      filled += read
    }
    return bytes.subarray(0, filled)
  }

  #replayBatch(batch: Buffer): void {
    const producer = isTransactional(batch) ? toBigInt(producerIdOf(batch)) : undefined
    if (isControlBatch(batch)) return this.#endTransaction(batch)
    for (const { offset, key, value } of records(batch)) {
      this.#records++
      const record = key && this.#decode(key, value)
      if (!record) this.#skipped++
      else if (producer === undefined) this.#apply(record, offset)
      else this.#keep(producer, { record, recordOffset: offset })
    }
  }

  #decode(key: Buffer, value: Buffer | null): GroupRecord | undefined {
    try {
      return decodeGroupRecord(key, value)
    } catch (thrown) {
      if (thrown instanceof KafkaError) return undefined
      throw thrown
    }
  }

  #keep(producer: bigint, applied: Applied): void {
    const open = this.#open.get(producer)
    if (open) open.push(applied)
    else this.#open.set(producer, [applied])
  }

  #endTransaction(batch: Buffer): void {
    const producer = toBigInt(producerIdOf(batch) satisfies Int64)
    const marker = controlRecordOf(batch)
    if (marker?.type === 'commit') for (const { record, recordOffset } of this.#open.get(producer) ?? []) this.#apply(record, recordOffset)
    this.#open.delete(producer)
  }
}
