import { expect, test } from 'vitest'
import type { AppendInfo } from '../../src/log/log-types.ts'
import type { Log } from '../../src/log/log.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { buildMarker } from '../../src/protocol/records/control-record.ts'
import {
  baseOffsetOf,
  baseSequenceOf,
  batches,
  isControlBatch,
  lastOffsetOf,
  producerIdOf,
} from '../../src/protocol/records/record-batch.ts'
import { batchOf, DIR, Machine, names, range, START_MS, type Steps, takeSteps } from './support.ts'
import { Random } from '../support/random.ts'

const MAX_SEQUENCE = 0x7fff_ffff
const wrap = (sequence: number): number => (sequence > MAX_SEQUENCE ? sequence - MAX_SEQUENCE - 1 : sequence)
const TRANSACTIONAL = 9
const config = { segmentBytes: 900, indexIntervalBytes: 150, fileDeleteDelayMs: 10, retentionMs: -1 }

type Sent = { producerId: number; epoch: number; sequence: number; count: number; firstOffset: number; end?: 'abort' | 'commit' }
type Aborted = { producerId: number; firstOffset: number; lastOffset: number }

/** What the log must hold, and what its producers would send next. */
class Model {
  readonly random: (below: number) => number
  readonly machine = new Machine()
  log!: Log
  sent: Sent[] = []
  epochs = new Map<number, number>()
  /** Where the log began at most: a crash may bring an earlier start back, but not what was forgotten with it. */
  forgotten = 0
  duplicates = 0
  refused = 0

