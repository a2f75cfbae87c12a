import { randomInt } from 'node:crypto'
import type { MonotonicClock } from '../../base/clock.ts'
import { errorCode } from '../../protocol/errors.ts'
import { FetchSession } from './session.ts'
import type { FetchedPartition, FetchReply } from './frame.ts'
import type { FetchBody, Wanted } from './wanted.ts'

/** What a Fetch asks for, and how its answer looks: by itself, or as a step of a session. */
export interface FetchAsked {
  readonly wanted: Iterable<Wanted>
  /** Called once, with all of `wanted` in its order. */
  reply(fetched: readonly FetchedPartition[]): FetchReply
}

export type FetchSessionFigures = { sessions: number; partitions: number; evictions: number }

const MAX_SESSION_ID = 0x7fff_ffff
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const NO_SESSION = 0
/** A session that was not used for so long may be replaced; and one that is younger than this not by an equal. */
const EVICTION_MS = 120_000
/** Of all sessions together; beyond, clients are answered without a session. A partition takes some 300 bytes. */
const MAX_PARTITIONS = 200_000

function* wantedOf({ topics }: FetchBody): Generator<Wanted> {
  for (const { name, fetchPartitions } of topics) {
    for (const partition of fetchPartitions) yield { topic: name, ...partition }
  }
}

/** By itself: everything is asked for and answered. */
const sessionless = (request: FetchBody): FetchAsked => ({
  wanted: [...wantedOf(request)],
  reply: (partitions) => ({ errorCode: 0, sessionId: NO_SESSION, partitions }),
})

const refused = (error: 'FETCH_SESSION_ID_NOT_FOUND' | 'INVALID_FETCH_SESSION_EPOCH', sessionId = NO_SESSION): FetchReply => ({
  errorCode: errorCode(error),
  sessionId,
  partitions: [],
})

/**
 * Incremental fetches (KIP-227): the broker remembers what a client asks for, the client says only what changes, and the broker answers only what
 * is new. Followers' sessions are privileged: they replace those of consumers.
 */
export class FetchSessions {
  readonly #clock: MonotonicClock
  readonly #maxSessions: number
  readonly #maxPartitions: number
  /** The one that is unused for longest comes first. */
  readonly #sessions = new Map<number, FetchSession>()
  #partitions = 0
  #evictions = 0

  /** `maxSessions` 0: none are kept. */
  constructor(options: { clock: MonotonicClock; maxSessions: number; maxPartitions?: number }) {
    this.#clock = options.clock
    this.#maxSessions = options.maxSessions
    this.#maxPartitions = options.maxPartitions ?? MAX_PARTITIONS
  }

  get figures(): FetchSessionFigures {
    return { sessions: this.#sessions.size, partitions: this.#partitions, evictions: this.#evictions }
  }

  /** A request without a session begins one, when its answer is made; one that goes on is checked first. */
  open(request: FetchBody, isFollower: boolean): FetchAsked {
    const { sessionId, epoch } = request
    if (epoch !== INITIAL_EPOCH && epoch !== FINAL_EPOCH) return this.#goOn(request)
    const known = this.#sessions.get(sessionId)
    if (known) this.#remove(known)
    return epoch === FINAL_EPOCH ? sessionless(request) : this.#full(request, isFollower)
  }

  #full(request: FetchBody, isPrivileged: boolean): FetchAsked {
    return {
      wanted: [...wantedOf(request)],
      reply: (partitions) => ({ errorCode: 0, sessionId: this.#create(partitions, isPrivileged), partitions }),
    }
  }

  #goOn(request: FetchBody): FetchAsked {
    const session = this.#sessions.get(request.sessionId)
    if (!session) return { wanted: [], reply: () => refused('FETCH_SESSION_ID_NOT_FOUND') }
    if (session.epoch !== request.epoch) return { wanted: [], reply: () => refused('INVALID_FETCH_SESSION_EPOCH') }
    const sizeBefore = session.size
    session.update(wantedOf(request), request.forgotten)
    this.#partitions += session.size - sizeBefore
    if (session.size === 0 || this.#partitions > this.#maxPartitions) {
      this.#remove(session)
      return session.size === 0 ? sessionless(request) : { wanted: [], reply: () => refused('FETCH_SESSION_ID_NOT_FOUND') }
    }
    this.#touch(session)
    const epoch = session.nextEpoch()
    return {
      wanted: session.wanted,
      reply: (fetched) => {
        // The same session was used by another request meanwhile.
        if (session.epoch !== epoch) return refused('INVALID_FETCH_SESSION_EPOCH', session.id)
        return { errorCode: 0, sessionId: session.id, partitions: session.changed(fetched) }
      },
    }
  }

  /** The new session's id; NO_SESSION where there is no room for it. */
  #create(partitions: readonly FetchedPartition[], isPrivileged: boolean): number {
    const nowMs = this.#clock.nowMs()
    const size = partitions.length
    if (this.#partitions + size > this.#maxPartitions) return NO_SESSION
    if (this.#sessions.size >= this.#maxSessions && !this.#evictFor({ isPrivileged, size, nowMs })) return NO_SESSION
    const session = new FetchSession({ id: this.#newId(), isPrivileged, nowMs, partitions })
    this.#sessions.set(session.id, session)
    this.#partitions += session.size
    return session.id
  }

  #newId(): number {
    for (;;) {
      const id = randomInt(1, MAX_SESSION_ID)
      if (!this.#sessions.has(id)) return id
    }
  }

  /** Stale sessions go first; then the least one that a follower's may replace, or an old one that is smaller. */
  #evictFor({ isPrivileged, size, nowMs }: { isPrivileged: boolean; size: number; nowMs: number }): boolean {
    const [oldest] = this.#sessions.values()
    if (!oldest) return false
    if (nowMs - oldest.lastUsedMs > EVICTION_MS) return this.#evict(oldest)
    let least: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      const isOld = session.lastUsedMs - session.createdMs > EVICTION_MS
      const isEvictable = isOld || (isPrivileged && !session.isPrivileged)
      if (isEvictable && (!least || session.isLessThan(least))) least = session
    }
    if (!least || !least.isLessThan({ isPrivileged, size })) return false
    return this.#evict(least)
  }

  #evict(session: FetchSession): boolean {
    this.#remove(session)
    this.#evictions++
    return true
  }

  #remove(session: FetchSession): void {
    this.#sessions.delete(session.id)
    this.#partitions -= session.size
  }

  #touch(session: FetchSession): void {
    session.lastUsedMs = this.#clock.nowMs()
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, session)
  }
}
