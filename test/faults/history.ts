/** What happened in one run. Times are milliseconds of the monotonic clock since the start of the run. */
export type Interval = { startMs: number; endMs: number }
export type Place = { topic: string; partition: number }

/** One record given to a producer, to the answer. `sequence` counts what this producer gave to this partition. */
export type Send = Interval &
  Place & {
    producer: string
    value: string
    sequence: number
    /** unknown: no answer came, or one that does not say whether the record is stored. */
    outcome: 'acknowledged' | 'refused' | 'unknown'
    /** Of an acknowledged record; -1 where the broker does not know it any more (a duplicate that it answered). */
    offset?: number
    error?: string
  }

/** One answer to a reader. Readers that are members of a group may go back after a rebalance. */
export type Poll = Interval &
  Place & {
    reader: string
    isMember: boolean
    fetchOffset: number
    highWatermark: number
    records: readonly { offset: number; value: string }[]
    /** OFFSET_OUT_OF_RANGE and other errors that no reader may get. */
    error?: string
  }

export type Commit = Interval & Place & { group: string; offset: number; outcome: 'acknowledged' | 'unknown' }
/** What a group was told that it had committed; -1: nothing. */
export type CommittedOffset = Interval & Place & { group: string; offset: number }

/** An answer that no correct broker gives to this producer. */
export type BrokenPromise = Place & { atMs: number; who: string; what: string }

/** What a fresh reader finds after all faults, from the first offset to the high watermark. */
export type FinalLog = Place & { startOffset: number; highWatermark: number; records: readonly { offset: number; value: string }[] }
/** One replica's files: what is in them, in order. The digest is of the whole batch. */
export type ReplicaLog = Place & {
  brokerId: number
  startOffset: number
  batches: readonly { baseOffset: number; lastOffset: number; digest: string }[]
}
/** When a partition had a leader, all replicas in sync and took a record again; undefined: not within the time that it had. */
export type Healing = Place & { afterMs: number | undefined; state: string }

export type History = {
  /** Topics whose producers are all idempotent: nothing twice, and the order of each producer holds. */
  idempotentTopics: readonly string[]
  sends: readonly Send[]
  polls: readonly Poll[]
  commits: readonly Commit[]
  committed: readonly CommittedOffset[]
  broken: readonly BrokenPromise[]
  finalLogs: readonly FinalLog[]
  replicas: readonly ReplicaLog[]
  healing: readonly Healing[]
  /** How long a partition may take after the last fault. */
  healWithinMs: number
}

export const emptyHistory = (): { -readonly [K in keyof History]: History[K] extends readonly (infer T)[] ? T[] : History[K] } => ({
  idempotentTopics: [],
  sends: [],
  polls: [],
  commits: [],
  committed: [],
  broken: [],
  finalLogs: [],
  replicas: [],
  healing: [],
  healWithinMs: 60_000,
})
