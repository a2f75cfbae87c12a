import { KafkaError } from '../../../../src/protocol/errors.ts'
import {
  batches,
  lastOffsetOf,
  baseOffsetOf,
  setBaseOffset,
  validateCrc,
  lastOffsetDeltaOf,
} from '../../../../src/protocol/records/record-batch.ts'
import { records } from '../../../../src/protocol/records/record.ts'
import type { OffsetsReplica } from '../../../../src/broker/coordinator/ports.ts'
import { decodeGroupRecord, type GroupRecord } from '../../../../src/broker/coordinator/group-records.ts'
import { inMemory } from '../../../../src/broker/fetch/records-source.ts'
import { ReplicatedWaiters } from '../../../../src/broker/replicated-waiters.ts'

/** A partition of __consumer_offsets in memory; with `holds` its followers lag until `replicate`. */
export class OffsetsLog implements OffsetsReplica {
  readonly stored: Buffer[] = []
  readonly log: { logStartOffset: number; logEndOffset: number } = { logStartOffset: 0, logEndOffset: 0 }
  holds = false
  highWatermark = 0
  #failures: { append?: KafkaError; replicated?: KafkaError } = {}
  readonly #waiters = new ReplicatedWaiters()

  /** The next append fails, or the next wait for replicas once it is over, as with too few of them in sync. */
  fail(where: 'append' | 'replicated', error: KafkaError): void {
    this.#failures[where] = error
  }

  replicate(): void {
    this.highWatermark = this.log.logEndOffset
    this.#waiters.reached(this.highWatermark)
  }

  append: OffsetsReplica['append'] = (bytes) => {
    const { append } = this.#failures
    delete this.#failures.append
    if (append) throw append
    validateCrc(bytes)
    const firstOffset = this.log.logEndOffset
    setBaseOffset(bytes, firstOffset)
    this.stored.push(bytes)
    const lastOffset = lastOffsetOf(bytes)
    this.log.logEndOffset = lastOffset + 1
    if (!this.holds) this.replicate()
    const info = { firstOffset, lastOffset, maxTimestamp: -1, logAppendTime: -1, logStartOffset: 0, sizeBytes: bytes.length }
    return { ...info, offsetOfMaxTimestamp: firstOffset + lastOffsetDeltaOf(bytes) }
  }

  replicated = async (offset: number): Promise<void> => {
    const { replicated } = this.#failures
    delete this.#failures.replicated
    if (!this.isReplicated(offset)) await this.#waiters.wait(offset)
    if (replicated) throw replicated
  }

  isReplicated = (offset: number): boolean => this.highWatermark >= offset

  /** This broker leads no more. */
  resign(): void {
    this.#waiters.fail(new KafkaError('NOT_LEADER_OR_FOLLOWER'))
  }

  fetch: OffsetsReplica['fetch'] = ({ offset, maxBytes }) => {
    const wanted = this.stored.filter((batch) => lastOffsetOf(batch) >= offset)
    let sizeBytes = 0
    const taken = wanted.filter((batch, index) => (sizeBytes += batch.length) <= maxBytes || index === 0)
    const seen = { highWatermark: this.highWatermark, lastStableOffset: this.highWatermark, logStartOffset: 0, aborted: null }
    return { ...seen, records: inMemory(Buffer.concat(taken)) }
  }

  /** Everything in it. */
  records(): { offset: number; record: GroupRecord }[] {
    return this.stored.flatMap((stored) =>
      [...batches(stored)].flatMap((batch) =>
        [...records(batch)].map(({ key, value }, index) => ({
          offset: baseOffsetOf(batch) + index,
          record: decodeGroupRecord(key!, value)!,
        })),
      ),
    )
  }
}
