import type { Int64 } from '../protocol/int64.ts'

/** A batch as it is remembered: enough to know it again. `offset` is the last one. */
export type KnownBatch = { lastSequence: number; offset: number; offsetDelta: number; timestamp: Int64 }

/** As many as a producer may have in flight; an older one that comes again is out of order. */
export const KNOWN_BATCHES = 5
export const NO_EPOCH = -1
const NO_COORDINATOR_EPOCH = -1
export const NO_OFFSET = -1
const MAX_SEQUENCE = 0x7fff_ffff

/** Sequences count 0 to 2^31-1 and begin anew. */
const subtractFromSequence = (sequence: number, by: number): number => (sequence < by ? MAX_SEQUENCE - (by - sequence) + 1 : sequence - by)
export const isNextSequence = (last: number, next: number): boolean => next === last + 1 || (next === 0 && last === MAX_SEQUENCE)

/** What a log knows of one producer. Source: kafka.log.ProducerStateEntry (2.6). */
export class ProducerEntry {
  readonly producerId: Int64
  epoch = NO_EPOCH
  coordinatorEpoch = NO_COORDINATOR_EPOCH
  lastTimestamp: Int64 = -1
  /** Where its transaction that is not ended begins; NO_OFFSET: there is none. */
  transactionStart = NO_OFFSET
  /** Oldest first; a new array with each change, so that copies may share it. */
  #batches: readonly KnownBatch[] = []

  constructor(producerId: Int64) {
    this.producerId = producerId
  }

  get batches(): readonly KnownBatch[] {
    return this.#batches
  }
  get last(): KnownBatch | undefined {
    return this.#batches.at(-1)
  }

  /** Another epoch begins with nothing known. */
  setEpoch(epoch: number): void {
    if (this.epoch === epoch) return
    this.#batches = []
    this.epoch = epoch
  }

  add(epoch: number, batch: KnownBatch): void {
    this.setEpoch(epoch)
    this.#batches = [...(this.#batches.length < KNOWN_BATCHES ? this.#batches : this.#batches.slice(1)), batch]
    this.lastTimestamp = batch.timestamp
  }

  /** The batches before the last one, which were not known. */
  recall(batches: readonly KnownBatch[]): void {
    this.#batches = batches
  }

  /** What may be changed without being seen before it holds. */
  copy(): ProducerEntry {
    const copy = new ProducerEntry(this.producerId)
    copy.epoch = this.epoch
    copy.coordinatorEpoch = this.coordinatorEpoch
    copy.lastTimestamp = this.lastTimestamp
    copy.transactionStart = this.transactionStart
    copy.#batches = this.#batches
    return copy
  }

  /** The same batch, sent again. */
  duplicateOf(epoch: number, firstSequence: number, lastSequence: number): KnownBatch | undefined {
    if (epoch !== this.epoch) return undefined
    return this.#batches.find(
      (batch) => batch.lastSequence === lastSequence && subtractFromSequence(batch.lastSequence, batch.offsetDelta) === firstSequence,
    )
  }
}
