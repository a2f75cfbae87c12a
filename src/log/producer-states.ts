import { KafkaError } from '../protocol/errors.ts'
import type { Int64 } from '../protocol/int64.ts'
import { controlRecordOf } from '../protocol/records/control-record.ts'
import {
  baseOffsetOf,
  baseSequenceOf,
  batchSizeOf,
  countOf,
  hasProducerId,
  isControlBatch,
  isLegacy,
  isTransactional,
  lastOffsetDeltaOf,
  lastOffsetOf,
  lastSequenceOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
} from '../protocol/records/record-batch.ts'
import type { AppendOrigin } from './log-types.ts'
import { isNextSequence, type KnownBatch, NO_EPOCH, NO_OFFSET, ProducerEntry } from './producer-entry.ts'

/** A transaction that is ended: its records are seen by readers of committed records, or never. */
export type EndedTransaction = { producerId: Int64; firstOffset: number; lastOffset: number; isAborted: boolean }

/** What one append does to the producers in it; taken over once the append is in the file. */
export class ProducerChanges {
  readonly origin: AppendOrigin
  /** Not yet what holds: copies of what is known. */
  readonly entries = new Map<Int64, ProducerEntry>()
  readonly begun: { producerId: Int64; firstOffset: number }[] = []
  readonly ended: EndedTransaction[] = []
  /** A client sent a batch again that is in the log: nothing is to be appended. */
  duplicate: KnownBatch | undefined

  constructor(origin: AppendOrigin) {
    this.origin = origin
  }
}

/**
 * What a log knows of its producers, so that a batch which is sent again is not stored again, and of transactions, so that readers of committed records know how far
 * they may go. One per log; only the log's own order of appends changes it. Source of the rules: kafka.log.ProducerStateManager (2.6).
 */
export class ProducerStates {
  readonly #name: string
  readonly #entries = new Map<Int64, ProducerEntry>()
  /** By first offset, ascending, since transactions begin in the order of the log. */
  readonly #ongoing = new Map<number, Int64>()
  /** Ended, but not all of them below the high watermark: a reader must not pass them yet. */
  #unreplicated: { firstOffset: number; lastOffset: number }[] = []

  /** `name` is TOPIC-PARTITION, for messages. */
  constructor(name: string, entries: Iterable<ProducerEntry> = []) {
    this.#name = name
    for (const entry of entries) this.#entries.set(entry.producerId, entry)
    const begun = [...this.#entries.values()].filter(({ transactionStart }) => transactionStart !== NO_OFFSET)
    for (const entry of begun.sort((a, b) => a.transactionStart - b.transactionStart)) {
      this.#ongoing.set(entry.transactionStart, entry.producerId)
    }
  }

  get size(): number {
    return this.#entries.size
  }
  /** Nothing is known of any producer or transaction. */
  get isEmpty(): boolean {
    return this.#entries.size === 0 && this.#unreplicated.length === 0
  }
  entries(): Iterable<ProducerEntry> {
    return this.#entries.values()
  }
  get(producerId: Int64): ProducerEntry | undefined {
    return this.#entries.get(producerId)
  }

  /** The first offset that readers of committed records must not pass; undefined: nothing holds them back. */
  get firstUnstableOffset(): number | undefined {
    if (this.#ongoing.size === 0 && this.#unreplicated.length === 0) return undefined
    const ongoing = this.#ongoing.keys().next().value
    const unreplicated = this.#unreplicated[0]?.firstOffset
    return ongoing === undefined || unreplicated === undefined ? (ongoing ?? unreplicated) : Math.min(ongoing, unreplicated)
  }

  /**
   * What an append of numbered batches will change; undefined where no batch has a producer. KafkaErrors for clients and coordinators: OUT_OF_ORDER_SEQUENCE_NUMBER,
   * INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, TRANSACTION_COORDINATOR_FENCED. What a leader stored is never refused.
   */
  check(records: Buffer, origin: AppendOrigin): ProducerChanges | undefined {
    let changes: ProducerChanges | undefined
    for (let at = 0; at < records.length; at += batchSizeOf(records, at)) {
      if (isLegacy(records, at) || !hasProducerId(records, at)) continue
      changes ??= new ProducerChanges(origin)
      if (origin === 'client') {
        changes.duplicate = this.#duplicateAt(records, at)
        if (changes.duplicate) return changes
      }
      this.#checkBatch(records, at, changes)
    }
    return changes
  }

  #duplicateAt(records: Buffer, at: number): KnownBatch | undefined {
    const entry = this.#entries.get(producerIdOf(records, at))
    return entry?.duplicateOf(producerEpochOf(records, at), baseSequenceOf(records, at), lastSequenceOf(records, at))
  }

  #checkBatch(records: Buffer, at: number, changes: ProducerChanges): void {
    const producerId = producerIdOf(records, at)
    const epoch = producerEpochOf(records, at)
    const entry = changes.entries.get(producerId) ?? this.#entries.get(producerId)?.copy() ?? new ProducerEntry(producerId)
    changes.entries.set(producerId, entry)
    this.#checkEpoch(entry, epoch, { offset: baseOffsetOf(records, at), origin: changes.origin })
    if (isControlBatch(records, at)) this.#end(records, at, changes)
    else this.#add(records, at, changes)
  }

