import type { MonotonicClock } from '../../base/clock.ts'
import type { LogConfig } from '../../log/log-config.ts'

export type ReplicationQuotaOptions = {
  /** Whose side of replication is throttled here. */
  side: 'leader' | 'follower'
  brokerId: number
  clock: MonotonicClock
  /** leader/follower.replication.throttled.rate, as it is now. */
  bytesPerSecond: () => number
  /** replication.quota.window.num: whole windows and the one that runs. */
  windows: number
  /** replication.quota.window.size.seconds, in ms. */
  windowMs: number
}
type Throttleable = { partition: number; log: { config: LogConfig } }
type Sample = { startMs: number; bytes: number }

const ALL = '*'
const names = (list: readonly string[], partition: number, brokerId: number): boolean =>
  list.length > 0 && (list[0] === ALL || list.includes(`${partition}:${brokerId}`))

/**
 * How many bytes of throttled replicas went over the wire in the last seconds, against the rate that is set. Which replicas are throttled stands in their topic's
 * configuration; both change at run time. Source of the arithmetic: ReplicationQuotaManager and SimpleRate of 2.6.3.
 */
export class ReplicationQuota {
  readonly #options: ReplicationQuotaOptions
  /** Oldest first; a sample begins with the first bytes after the last one is full. */
  #samples: Sample[] = []

  constructor(options: ReplicationQuotaOptions) {
    this.#options = options
  }

  isThrottled({ partition, log: { config } }: Throttleable): boolean {
    const { side, brokerId } = this.#options
    const list = side === 'leader' ? config.leaderReplicationThrottledReplicas : config.followerReplicationThrottledReplicas
    return names(list, partition, brokerId)
  }

  /** More went over the wire than may; a replica in sync is never held back, so that throttling does not shrink in-sync sets. */
  get isExceeded(): boolean {
    return this.#samples.length > 0 && this.bytesPerSecond > this.#options.bytesPerSecond()
  }

  get bytesPerSecond(): number {
    const { clock, windowMs } = this.#options
    const nowMs = clock.nowMs()
    this.#forget(nowMs)
    const oldest = this.#samples[0]
    if (!oldest) return 0
    const bytes = this.#samples.reduce((sum, sample) => sum + sample.bytes, 0)
    return (bytes * 1000) / Math.max(nowMs - oldest.startMs, windowMs)
  }

  /** Bytes of a throttled replica, whether or not the rate is exceeded. */
  record(bytes: number): void {
    const { clock, windows, windowMs } = this.#options
    const nowMs = clock.nowMs()
    this.#forget(nowMs)
    const current = this.#samples.at(-1)
    if (current && nowMs - current.startMs < windowMs) {
      current.bytes += bytes
      return
    }
    this.#samples.push({ startMs: nowMs, bytes })
    if (this.#samples.length > windows) this.#samples.shift()
  }

  #forget(nowMs: number): void {
    const { windows, windowMs } = this.#options
    while (this.#samples.length > 0 && nowMs - this.#samples[0]!.startMs >= windows * windowMs) this.#samples.shift()
  }
}
