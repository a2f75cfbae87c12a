import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaConnection } from '../../src/client/connection.ts'
import { initProducerId } from '../../src/protocol/api/22-init-producer-id.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { errorName, KafkaError } from '../../src/protocol/errors.ts'
import type { Int64 } from '../../src/protocol/int64.ts'
import { buildBatch } from '../../src/protocol/records/build-batch.ts'
import type { Place, Send } from './history.ts'
import type { Random } from '../support/random.ts'
import type { Recorder } from './recorder.ts'
import { Connections, type Routes } from './routes.ts'

export type ProducerOptions = {
  name: string
  place: Place
  routes: Routes
  recorder: Recorder
  random: Random
  /** Between two batches, on average. */
  everyMs: number
}

/** No record is stored after one of these; after all others it may be. */
const REFUSALS = new Set(['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS', 'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'])
/** The broker's; the connection's own is longer, so that the broker's answer comes first. */
const ACK_TIMEOUT_MS = 4000
const BACKOFF_MS = 100
const IN_FLIGHT = 5
const BUMP_EVERY_BATCHES = 400
const KEYS = 7

const PADDING = '.'.repeat(200)

type Answer = { error: string; offset: number }

const lost = (error: Error): Answer => ({ error: error.message, offset: -1 })

/** Gives one batch to the leader; a lost connection rejects. */
const produceTo = async (connection: KafkaConnection, { topic, partition }: Place, batch: Buffer): Promise<Answer> => {
  const answer = await connection.request(produce, {
    transactionalId: null,
    acks: -1,
    timeoutMs: ACK_TIMEOUT_MS,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, records: batch }] }],
  })
  const { errorCode, baseOffset } = answer.responses[0]!.partitions[0]!
  return { error: errorName(errorCode), offset: Number(baseOffset) }
}

type NewRecords = { values: string[]; batch: (fields: Parameters<typeof buildBatch>[1]) => Buffer }

/** Unique values of a few keys. What they begin with tells who sent them; the rest fills segments. */
class Values {
  readonly #options: ProducerOptions
  #count = 0

  constructor(options: ProducerOptions) {
    this.#options = options
  }
  next(): NewRecords & { first: number } {
    const { name, random, place } = this.#options
    const first = this.#count
    const values = Array.from({ length: random.between(1, 3) }, () => `${name}/${place.partition}/${this.#count++}`)
    const records = values.map((value) => ({
      key: `key-${random.between(1, KEYS)}`,
      value: `${value} ${PADDING}`,
      timestamp: Date.now(),
    }))
    return { first, values, batch: (fields) => buildBatch(records, fields) }
  }
}

/** One attempt per record, one batch at a time, no idempotence. Records what became of each record. */
export const runPlainProducer = async (options: ProducerOptions, signal: AbortSignal): Promise<void> => {
  const { name, place, routes, recorder, everyMs, random } = options
  const connections = new Connections(routes, name)
  const values = new Values(options)
  while (!signal.aborted) {
    await sleep(random.next() * 2 * everyMs)
    const leader = routes.leaderOf(place)
    if (!leader) {
      await routes.refresh()
      continue
    }
    const { first, values: texts, batch } = values.next()
    const startMs = recorder.nowMs()
    const answer = await connections
      .to(leader.broker)
      .then((connection) => produceTo(connection, place, batch({})))
      .catch(lost)
    const outcome = answer.error === 'NONE' ? 'acknowledged' : REFUSALS.has(answer.error) ? 'refused' : 'unknown'
    const common = { ...place, producer: name, startMs, endMs: recorder.nowMs(), outcome } as const
    for (const [index, value] of texts.entries()) {
      const offset = outcome === 'acknowledged' ? { offset: answer.offset + index } : { error: answer.error }
      recorder.sends.push({ ...common, value, sequence: first + index, ...offset })
    }
    if (outcome === 'acknowledged') continue
    await routes.refresh()
    await sleep(BACKOFF_MS)
  }
  connections.close()
}

type Batch = { sends: Send[]; bytes: Buffer; outcome?: Promise<Answer> }
/** Answers that a correct broker never gives to a producer that numbers as Java's does. */
const BROKEN = new Set([
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'CORRUPT_MESSAGE',
  'INVALID_RECORD',
  'INVALID_REQUEST',
])

/**
 * As Java's producer with enable.idempotence: numbers per partition, up to five batches in flight, and after a failure everything that is not acknowledged is sent again in its order
 * with its old numbers, until it is.
 */
export class IdempotentProducer {
  readonly #options: ProducerOptions
  readonly #connections: Connections
  readonly #values: Values
  #producerId: Int64 = -1
  #epoch = -1
  #nextSequence = 0
  #inFlight: Batch[] = []
  #sinceBump = 0

