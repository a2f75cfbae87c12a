import type { Int64 } from '../../protocol/int64.ts'
import type { FetchedPartition } from './frame.ts'
import type { FetchBody, Wanted } from './wanted.ts'

const FIRST_EPOCH = 1
const MAX_EPOCH = 0x7fff_ffff

const keyOf = (topic: string, partitionIndex: number): string => `${topic}-${partitionIndex}`

/** What the client asked for last, and what it was told last. */
class SessionPartition implements Wanted {
  readonly key: string
  readonly topic: string
  readonly partitionIndex: number
  currentLeaderEpoch: number
  fetchOffset: Int64
  logStartOffset: Int64
  maxBytes: number
  #toldHighWatermark = -1
  #toldLogStartOffset = -1

  constructor(key: string, wanted: Wanted) {
    this.key = key
    this.topic = wanted.topic
    this.partitionIndex = wanted.partitionIndex
    this.currentLeaderEpoch = wanted.currentLeaderEpoch
    this.fetchOffset = wanted.fetchOffset
    this.logStartOffset = wanted.logStartOffset
    this.maxBytes = wanted.maxBytes
  }

  /** Whoever asks anew gets an answer, even the same: it may have dropped the last one, as a follower does whose leader changed meanwhile. */
  update({ currentLeaderEpoch, fetchOffset, logStartOffset, maxBytes }: Wanted): void {
    this.currentLeaderEpoch = currentLeaderEpoch
    this.fetchOffset = fetchOffset
    this.logStartOffset = logStartOffset
    this.maxBytes = maxBytes
    this.#toldHighWatermark = -1
  }

  /** Whether there is something in it that the client was not told. */
  tell({ errorCode, highWatermark, logStartOffset, preferredReadReplica, records }: FetchedPartition): boolean {
    const isNew =
      errorCode !== 0 ||
      records !== undefined ||
      preferredReadReplica !== -1 ||
      highWatermark !== this.#toldHighWatermark ||
      logStartOffset !== this.#toldLogStartOffset
    // After an error the partition is told again, whatever it is then.
    this.#toldHighWatermark = errorCode === 0 ? highWatermark : -1
    this.#toldLogStartOffset = logStartOffset
    return isNew
  }
}

/** One client's session. */
export class FetchSession {
  readonly id: number
  readonly isPrivileged: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** That of the next request. */
  epoch = FIRST_EPOCH
  /** In the order in which they take of the limits: those that had something to tell come last the next time. */
  readonly #partitions = new Map<string, SessionPartition>()

  /** Begins with what the first answer says. */
  constructor(options: { id: number; isPrivileged: boolean; nowMs: number; partitions: readonly FetchedPartition[] }) {
    this.id = options.id
    this.isPrivileged = options.isPrivileged
    this.createdMs = this.lastUsedMs = options.nowMs
    for (const fetched of options.partitions) this.#add(fetched.wanted as Wanted).tell(fetched)
  }

  get size(): number {
    return this.#partitions.size
  }
  /** Can be gone through again and again: a fetch that waits looks at all of them each time. */
  get wanted(): Iterable<Wanted> {
    return { [Symbol.iterator]: () => this.#partitions.values() }
  }

  /** Followers' sessions are worth more, then larger ones. */
  isLessThan(other: { isPrivileged: boolean; size: number }): boolean {
    return this.isPrivileged === other.isPrivileged ? this.size < other.size : other.isPrivileged
  }

  update(wanted: Iterable<Wanted>, forgotten: FetchBody['forgotten']): void {
    for (const one of wanted) {
      const known = this.#partitions.get(keyOf(one.topic, one.partitionIndex))
      if (known) known.update(one)
      else this.#add(one)
    }
    for (const { name, forgottenPartitionIndexes } of forgotten) {
      for (const index of forgottenPartitionIndexes) this.#partitions.delete(keyOf(name, index))
    }
  }

  nextEpoch(): number {
    this.epoch = this.epoch === MAX_EPOCH ? FIRST_EPOCH : this.epoch + 1
    return this.epoch
  }

  /** Only what the client was not told yet. */
  changed(fetched: readonly FetchedPartition[]): FetchedPartition[] {
    return fetched.filter((one) => {
      const partition = one.wanted as SessionPartition
      if (!partition.tell(one)) return false
      this.#partitions.delete(partition.key)
      this.#partitions.set(partition.key, partition)
      return true
    })
  }

  #add(wanted: Wanted): SessionPartition {
    const key = keyOf(wanted.topic, wanted.partitionIndex)
    const added = new SessionPartition(key, wanted)
    this.#partitions.set(key, added)
    return added
  }
}
