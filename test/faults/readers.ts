import { setTimeout as sleep } from 'node:timers/promises'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import type { Int64 } from '../../src/protocol/int64.ts'
import type { RequestOf } from '../../src/protocol/schema.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { batches, isControlBatch } from '../../src/protocol/records/record-batch.ts'
import { records } from '../../src/protocol/records/record.ts'
import type { Place } from './history.ts'
import type { Recorder } from './recorder.ts'
import { Connections, type Routes } from './routes.ts'

const MAX_WAIT_MS = 300
const MAX_BYTES = 200_000
const BACKOFF_MS = 100

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
  /** Incremental fetch sessions (KIP-227), as Java's consumers have them. */
  hasSessions: boolean
}

type Asked = { place: Place; offset: number; leaderEpoch: number }
type FetchRequest = Pick<RequestOf<typeof fetch>, 'sessionId' | 'epoch' | 'forgotten'> & { asked: Asked[] }

/** What a fetch session at one broker knows already: only differences are sent. */
class FetchSession {
  #id = 0
  #epoch = 0
  #known = new Map<string, Asked>()

  next(wanted: ReadonlyMap<string, Asked>): FetchRequest {
    const changed = [...wanted].filter(([name, { offset, leaderEpoch }]) => {
      const known = this.#known.get(name)
      return known?.offset !== offset || known.leaderEpoch !== leaderEpoch
    })
    const gone = [...this.#known].filter(([name]) => !wanted.has(name)).map(([, { place }]) => place)
    this.#known = new Map(wanted)
    const forgotten = gone.map(({ topic, partition }) => ({ name: topic, forgottenPartitionIndexes: [partition] }))
    return { sessionId: this.#id, epoch: this.#epoch, forgotten, asked: changed.map(([, asked]) => asked) }
  }
  /** An id of 0: the broker has no room for this session, and everything is sent again the next time. */
  answered(id: number): void {
    this.#id = id
    this.#epoch = id === 0 ? 0 : this.#epoch + 1
    if (id === 0) this.#known.clear()
  }
  lost(): void {
    this.answered(0)
  }
}
type PartitionAnswer = { errorCode: number; highWatermark: Int64; records: Buffer | null }
const WITHOUT_SESSION = { sessionId: 0, epoch: -1, forgotten: [] }

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
    const session = this.#options.hasSessions ? new FetchSession() : undefined
    while (!signal.aborted) {
      const places = this.#options.places.filter((place) => this.#sourceOf(place) === broker)
      const isWell = places.length > 0 && (await this.#poll(broker, places, session).catch(() => session?.lost()))
      if (isWell) continue
      if (places.length > 0) await this.#options.routes.refresh()
      await sleep(BACKOFF_MS)
    }
  }

  /** Whether every partition answered. */
  async #poll(broker: number, places: readonly Place[], session: FetchSession | undefined): Promise<boolean> {
    const { recorder, routes } = this.#options
    const connection = await this.#connections.to(broker)
    // The leader may have moved while the connection was opened.
    const current = places.filter((place) => this.#sourceOf(place) === broker)
    const wanted = new Map(
      current.map((place): [string, Asked] => [
        `${place.topic}-${place.partition}`,
        { place, offset: this.positionOf(place), leaderEpoch: routes.leaderOf(place)!.epoch },
      ]),
    )
    const { asked, ...head } = session ? session.next(wanted) : { ...WITHOUT_SESSION, asked: [...wanted.values()] }
    const startMs = recorder.nowMs()
    const answer = await connection.request(fetch, {
      ...head,
      replicaId: -1,
      maxWait: MAX_WAIT_MS,
      minBytes: 1,
      maxBytes: 4 * MAX_BYTES,
      isolationLevel: 0,
      topics: asked.map(({ place, offset, leaderEpoch }) => ({
        name: place.topic,
        fetchPartitions: [{ partitionIndex: place.partition, currentLeaderEpoch: leaderEpoch, fetchOffset: offset, maxBytes: MAX_BYTES }],
      })),
    })
    if (answer.errorCode !== 0) {
      session?.lost()
      return false
    }
    session?.answered(answer.sessionId)
    const when = { startMs, endMs: recorder.nowMs() }
    let isWell = true
    for (const { name: topic, partitions } of answer.topics) {
      for (const partition of partitions) {
        if (!this.#take(wanted.get(`${topic}-${partition.partitionIndex}`)!, partition, { ...when, broker })) isWell = false
      }
    }
    return isWell
  }

  #take(
    { place, offset }: Asked,
    answer: PartitionAnswer,
    { broker, ...when }: { startMs: number; endMs: number; broker: number },
  ): boolean {
    const { recorder, name, from } = this.#options
    const highWatermark = Number(answer.highWatermark)
    const poll = { ...place, ...when, reader: name, isMember: false, fetchOffset: offset, highWatermark }
    const error = errorName(answer.errorCode)
    if (error !== 'NONE') {
      // A follower may not have yet what this reader has; a leader has everything that was ever read.
      if (error === 'OFFSET_OUT_OF_RANGE' && from === 'leader' && this.#sourceOf(place) === broker)
        recorder.polls.push({ ...poll, records: [], error: `${error} from leader ${broker}` })
      return false
    }
    // Somebody else answered meanwhile: two brokers are asked while a leader moves.
    if (offset !== this.positionOf(place)) return true
    this.#highWatermarks.set(place, highWatermark)
    const found = recordsFrom(answer.records, offset)
    if (found.length === 0) return true
    recorder.polls.push({ ...poll, records: found })
    this.#positions.set(place, found.at(-1)!.offset + 1)
    return true
  }
}
