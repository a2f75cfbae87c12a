import { setTimeout as sleep } from 'node:timers/promises'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { offsetCommit } from '../../src/protocol/api/08-offset-commit.ts'
import { offsetFetch } from '../../src/protocol/api/09-offset-fetch.ts'
import { findCoordinator } from '../../src/protocol/api/10-find-coordinator.ts'
import { errorName, KafkaError } from '../../src/protocol/errors.ts'
import type { KafkaConnection } from '../../src/client/connection.ts'
import type { Place } from './history.ts'
import type { Recorder } from './recorder.ts'
import { type Reader, valueOf } from './readers.ts'
import { Connections, type Routes } from './routes.ts'

const EVERY_MS = 400

const topicsOf = <T>(places: readonly Place[], partitionOf: (place: Place) => T): { name: string; partitions: T[] }[] =>
  [...new Set(places.map(({ topic }) => topic))].map((name) => ({
    name,
    partitions: places.filter(({ topic }) => topic === name).map(partitionOf),
  }))

/** A group without members that stores how far a reader has come and asks for it again: what Java's assign() and commitSync() do. */
export class OffsetKeeper {
  readonly #group: string
  readonly #reader: Reader
  readonly #places: readonly Place[]
  readonly #recorder: Recorder
  readonly #routes: Routes
  readonly #connections: Connections
  #coordinator: number | undefined

  constructor(options: { group: string; reader: Reader; places: readonly Place[]; recorder: Recorder; routes: Routes }) {
    this.#group = options.group
    this.#reader = options.reader
    this.#places = options.places
    this.#recorder = options.recorder
    this.#routes = options.routes
    this.#connections = new Connections(options.routes, options.group, 5000)
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const connection = await this.#findCoordinator().catch(() => undefined)
      if (connection) {
        if (!(await this.#ask(connection)) || !(await this.#commit(connection))) this.#coordinator = undefined
      }
      await sleep(EVERY_MS)
    }
    this.#connections.close()
  }

  /** Once more at the end, when all is well: whether the answer came. */
  async askNow(): Promise<boolean> {
    const connection = await this.#findCoordinator().catch(() => undefined)
    return connection !== undefined && this.#ask(connection)
  }

  async #findCoordinator(): Promise<KafkaConnection> {
    if (this.#coordinator === undefined) {
      const brokers = this.#routes.brokers
      const any = await this.#connections.to(brokers[Math.floor(Math.random() * brokers.length)]!)
      const { errorCode, nodeId } = await any.request(findCoordinator, { key: this.#group, keyType: 0 })
      if (errorCode !== 0) throw new KafkaError(errorName(errorCode))
      this.#coordinator = nodeId
    }
    return this.#connections.to(this.#coordinator)
  }

  async #ask(connection: KafkaConnection): Promise<boolean> {
    const startMs = this.#recorder.nowMs()
    const topics = topicsOf(this.#places, ({ partition }) => partition).map(({ name, partitions }) => ({
      name,
      partitionIndexes: partitions,
    }))
    const answer = await connection.request(offsetFetch, { groupId: this.#group, topics }).catch(() => undefined)
    if (!answer || answer.errorCode !== 0) return false
    const endMs = this.#recorder.nowMs()
    let isWell = true
    for (const { name: topic, partitions } of answer.topics) {
      for (const { partitionIndex: partition, committedOffset, errorCode } of partitions) {
        if (errorCode !== 0) isWell = false
        else this.#recorder.committed.push({ group: this.#group, topic, partition, offset: Number(committedOffset), startMs, endMs })
      }
    }
    return isWell
  }

  async #commit(connection: KafkaConnection): Promise<boolean> {
    const startMs = this.#recorder.nowMs()
    const positions = new Map(this.#places.map((place) => [`${place.topic}-${place.partition}`, this.#reader.positionOf(place)]))
    const topics = topicsOf(this.#places, (place) => ({
      partitionIndex: place.partition,
      committedOffset: positions.get(`${place.topic}-${place.partition}`)!,
      committedMetadata: '',
    }))
    const answer = await connection.request(offsetCommit, { groupId: this.#group, topics }).catch(() => undefined)
    const endMs = this.#recorder.nowMs()
    const codes = new Map(
      answer?.topics.flatMap(({ name, partitions }) => partitions.map((one) => [`${name}-${one.partitionIndex}`, one.errorCode])),
    )
    for (const place of this.#places) {
      const name = `${place.topic}-${place.partition}`
      const outcome = codes.get(name) === 0 ? 'acknowledged' : 'unknown'
      this.#recorder.commits.push({ ...place, group: this.#group, offset: positions.get(name)!, outcome, startMs, endMs })
    }
    return answer !== undefined && [...codes.values()].every((code) => code === 0)
  }
}

/** A group of kafkajs consumers that share the topics' partitions. What one of them was given counts as seen by the group. */
export class MemberGroup {
  readonly group: string
  readonly #consumers: Consumer[]
  readonly #recorder: Recorder
  readonly #topics: readonly string[]
  readonly #next = new Map<string, number>()
  readonly #stopped = Promise.withResolvers<void>()
  #isStopping = false

