import type { TopicPartition } from '../../base/topic-partition.ts'
import type { MonotonicClock } from '../../base/clock.ts'

/** Writes one notification that names the partitions. Rejects when it could not. */
export type AnnounceIsrChanges = (partitions: readonly TopicPartition[]) => Promise<void>

/** Source: ReplicaManager.IsrChangePropagationBlackOut, IsrChangePropagationInterval. */
const QUIET_MS = 5000
const AT_MOST_EVERY_MS = 60_000

/**
 * Tells the controller which partitions' in-sync sets have changed: after five seconds without a change, or when the last word was a minute ago. Few
 * notifications for many changes, as in Kafka.
 */
export class IsrNotifications {
  readonly #clock: MonotonicClock
  readonly #announce: AnnounceIsrChanges
  #changed = new Map<string, TopicPartition>()
  #changedMs = 0
  #announcedMs: number

  constructor(clock: MonotonicClock, announce: AnnounceIsrChanges) {
    this.#clock = clock
    this.#announce = announce
    this.#announcedMs = clock.nowMs()
  }

  note({ topic, partition }: TopicPartition): void {
    this.#changed.set(`${topic}-${partition}`, { topic, partition })
    this.#changedMs = this.#clock.nowMs()
  }

  /** To be called every few seconds. What could not be announced is announced later. */
  async announceIfDue(): Promise<void> {
    if (this.#changed.size === 0) return
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#changedMs <= QUIET_MS && nowMs - this.#announcedMs <= AT_MOST_EVERY_MS) return
    const announced = this.#changed
    this.#changed = new Map()
    try {
      await this.#announce([...announced.values()])
      this.#announcedMs = nowMs
    } catch (error) {
      this.#changed = new Map([...announced, ...this.#changed])
      throw error
    }
  }
}