  constructor(options: ProducerOptions) {
    this.#options = options
    this.#connections = new Connections(options.routes, options.name)
    this.#values = new Values(options)
  }

  /** Until `signal` says to begin no more batches, and all that were begun are answered; `giveUp` leaves these unknown. */
  async run(signal: AbortSignal, giveUp: AbortSignal): Promise<void> {
    while (!giveUp.aborted && !(signal.aborted && this.#inFlight.length === 0)) {
      if (this.#producerId === -1 || (this.#inFlight.length === 0 && this.#sinceBump >= BUMP_EVERY_BATCHES)) await this.#initialize()
      else await this.#round(signal)
    }
    for (const { sends } of this.#inFlight) this.#finish(sends, 'unknown', -1)
    this.#connections.close()
  }

  /** A new id the first time, the next epoch of it later (KIP-360). */
  async #initialize(): Promise<void> {
    const { routes, random } = this.#options
    try {
      const connection = await this.#connections.to(random.pick(routes.brokers))
      const request = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: this.#producerId, producerEpoch: this.#epoch }
      const answer = await connection.request(initProducerId, request)
      if (answer.errorCode !== 0) throw new KafkaError(errorName(answer.errorCode))
      this.#producerId = answer.producerId
      this.#epoch = answer.producerEpoch
      this.#nextSequence = 0
      this.#sinceBump = 0
    } catch {
      await sleep(BACKOFF_MS)
    }
  }

  #begin(): Batch {
    const { name, place, recorder } = this.#options
    const { first, values, batch } = this.#values.next()
    const bytes = batch({ producerId: this.#producerId, producerEpoch: this.#epoch, baseSequence: this.#nextSequence })
    this.#nextSequence += values.length
    this.#sinceBump++
    const startMs = recorder.nowMs()
    const sends = values.map((value, index): Send => ({
      ...place,
      producer: name,
      value,
      sequence: first + index,
      startMs,
      endMs: startMs,
      outcome: 'unknown',
    }))
    return { sends, bytes }
  }

  #finish(sends: Send[], outcome: Send['outcome'], offset: number): void {
    const { recorder } = this.#options
    const endMs = recorder.nowMs()
    for (const [index, send] of sends.entries()) {
      recorder.sends.push({ ...send, endMs, outcome, ...(outcome === 'acknowledged' ? { offset: offset < 0 ? -1 : offset + index } : {}) })
    }
  }

  /** Sends what waits, adds new batches while all goes well, and ends with everything answered or something to be sent again. */
  async #round(signal: AbortSignal): Promise<void> {
    const { routes, place, everyMs, random } = this.#options
    const leader = routes.leaderOf(place)
    if (!leader) return routes.refresh()
    // One connection for the whole round: batches arrive in the order of their numbers.
    const connection = await this.#connections.to(leader.broker).catch(() => undefined)
    if (!connection) {
      await routes.refresh()
      return sleep(BACKOFF_MS)
    }
    for (const batch of this.#inFlight) delete batch.outcome
    for (;;) {
      while (this.#inFlight.length < IN_FLIGHT && !signal.aborted && this.#sinceBump < BUMP_EVERY_BATCHES)
        this.#inFlight.push(this.#begin())
      for (const batch of this.#inFlight) batch.outcome ??= produceTo(connection, place, batch.bytes).catch(lost)
      const first = this.#inFlight[0]
      if (!first) return
      const answer = await first.outcome!
      if (!this.#settle(first, answer)) break
      this.#inFlight.shift()
      await sleep(random.next() * 2 * everyMs)
    }
    // What was stored nevertheless is answered as a duplicate when it is sent again.
    for (const { outcome } of this.#inFlight) await outcome
    await routes.refresh()
    await sleep(BACKOFF_MS)
  }

  /** The first in flight has its answer: whether it is done. */
  #settle(batch: Batch, { error, offset }: Answer): boolean {
    const { recorder, place, name } = this.#options
    const who = `${name} (producer ${this.#producerId}, epoch ${this.#epoch}, ${batch.sends[0]!.value})`
    if (BROKEN.has(error)) recorder.brokenPromise(place, who, error)
    // Everything before it is acknowledged: nothing is missing.
    if (error === 'OUT_OF_ORDER_SEQUENCE_NUMBER') recorder.brokenPromise(place, who, `${error} although all before it are acknowledged`)
    if (error !== 'NONE' && error !== 'DUPLICATE_SEQUENCE_NUMBER') return false
    this.#finish(batch.sends, 'acknowledged', error === 'NONE' ? offset : -1)
    return true
  }
}
