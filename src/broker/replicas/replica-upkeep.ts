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

/** What a broker does at intervals for its replicas. */
export class ReplicaUpkeep {
  readonly #repeats: readonly Repeat[]

  constructor({ partitions, notifications, followers, lagTimeMaxMs, clock, logger }: ReplicaUpkeepOptions) {
    const checkFollowers = () => Promise.resolve(partitions.checkFollowers())
    const announce = () =>
      notifications
        .announceIfDue()
        .catch((err: unknown) => logger.warn({ err }, 'changed in-sync sets could not be announced, trying again'))
    this.#repeats = [
      new Repeat(clock, { intervalMs: lagTimeMaxMs() / 2 }, checkFollowers),
      new Repeat(clock, { intervalMs: NOTIFICATION_CHECK_MS }, announce),
      new Repeat(clock, { intervalMs: CONFIG_CHECK_MS }, () => followers.configChanged()),
    ]
  }

  /** What runs goes on; nothing waits for it, as it may wait for ZooKeeper. */
  stop(): void {
    for (const repeat of this.#repeats) void repeat.stop()
  }
}