  constructor(seed: number) {
    this.random = new Random(seed).below
  }
  get end(): number {
    return this.log.logEndOffset
  }
  get #sentEnd(): number {
    const last = this.sent.at(-1)
    return last ? last.firstOffset + last.count : 0
  }
  /** Whose records are all below the log's start may be forgotten, and begins anew with any sequence. */
  #mustKnow(producerId: number): boolean {
    return this.sent.some((batch) => batch.producerId === producerId && !batch.end && batch.firstOffset >= this.forgotten)
  }

  async open(): Promise<void> {
    this.log = await this.machine.log(config)
  }

  #append({ producerId, epoch, sequence, count }: Omit<Sent, 'firstOffset'>): AppendInfo | string {
    const isTransactional = producerId === TRANSACTIONAL
    const fields = { producerId, producerEpoch: epoch, baseSequence: sequence, isTransactional, sizeBytes: this.random(60) }
    try {
      return this.log.append(batchOf(count, fields), { origin: 'client', leaderEpoch: 0 }) as AppendInfo
    } catch (error) {
      return (error as KafkaError).error
    }
  }
  #next(producerId: number): { epoch: number; sequence: number } {
    const epoch = this.epochs.get(producerId) ?? 0
    const last = this.sent.findLast((batch) => batch.producerId === producerId && !batch.end)
    if (last?.epoch === epoch) return { epoch, sequence: wrap(last.sequence + last.count) }
    // The first producer comes near the end of the sequences soon.
    return { epoch, sequence: last === undefined && epoch === 0 && producerId === 1 ? MAX_SEQUENCE - 40 : 0 }
  }
  #anyone(): number {
    return [1, 2, 3, TRANSACTIONAL][this.random(4)]!
  }

  send(): void {
    const producerId = this.#anyone()
    const count = 1 + this.random(4)
    const batch = { producerId, ...this.#next(producerId), count }
    const firstOffset = this.end
    const answer = this.#append(batch)
    // Of whom only the end of a transaction is left, no sequence is known: Kafka wants 0 then.
    if (answer === 'OUT_OF_ORDER_SEQUENCE_NUMBER' && producerId === TRANSACTIONAL && !this.#mustKnow(producerId)) return
    expect(answer).toMatchObject({ firstOffset, lastOffset: firstOffset + count - 1 })
    this.sent.push({ ...batch, firstOffset })
  }

  /** The answer was lost: one of five in flight comes again. */
  retry(): void {
    const producerId = this.#anyone()
    const epoch = this.epochs.get(producerId) ?? 0
    const known = this.sent.filter((batch) => batch.producerId === producerId && batch.epoch === epoch && !batch.end).slice(-5)
    const again = known[this.random(Math.max(1, known.length))]
    if (!again || !this.#mustKnow(producerId)) return
    const answer = this.#append(again)
    // What retention took may be forgotten; then it is refused, but not taken again.
    if (again.firstOffset < this.forgotten && answer === 'OUT_OF_ORDER_SEQUENCE_NUMBER') return
    const { firstOffset, count } = again
    expect(answer).toMatchObject({ isDuplicate: true, firstOffset, lastOffset: firstOffset + count - 1 })
    this.duplicates++
  }

  gap(): void {
    const producerId = this.#anyone()
    const { epoch, sequence } = this.#next(producerId)
    if (!this.#mustKnow(producerId)) return
    const answer = this.#append({ producerId, epoch, sequence: wrap(sequence + 1 + this.random(5)), count: 1 })
    expect(answer).toBe('OUT_OF_ORDER_SEQUENCE_NUMBER')
    this.refused++
  }

  newEpoch(): void {
    const producerId = 1 + this.random(3)
    this.epochs.set(producerId, (this.epochs.get(producerId) ?? 0) + 1)
  }

  endTransaction(): void {
    const type = this.random(2) === 0 ? 'abort' : 'commit'
    const bytes = buildMarker({ type, coordinatorEpoch: 0 }, { timestamp: START_MS, producerId: TRANSACTIONAL, producerEpoch: 0 })
    const firstOffset = this.end
    expect(this.log.append(bytes, { origin: 'coordinator', leaderEpoch: 0 })).toMatchObject({ firstOffset })
    this.sent.push({ producerId: TRANSACTIONAL, epoch: 0, sequence: -1, count: 1, firstOffset, end: type })
  }

  cutTo(end: number): void {
    this.sent = this.sent.filter(({ firstOffset, count }) => firstOffset + count <= end)
  }

  async truncate(): Promise<void> {
    const from = this.log.logStartOffset
    await this.log.truncateTo(from + this.random(this.end - from + 1))
    this.cutTo(this.log.logEndOffset)
  }

  advanceStart(): void {
    this.log.setHighWatermark(this.end)
    const start = this.log.logStartOffset
    this.log.advanceLogStart(start + this.random(Math.max(1, (this.end - start) >> 1)))
    this.log.deleteOldSegments()
    this.forgotten = Math.max(this.forgotten, this.log.logStartOffset)
  }

  async stop(): Promise<void> {
    await this.machine.manager!.close()
    this.machine.memory.losePower()
    await this.open()
  }

  /** In the middle of an append, or between two. */
  async kill(): Promise<void> {
    await this.machine.clock.advance(this.random(2) * 60_000)
    this.machine.kill()
    const name = names(this.machine).findLast((each) => each.endsWith('.log'))!
    const path = `${DIR}/t-0/${name}`
    const bytes = this.machine.memory.readFile(path)
    const lastBegin = [...batches(bytes)].at(-1)
    if (lastBegin && this.random(2) === 0)
      this.machine.memory.writeFile(path, bytes.subarray(0, bytes.length - this.random(lastBegin.length)))
    await this.#reopen()
  }

  async losePower(): Promise<void> {
    await this.machine.clock.advance(this.random(2) * 60_000)
    for (let i = this.random(5); i > 0; i--) this.send()
    this.machine.memory.losePower(this.random(4) / 3)
    await this.#reopen()
  }

  async #reopen(): Promise<void> {
    await this.open()
    const { logStartOffset, logEndOffset } = this.log
    if (logStartOffset < logEndOffset) expect(logEndOffset).toBeLessThanOrEqual(this.#sentEnd)
    this.cutTo(logEndOffset)
    if (logStartOffset < logEndOffset) expect(this.#sentEnd).toBe(logEndOffset)
  }

  async check(): Promise<void> {
    const { logStartOffset: start, logEndOffset: end } = this.log
    if (start === end) return
    const { records } = await this.log.read(start, { maxBytes: 1 << 20, upTo: 'logEnd', minOneBatch: true })
    const found = [...batches(records)].map((batch) => [
      producerIdOf(batch),
      baseSequenceOf(batch),
      baseOffsetOf(batch),
      lastOffsetOf(batch),
    ])
    const upTo = found.at(-1)![3]!
    const wanted = this.sent.filter(({ firstOffset, count }) => firstOffset + count > start && firstOffset <= upTo)
    expect(found).toEqual(wanted.map((batch) => [batch.producerId, batch.sequence, batch.firstOffset, batch.firstOffset + batch.count - 1]))
    expect([...batches(records)].map((batch) => isControlBatch(batch))).toEqual(wanted.map((batch) => batch.end !== undefined))
    this.#checkTransactions(start, end)
  }

  #checkTransactions(start: number, end: number): void {
    const aborted: Aborted[] = []
    let begin: number | undefined
    for (const { producerId, firstOffset, end: type } of this.sent.filter((batch) => batch.producerId === TRANSACTIONAL)) {
      if (type === undefined) begin ??= firstOffset
      else {
        if (type === 'abort') aborted.push({ producerId, firstOffset: begin ?? firstOffset, lastOffset: firstOffset })
        begin = undefined
      }
    }
    // A transaction that began below the log's start is known from where the log still has it.
    const known = aborted.filter(({ firstOffset }) => firstOffset >= this.forgotten)
    const others = new Set(aborted.filter(({ firstOffset }) => firstOffset < this.forgotten).map(({ lastOffset }) => lastOffset))
    expect(this.log.abortedTransactions(start, end).filter(({ lastOffset }) => !others.has(lastOffset))).toMatchObject(known)
    if (begin !== undefined && begin < this.forgotten) return
    this.log.setHighWatermark(end)
    expect(this.log.lastStableOffset).toBe(begin ?? end)
  }
}

const steps: Steps<Model> = [
  [40, (model) => model.send()],
  [20, (model) => model.retry()],
  [10, (model) => model.gap()],
  [6, (model) => model.endTransaction()],
  [1, (model) => model.newEpoch()],
  [4, (model) => model.log.flush()],
  [3, (model) => model.truncate()],
  [2, (model) => model.advanceStart()],
  [3, (model) => model.kill()],
  [3, (model) => model.losePower()],
  [2, (model) => model.stop()],
  [6, (model) => model.check()],
]

test.each(range(1, 41))(
  'no batch of a producer is stored twice and none is left out, through retries, kills, power losses, cuts and retention (seed %i)',
  async (seed) => {
    const model = new Model(seed)
    await model.open()
    await takeSteps(model, steps, 200)
    await model.check()
    expect(Math.min(model.duplicates, model.refused)).toBeGreaterThan(0)
  },
)
