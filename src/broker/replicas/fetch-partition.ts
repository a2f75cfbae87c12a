import type { Partition } from '../partition.ts'

/** What following needs of a replica. */
export type Replica = Pick<
  Partition,
  'topic' | 'partition' | 'log' | 'appendAsFollower' | 'truncateAsFollower' | 'startOverAsFollower' | 'isAddingReplica'
>

const FIRST_DELAY_MS = 10

/**
 * One replica for as long as one leader epoch is followed: first its log is cut to what the leader has, then it fetches. A later epoch is another object, so an
 * answer that is for an earlier one finds nobody. Source of the states: PartitionFetchState of 2.6.3.
 */
export class FollowedPartition {
  readonly replica: Replica
  readonly leaderEpoch: number
  isTruncating = true
  /** While truncating: where to cut when epochs do not tell, at first the high watermark. */
  fetchOffset: number
  /** Records that the leader's consumers see and this replica has not; undefined until the leader has said. */
  lag: number | undefined
  delayedUntilMs = 0
  #failures = 0
  #work: Promise<unknown> | undefined

  constructor(replica: Replica, leaderEpoch: number) {
    this.replica = replica
    this.leaderEpoch = leaderEpoch
    this.fetchOffset = replica.log.highWatermark
  }

  get name(): string {
    return `${this.replica.topic}-${this.replica.partition}`
  }
  /** It has all that the leader's consumers see. */
  get isCaughtUp(): boolean {
    return this.lag !== undefined && this.lag <= 0
  }

  /** Its log has to be compared with the leader's before it goes on. */
  truncating(): void {
    this.isTruncating = true
    this.fetchOffset = this.replica.log.highWatermark
  }

  /** Fetches from the end of the log on. `lag` undefined: as it was. */
  fetching(lag = this.lag): void {
    this.isTruncating = false
    this.fetchOffset = this.replica.log.logEndOffset
    this.lag = lag
  }

  /**
   * After an error: nothing is asked for a while. Most errors belong to a change of leaders and are over in some milliseconds, so the first pauses are short;
   * they double up to `maxMs` (replica.fetch.backoff.ms).
   */
  delay(nowMs: number, maxMs: number): void {
    this.delayedUntilMs = nowMs + Math.min(FIRST_DELAY_MS * 2 ** Math.min(this.#failures++, 20), maxMs)
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Something is being written or cut off; `settled` waits for it. */
  async run<T>(work: Promise<T>): Promise<T> {
    this.#work = work
    try {
      return await work
    } finally {
      if (this.#work === work) this.#work = undefined
    }
  }

  /** Resolves when what runs now is done, however it ends. */
  async settled(): Promise<void> {
    await this.#work?.catch(() => {})
  }
}
