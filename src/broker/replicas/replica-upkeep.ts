import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Repeat } from '../../log/repeat.ts'
import type { IsrNotifications } from './isr-notifications.ts'

export type ReplicaUpkeepOptions = {
  partitions: { checkFollowers(): void }
  notifications: IsrNotifications
  followers: { configChanged(): Promise<void> }
  lagTimeMaxMs: () => number
  clock: MonotonicClock
  logger: Logger
}

/** Source: ReplicaManager.startup. */
const NOTIFICATION_CHECK_MS = 2500
const CONFIG_CHECK_MS = 1000
/** Of the interval: this process stood still so long that fetches of its followers wait to be read, so that one round says nothing about them. */
const MAX_LATENESS = 1.5

/** What a broker does at intervals for its replicas. */
export class ReplicaUpkeep {
  readonly #repeats: readonly Repeat[]

  constructor({ partitions, notifications, followers, lagTimeMaxMs, clock, logger }: ReplicaUpkeepOptions) {
    const checkMs = lagTimeMaxMs() / 2
    let checkedMs = clock.nowMs()
    const checkFollowers = () => {
      const isLate = clock.nowMs() - checkedMs > checkMs * MAX_LATENESS
      checkedMs = clock.nowMs()
      if (!isLate) partitions.checkFollowers()
      return Promise.resolve()
    }
    const announce = () =>
      notifications
        .announceIfDue()
        .catch((err: unknown) => logger.warn({ err }, 'changed in-sync sets could not be announced, trying again'))
    this.#repeats = [
      new Repeat(clock, { intervalMs: checkMs }, checkFollowers),
      new Repeat(clock, { intervalMs: NOTIFICATION_CHECK_MS }, announce),
      new Repeat(clock, { intervalMs: CONFIG_CHECK_MS }, () => followers.configChanged()),
    ]
  }

  /** What runs goes on; nothing waits for it, as it may wait for ZooKeeper. */
  stop(): void {
    for (const repeat of this.#repeats) void repeat.stop()
  }
}
