import { PartitionMap } from '../../base/partition-map.ts'
import type { fetch } from '../../protocol/api/01-fetch.ts'
import { errorName } from '../../protocol/errors.ts'
import type { RequestOf, ResponseOf, Sendable } from '../../protocol/schema.ts'
import type { FollowedPartition } from './fetch-partition.ts'
import type { FollowedSet } from './fetch-set.ts'

type Request = RequestOf<typeof fetch>
export type FetchAnswer = ResponseOf<typeof fetch>
/** The part of a Fetch request that the session decides. */
export type SessionRequest = Pick<Request, 'sessionId' | 'epoch' | 'forgotten'> & { topics: Sendable<Request['topics']> }
/** What was asked last for a partition. */
export type Asked = { followed: FollowedPartition; fetchOffset: number; logStartOffset: number }
export type Wanted = {
  followed: FollowedSet
  /** Those for which something else may have to be asked than the last time; all others are as they were. */
  changed: Iterable<FollowedPartition>
  /** Whether to ask for it now. */
  isReady: (followed: FollowedPartition) => boolean
  /** replica.fetch.max.bytes */
  maxBytes: number
}

/** Source: FetchMetadata of 2.6.3. */
const NO_SESSION = 0
const FULL_EPOCH = 0
const MAX_EPOCH = 0x7fff_ffff

/** Never the one that begins a session. */
export const epochAfter = (epoch: number): number => (epoch === MAX_EPOCH ? 1 : epoch + 1)

/** Partitions by topic, in the order in which they are added. */
class ByTopic<T> {
  readonly topics: { name: string; items: T[] }[] = []
  readonly #known = new Map<string, T[]>()

  add(name: string, item: T): void {
    let items = this.#known.get(name)
    if (!items) {
      items = []
      this.#known.set(name, items)
      this.topics.push({ name, items })
    }
    items.push(item)
  }
}

/**
 * The follower's side of a fetch session (KIP-227): a leader that keeps one is told only what changed since the last request; one that keeps none, or has lost it,
 * is asked for everything. An answer that does not fit ends the session. Source: FetchSessionHandler of 2.6.3.
 */
export class FetchSession {
  #id = NO_SESSION
  #epoch = FULL_EPOCH
  readonly #asked = new PartitionMap<Asked>()

  get isFull(): boolean {
    return this.#epoch === FULL_EPOCH
  }
  /** Partitions that the leader was asked for last. */
  get size(): number {
    return this.#asked.size
  }

  asked(topic: string, partition: number): Asked | undefined {
    return this.#asked.get(topic, partition)
  }

  /** What to send next; undefined where there is nothing to ask for. */
  next(wanted: Wanted): SessionRequest | undefined {
    const topics = new ByTopic<Sendable<Request['topics'][number]['fetchPartitions'][number]>>()
    const forgotten = new ByTopic<number>()
    if (this.isFull) this.#asked.clear()
    for (const candidate of this.isFull ? wanted.followed.values() : wanted.changed) {
      const { topic, partition } = candidate.replica
      const now = wanted.followed.get(topic, partition)
      if (now && wanted.isReady(now)) {
        const asked = this.#ask(now)
        if (!asked) continue
        const { fetchOffset, logStartOffset } = asked
        const { leaderEpoch: currentLeaderEpoch } = now
        topics.add(topic, { partitionIndex: partition, currentLeaderEpoch, fetchOffset, logStartOffset, maxBytes: wanted.maxBytes })
      } else if (this.#asked.delete(topic, partition)) forgotten.add(topic, partition)
    }
    if (this.size === 0 && forgotten.topics.length === 0) return undefined
    return {
      sessionId: this.#id,
      epoch: this.#epoch,
      topics: topics.topics.map(({ name, items }) => ({ name, fetchPartitions: items })),
      forgotten: forgotten.topics.map(({ name, items }) => ({ name, forgottenPartitionIndexes: items })),
    }
  }

  /** Whether the answer can be used; why not, in words, where it cannot: then the next request asks for everything. */
  accept(answer: FetchAnswer): { isUsable: true } | { isUsable: false; reason: string } {
    if (answer.errorCode !== 0) {
      const error = errorName(answer.errorCode)
      this.#askAll(error === 'FETCH_SESSION_ID_NOT_FOUND' ? NO_SESSION : this.#id)
      return { isUsable: false, reason: error }
    }
    const reason = this.#misfit(answer)
    if (reason !== undefined) {
      this.#askAll(this.isFull ? NO_SESSION : this.#id)
      return { isUsable: false, reason }
    }
    if (answer.sessionId === NO_SESSION) this.#askAll(NO_SESSION)
    else {
      this.#id = answer.sessionId
      this.#epoch = epochAfter(this.#epoch)
    }
    return { isUsable: true }
  }

  /** No answer came: what the leader knows of the session is unknown, so the next request closes it and asks for everything. */
  failed(): void {
    this.#askAll(this.#id)
  }

  #askAll(sessionId: number): void {
    this.#id = sessionId
    this.#epoch = FULL_EPOCH
  }

  #misfit({ topics, throttleTimeMs }: FetchAnswer): string | undefined {
    let count = 0
    for (const { name, partitions } of topics) {
      for (const { partitionIndex } of partitions) {
        count++
        if (!this.asked(name, partitionIndex)) return `${name}-${partitionIndex} was not asked for`
      }
    }
    if (!this.isFull || count === this.size) return undefined
    return count === 0 && throttleTimeMs > 0
      ? `the leader throttles this broker for ${throttleTimeMs} ms`
      : `${this.size} partitions were asked for, ${count} answered`
  }

  /** undefined: the leader knows it already. */
  #ask(followed: FollowedPartition): Asked | undefined {
    const { topic, partition, log } = followed.replica
    const { fetchOffset } = followed
    const { logStartOffset } = log
    const known = this.#asked.get(topic, partition)
    if (known?.followed === followed && known.fetchOffset === fetchOffset && known.logStartOffset === logStartOffset) return undefined
    const asked = { followed, fetchOffset, logStartOffset }
    this.#asked.set(topic, partition, asked)
    return asked
  }
}