  constructor(options: { group: string; members: number; brokers: string[]; topics: readonly string[]; recorder: Recorder }) {
    this.group = options.group
    this.#recorder = options.recorder
    this.#topics = options.topics
    const kafka = new Kafka({
      clientId: options.group,
      brokers: options.brokers,
      logLevel: logLevel.NOTHING,
      connectionTimeout: 2000,
      requestTimeout: 8000,
      retry: { initialRetryTime: 200, maxRetryTime: 2000, retries: 5 },
    })
    this.#consumers = Array.from({ length: options.members }, () =>
      kafka.consumer({
        groupId: options.group,
        sessionTimeout: 8000,
        rebalanceTimeout: 10_000,
        heartbeatInterval: 1000,
        metadataMaxAge: 10_000,
        maxWaitTimeInMs: 300,
        retry: { restartOnFailure: () => Promise.resolve(!this.#isStopping) },
      }),
    )
  }

  /** The first offset that the group has not seen, with none missing below it. */
  positionOf({ topic, partition }: Place): number {
    return this.#next.get(`${topic}-${partition}`) ?? 0
  }

  async start(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer, index) => this.#run(consumer, `${this.group}/${index}`)))
  }

  async #run(consumer: Consumer, name: string): Promise<void> {
    // After some errors kafkajs leaves it to the application to run the consumer again.
    let gaveUp = Promise.withResolvers<void>()
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      this.#recorder.note(`${name} crashed, ${restart ? 'restarts' : 'ends'}: ${error.name}: ${error.message}`)
      if (!restart) gaveUp.resolve()
    })
    while (!this.#isStopping) {
      gaveUp = Promise.withResolvers<void>()
      try {
        await consumer.connect()
        await consumer.subscribe({ topics: [...this.#topics], fromBeginning: true })
        await consumer.run({
          autoCommitInterval: 500,
          eachBatch: async ({ batch, resolveOffset, heartbeat }) => {
            const records = batch.messages.map(({ offset, value }) => ({ offset: Number(offset), value: valueOf(value) }))
            if (records.length > 0) this.#record(batch.topic, batch.partition, Number(batch.highWatermark), records)
            resolveOffset(batch.lastOffset())
            await heartbeat()
          },
        })
        await Promise.race([gaveUp.promise, this.#stopped.promise])
      } catch {
        this.#recorder.note(`${name} could not join yet`)
      }
      if (!this.#isStopping) await sleep(1000)
    }
  }

  #record(topic: string, partition: number, highWatermark: number, records: { offset: number; value: string }[]): void {
    const nowMs = this.#recorder.nowMs()
    const place = { topic, partition }
    const fetchOffset = records[0]!.offset
    this.#recorder.polls.push({
      ...place,
      reader: this.group,
      isMember: true,
      fetchOffset,
      highWatermark,
      records,
      startMs: nowMs,
      endMs: nowMs,
    })
    const next = this.positionOf(place)
    if (fetchOffset <= next) this.#next.set(`${topic}-${partition}`, Math.max(next, records.at(-1)!.offset + 1))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#stopped.resolve()
    await Promise.race([Promise.all(this.#consumers.map((consumer) => consumer.disconnect().catch(() => {}))), sleep(10_000)])
  }
}
