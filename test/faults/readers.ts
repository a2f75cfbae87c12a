import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { batches, isControlBatch } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import type { Place } from './history.ts'
import type { Recorder } from './recorder.ts'
import { Connections, type Routes } from './routes.ts'

const MAX_WAIT_MS = 300
const MAX_BYTES = 200_000
const BACKOFF_MS = 100
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The text before the padding. */
export const valueOf = (bytes: Buffer | null): string => bytes?.toString('latin1').split(' ', 1)[0] ?? ''

/** The records of an answer from `fetchOffset` on: batches may begin before it. */
export const recordsFrom = (bytes: Buffer | null, fetchOffset: number): { offset: number; value: string }[] => {
  if (bytes === null) return []
  const found: { offset: number; value: string }[] = []
  for (const batch of batches(bytes)) {
    if (isControlBatch(batch)) continue
    for (const { offset, value } of records(batch)) if (offset >= fetchOffset) found.push({ offset, value: valueOf(value) })
  }
  return found
}

export type ReaderOptions = {
  name: string
  places: readonly Place[]
  routes: Routes
  recorder: Recorder
  /** leader: as every client does; follower: from a broker that is not the leader, as KIP-392 lets them. */
  from: 'leader' | 'follower'
}

/** Reads partitions from their beginning on and records every answer. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #connections: Connections
  readonly #positions = new Map<Place, number>()
  readonly #highWatermarks = new Map<Place, number>()

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#connections = new Connections(options.routes, options.name, 5000)
    for (const place of options.places) this.#positions.set(place, 0)
  }

  get name(): string {
    return this.#options.name
  }
  positionOf(place: Place): number {
    return this.#positions.get(place)!
  }
  /** As it was told last; undefined before. */
  highWatermarkOf(place: Place): number | undefined {
    return this.#highWatermarks.get(place)
  }

  /** One loop per broker: it reads what that broker is to be asked for. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#options.routes.brokers.map((broker) => this.#runAt(broker, signal)))
    this.#connections.close()
  }

  #sourceOf(place: Place): number | undefined {
    const leader = this.#options.routes.leaderOf(place)
    if (!leader || this.#options.from === 'leader') return leader?.broker
    return leader.replicas.find((replica) => replica !== leader.broker) ?? leader.broker
  }

  async #runAt(broker: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const places = this.#options.places.filter((place) => this.#sourceOf(place) === broker)
      const isWell = places.length > 0 && (await this.#poll(broker, places).catch(() => false))
      if (isWell) continue
      if (places.length > 0) await this.#options.routes.refresh()
      await sleep(BACKOFF_MS)
    }
  }

  /** Whether every partition answered. */
  async #poll(broker: number, places: readonly Place[]): Promise<boolean> {
    const { recorder, routes, name } = this.#options
    const connection = await this.#connections.to(broker)
    const asked = new Map(places.map((place) => [`${place.topic}-${place.partition}`, { place, offset: this.positionOf(place) }]))
    const startMs = recorder.nowMs()
    const answer = await connection.request(fetch, {
      replicaId: -1,
      maxWait: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: 4 * MAX_BYTES,
      isolationLevel: 0,
      topics: [...asked.values()].map(({ place, offset }) => ({
        name: place.topic,
        fetchPartitions: [
          { partitionIndex: place.partition, currentLeaderEpoch: routes.leaderOf(place)!.epoch, fetchOffset: offset, maxBytes: MAX_BYTES },
        ],
      })),
    })
    const endMs = recorder.nowMs()
    let isWell = true
    for (const { name: topic, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, highWatermark, records: bytes } of partitions) {
        const { place, offset } = asked.get(`${topic}-${partitionIndex}`)!
        const poll = { ...place, reader: name, isMember: false, fetchOffset: offset, startMs, endMs }
        const error = errorName(errorCode)
        if (error !== 'NONE') {
          isWell = false
          // A follower may not have yet what this reader has; a leader has everything that was ever read.
          if (error === 'OFFSET_OUT_OF_RANGE' && this.#options.from === 'leader')
            recorder.polls.push({ ...poll, highWatermark: Number(highWatermark), records: [], error: `${error} from leader ${broker}` })
          continue
        }
        const found = recordsFrom(bytes, offset)
        this.#highWatermarks.set(place, Number(highWatermark))
        if (found.length === 0) continue
        recorder.polls.push({ ...poll, highWatermark: Number(highWatermark), records: found })
        this.#positions.set(place, found.at(-1)!.offset + 1)
      }
    }
    return isWell
  }
}
