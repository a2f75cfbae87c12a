import { expect, test } from 'vitest'
import type { Log } from '../../src/log/log.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import { batches, lastOffsetOf } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import type { KafkaError } from '../../src/protocol/errors.ts'
import { Machine, range, START_MS, type Steps, takeSteps } from './support.ts'
import { Random } from '../support/random.ts'

const config = { segmentBytes: 1000, indexIntervalBytes: 150, fileDeleteDelayMs: 10, retentionMs: -1 }

/** What the log must hold: a value per offset from `start` on, in batches that begin where `begins` says. */
class Model {
  readonly random: (below: number) => number
  readonly machine = new Machine()
  log!: Log
  start = 0
  values: string[] = []
  begins: number[] = []
  /** Everything below was forced to the medium. */
  durable = 0
  #next = 0

  constructor(seed: number) {
    this.random = new Random(seed).below
  }
  get end(): number {
    return this.values.length
  }

  async open(): Promise<void> {
    this.log = await this.machine.log(config)
  }

  append(): void {
    const count = 1 + this.random(4)
    const ids = range(0, count).map(() => `${this.#next++}`.padEnd(this.random(200), '.'))
    const batch = buildBatch(
      ids.map((value) => ({ value, timestamp: START_MS + this.random(1000) })),
      { codec: (['none', 'gzip'] as const)[this.random(2)]! },
    )
    const isFailing = this.random(12) === 0
    if (isFailing) this.machine.memory.fail('write', { path: /\.log$/, partialBytes: this.random(batch.length) })
    try {
      const info = this.log.append(batch, { origin: 'client', leaderEpoch: this.end >> 5 })
      expect(info).toMatchObject({ firstOffset: this.end, lastOffset: this.end + count - 1 })
      this.begins.push(this.end)
      this.values.push(...ids)
    } catch (error) {
      expect([isFailing, (error as KafkaError).error]).toEqual([true, 'KAFKA_STORAGE_ERROR'])
    }
    this.machine.memory.stopFailing()
  }

  async truncate(): Promise<void> {
    const to = this.start + this.random(this.end - this.start + 2)
    const begin = to >= this.end ? this.end : this.begins.findLast((offset) => offset <= to)!
    await this.log.truncateTo(to)
    this.cutTo(begin)
    this.durable = begin
    this.start = Math.min(this.start, begin)
  }

  cutTo(end: number): void {
    this.values.length = end
    this.begins = this.begins.filter((offset) => offset < end)
    this.durable = Math.min(this.durable, end)
  }

  async flush(): Promise<void> {
    await this.log.flush()
    this.durable = this.end
  }

  advanceStart(): void {
    this.log.setHighWatermark(this.end)
    this.start = this.log.advanceLogStart(this.start + this.random(Math.max(1, (this.end - this.start) >> 1)))
    this.log.deleteOldSegments()
  }

  async stop(): Promise<void> {
    await this.machine.manager!.close()
    this.machine.memory.losePower()
    await this.open()
  }

  /** The start offset is known again as of the last checkpoint only, as in Kafka. */
  async kill(): Promise<void> {
    await this.machine.clock.advance(60_000)
    this.machine.kill()
    await this.open()
    this.durable = 0
  }

  async losePower(): Promise<void> {
    await this.machine.clock.advance(60_000)
    this.durable = this.end
    for (let i = this.random(5); i > 0; i--) this.append()
    this.machine.memory.losePower(this.random(4) / 3)
    await this.open()
    expect(this.log.logEndOffset).toBeGreaterThanOrEqual(this.durable)
    expect(this.log.logEndOffset).toBeLessThanOrEqual(this.end)
    this.cutTo(this.log.logEndOffset)
    this.durable = 0
  }

  async check(): Promise<void> {
    expect([this.log.logStartOffset, this.log.logEndOffset]).toEqual([this.start, this.end])
    const found: string[] = []
    let offset = this.start
    while (offset < this.end) {
      const { records: bytes } = await this.log.read(offset, { maxBytes: this.random(3000), upTo: 'logEnd', minOneBatch: true })
      for (const batch of batches(bytes)) {
        for (const record of records(batch)) if (record.offset >= offset) found.push(record.value!.toString())
        offset = lastOffsetOf(batch) + 1
      }
    }
    expect(found).toEqual(this.values.slice(this.start))
    const epochs = this.log.epochs.entries
    expect(
      epochs.every(
        ({ epoch, startOffset }) => startOffset === this.start || startOffset >> 5 === epoch || this.begins.includes(startOffset),
      ),
    ).toBe(true)
  }
}

const steps: Steps<Model> = [
  [60, (model) => model.append()],
  [6, (model) => model.flush()],
  [5, (model) => model.truncate()],
  [4, (model) => model.advanceStart()],
  [3, (model) => model.kill()],
  [3, (model) => model.losePower()],
  [2, (model) => model.stop()],
  [8, (model) => model.check()],
]

test.each(range(1, 41))(
  'a log and its model stay equal through appends, failures, cuts, kills and power losses (seed %i)',
  async (seed) => {
    const model = new Model(seed)
    await model.open()
    await takeSteps(model, steps, 150)
    await model.check()
  },
)