  #checkEpoch(entry: ProducerEntry, epoch: number, { offset, origin }: { offset: number; origin: AppendOrigin }): void {
    if (epoch >= entry.epoch || origin === 'replication') return
    throw new KafkaError(
      'INVALID_PRODUCER_EPOCH',
      `Producer's epoch at offset ${offset} in ${this.#name} is ${epoch}, which is smaller than the last seen epoch ${entry.epoch}`,
    )
  }

  #add(records: Buffer, at: number, changes: ProducerChanges): void {
    const producerId = producerIdOf(records, at)
    const epoch = producerEpochOf(records, at)
    const entry = changes.entries.get(producerId)!
    const firstSequence = baseSequenceOf(records, at)
    const firstOffset = baseOffsetOf(records, at)
    if (changes.origin === 'client') this.#checkSequence(entry, { epoch, firstSequence, firstOffset })
    const offsetDelta = lastOffsetDeltaOf(records, at)
    const lastSequence = lastSequenceOf(records, at)
    entry.add(epoch, { lastSequence, offset: firstOffset + offsetDelta, offsetDelta, timestamp: maxTimestampOf(records, at) })
    if (entry.transactionStart !== NO_OFFSET && !isTransactional(records, at)) {
      if (changes.origin === 'replication') return
      throw new KafkaError(
        'INVALID_TXN_STATE',
        `Expected transactional write from producer ${producerId} at offset ${firstOffset} in partition ${this.#name}`,
      )
    }
    if (entry.transactionStart === NO_OFFSET && isTransactional(records, at)) {
      entry.transactionStart = firstOffset
      changes.begun.push({ producerId, firstOffset })
    }
  }

  #checkSequence(entry: ProducerEntry, batch: { epoch: number; firstSequence: number; firstOffset: number }): void {
    const { epoch, firstSequence, firstOffset } = batch
    const where = `for producerId ${entry.producerId} at offset ${firstOffset} in partition ${this.#name}`
    if (entry.epoch === NO_EPOCH) return // nothing is known of it: retention may have taken its records
    if (epoch !== entry.epoch) {
      if (firstSequence === 0) return
      throw new KafkaError(
        'OUT_OF_ORDER_SEQUENCE_NUMBER',
        `Invalid sequence number for new epoch ${where}: ${epoch} (request epoch), ${firstSequence} (seq. number), ${entry.epoch} (current producer epoch)`,
      )
    }
    const last = entry.last?.lastSequence ?? -1
    if (isNextSequence(last, firstSequence)) return
    throw new KafkaError(
      'OUT_OF_ORDER_SEQUENCE_NUMBER',
      `Out of order sequence number ${where}: ${firstSequence} (incoming seq. number), ${last} (current end sequence number)`,
    )
  }

  #end(records: Buffer, at: number, changes: ProducerChanges): void {
    // Compaction leaves an empty batch where all records of the transaction are gone.
    if (countOf(records, at) === 0) return
    const marker = controlRecordOf(records.subarray(at, at + batchSizeOf(records, at)))
    if (!marker || marker.type === 'other') return
    const entry = changes.entries.get(producerIdOf(records, at))!
    if (marker.coordinatorEpoch < entry.coordinatorEpoch && changes.origin !== 'replication') {
      throw new KafkaError(
        'TRANSACTION_COORDINATOR_FENCED',
        `Invalid coordinator epoch for producerId ${entry.producerId} at offset ${baseOffsetOf(records, at)} in partition ${this.#name}: ` +
          `${marker.coordinatorEpoch} (zombie), ${entry.coordinatorEpoch} (current)`,
      )
    }
    // The coordinator ends a transaction in every partition that was to be part of it: where nothing was written, the marker is all of it.
    const lastOffset = lastOffsetOf(records, at)
    const firstOffset = entry.transactionStart === NO_OFFSET ? lastOffset : entry.transactionStart
    changes.ended.push({ producerId: entry.producerId, firstOffset, lastOffset, isAborted: marker.type === 'abort' })
    entry.setEpoch(producerEpochOf(records, at))
    entry.transactionStart = NO_OFFSET
    entry.coordinatorEpoch = marker.coordinatorEpoch
    entry.lastTimestamp = maxTimestampOf(records, at)
  }

  /** Takes over what `check` gave. Gives the transactions that ended, each with how far readers of committed records may go then. */
  apply(changes: ProducerChanges): (EndedTransaction & { lastStableOffset: number })[] {
    for (const entry of changes.entries.values()) this.#entries.set(entry.producerId, entry)
    for (const { producerId, firstOffset } of changes.begun) this.#ongoing.set(firstOffset, producerId)
    return changes.ended.map((ended) => {
      this.#ongoing.delete(ended.firstOffset)
      this.#unreplicated.push({ firstOffset: ended.firstOffset, lastOffset: ended.lastOffset })
      this.#unreplicated.sort((a, b) => a.firstOffset - b.firstOffset)
      return { ...ended, lastStableOffset: this.#firstOngoingBut(ended.producerId) ?? ended.lastOffset + 1 }
    })
  }

  /** A follower gets a transaction's end and the begin of the producer's next one in one append. */
  #firstOngoingBut(producerId: Int64): number | undefined {
    for (const [firstOffset, other] of this.#ongoing) if (other !== producerId) return firstOffset
    return undefined
  }

  /** Transactions that are ended below it hold nobody back any more. */
  highWatermarkMoved(highWatermark: number): void {
    if (this.#unreplicated.length === 0) return
    this.#unreplicated = this.#unreplicated.filter(({ lastOffset }) => lastOffset >= highWatermark)
  }

  /** Forgets who has not written for so long and has no open transaction. `nowMs` by the wall clock, since batches carry that. */
  expire(nowMs: number, expirationMs: number): number {
    const before = this.#entries.size
    for (const [producerId, entry] of this.#entries) {
      if (entry.transactionStart === NO_OFFSET && nowMs - Number(entry.lastTimestamp) >= expirationMs) this.#entries.delete(producerId)
    }
    return before - this.#entries.size
  }
}
