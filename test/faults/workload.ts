import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.ts'
import { MemberGroup, OffsetKeeper } from './groups.ts'
import type { FinalLog, Place } from './history.ts'
import { IdempotentProducer, runPlainProducer } from './producers.ts'
import { Random } from '../support/random.ts'
import { Reader } from './readers.ts'
import { Recorder } from './recorder.ts'
import type { Routes } from './routes.ts'

export type WorkloadOptions = {
  cluster: Cluster
  routes: Routes
  recorder: Recorder
  places: readonly Place[]
  idempotentTopics: readonly string[]
  seed: number
}

/** Per partition. */
const PRODUCERS = ['first', 'second'] as const
const EVERY_MS = 40

/** Waits until `isDone`, at most so long; whether it came. */
const within = async (ms: number, isDone: () => boolean): Promise<boolean> => {
  const endsMs = performance.now() + ms
  while (!isDone()) {
    if (performance.now() > endsMs) return false
    await sleep(50)
  }
  return true
}

/** Who writes and reads while the faults happen. */
export class Workload {
  readonly #options: WorkloadOptions
  readonly #readers: Reader[]
  readonly #keepers: OffsetKeeper[]
  readonly #members: MemberGroup
  readonly #producing = new AbortController()
  readonly #givingUp = new AbortController()
  readonly #reading = new AbortController()
  #producers: Promise<void>[] = []
  #others: Promise<void>[] = []

  constructor(options: WorkloadOptions) {
    this.#options = options
    const { routes, recorder, places, cluster } = options
    const common = { places, routes, recorder }
    this.#readers = [
      new Reader({ ...common, name: 'reader of leaders', from: 'leader', hasSessions: false }),
      new Reader({ ...common, name: 'reader with sessions', from: 'leader', hasSessions: true }),
      new Reader({ ...common, name: 'reader of followers', from: 'follower', hasSessions: true }),
    ]
    this.#keepers = this.#readers.map((reader, index) => new OffsetKeeper({ group: `keeper-${index}`, reader, places, recorder, routes }))
    this.#members = new MemberGroup({
      group: 'members',
      members: 2,
      brokers: cluster.bootstrap.map(({ host, port }) => `${host}:${port}`),
      topics: [...new Set(places.map(({ topic }) => topic))],
      recorder,
    })
  }

  /** Resolves when the partitions have their leaders and everybody works. */
  async start(): Promise<void> {
    const { routes, recorder, places, idempotentTopics, seed } = this.#options
    const random = new Random(seed ^ 0x5eed)
    while (!places.every((place) => routes.leaderOf(place))) await routes.refresh()
    for (const place of places) {
      for (const who of PRODUCERS) {
        const name = `${who}-${place.topic}`
        const options = { name, place, routes, recorder, everyMs: EVERY_MS, random: new Random(random.between(1, 2 ** 31)) }
        this.#producers.push(
          idempotentTopics.includes(place.topic)
            ? new IdempotentProducer(options).run(this.#producing.signal, this.#givingUp.signal)
            : runPlainProducer(options, this.#producing.signal),
        )
      }
    }
    this.#others = [...this.#readers, ...this.#keepers].map((one) => one.run(this.#reading.signal))
    this.#others.push(this.#members.start())
  }

  /** No new records; what is under way gets its answer, or is unknown after this time. */
  async stopProducers(withinMs: number): Promise<void> {
    this.#producing.abort()
    const timer = setTimeout(() => this.#givingUp.abort(), withinMs)
    await Promise.all(this.#producers)
    clearTimeout(timer)
  }

  /** Everybody has to reach the end of the logs first. */
  async stopReaders(logs: readonly FinalLog[], withinMs: number): Promise<void> {
    const { recorder, places } = this.#options
    const endOf = ({ topic, partition }: Place) =>
      logs.find((log) => log.topic === topic && log.partition === partition)?.highWatermark ?? 0
    const all = [...this.#readers.map((reader) => ({ name: reader.name, reader })), { name: 'the group members', reader: this.#members }]
    await Promise.all(
      all.flatMap(({ name, reader }) =>
        places.map(async (place) => {
          if (await within(withinMs, () => reader.positionOf(place) >= endOf(place))) return
          recorder.brokenPromise(place, name, `stays at ${reader.positionOf(place)}, the log ends at ${endOf(place)}`)
        }),
      ),
    )
    for (const keeper of this.#keepers) await keeper.askNow()
    this.#reading.abort()
    await this.#members.stop()
    await Promise.all(this.#others)
  }

  /** What a reader finds that begins when everything is over. `missing`: where it did not get to the end. */
  static async readAll(options: {
    routes: Routes
    places: readonly Place[]
    withinMs: number
  }): Promise<{ logs: FinalLog[]; missing: Place[] }> {
    const { routes, places, withinMs } = options
    const recorder = new Recorder()
    const reader = new Reader({ name: 'the last reader', places, routes, recorder, from: 'leader', hasSessions: false })
    const stop = new AbortController()
    const running = reader.run(stop.signal)
    const isAtEnd = (place: Place) => reader.highWatermarkOf(place) === reader.positionOf(place)
    // Once is not enough: a leader learns of the last high watermark a little later.
    for (let times = 0; times < 2; times++) {
      await within(withinMs, () => places.every(isAtEnd))
      await sleep(1000)
    }
    const missing = places.filter((place) => !isAtEnd(place))
    stop.abort()
    await running
    const logs = places.map((place): FinalLog => {
      const polls = recorder.polls.filter(({ topic, partition }) => topic === place.topic && partition === place.partition)
      const records = polls.flatMap((poll) => poll.records)
      return { ...place, startOffset: records[0]?.offset ?? 0, highWatermark: reader.positionOf(place), records }
    })
    return { logs, missing }
  }
}
