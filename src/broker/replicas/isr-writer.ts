import type { TopicPartition } from '../../base/topic-partition.ts'
import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import type { LeaderAndIsr } from '../metadata/znodes/partition-state.ts'
import type { InSyncReplicas } from './in-sync.ts'
import type { IsrStore } from './isr-store.ts'
import type { Leadership } from './leadership.ts'

/** What happens to in-sync sets on this broker, for those who count and tell. */
export interface IsrObserver {
  /** `isr` is written. */
  changed(partition: TopicPartition, change: 'shrink' | 'expand'): void
  /** Somebody else has written: it was not. */
  failed(partition: TopicPartition): void
}
export type IsrWriterOptions = { brokerId: number; store: IsrStore; observer: IsrObserver; clock: MonotonicClock; logger: Logger }

/** After a conflict the controller's word is on its way; the stored state is looked at again at this interval, so that no replica is left out for ever. */
const RETRY_MS = 1000

/**
 * Changes the in-sync set of one partition in one leader epoch, one change at a time. Each is written under the version that this broker knows. When another
 * has written, the set stays as it is: a newer state comes from the controller by LeaderAndIsr, and ends this writer.
 */
export class IsrWriter {
  readonly #name: TopicPartition
  readonly #options: IsrWriterOptions
  readonly #leadership: Leadership
  readonly #replicas: InSyncReplicas
  readonly #done: () => void
  #zkVersion: number
  #isEnded = false
  #retryAtMs = Number.NEGATIVE_INFINITY

  /** `done` is called after every change of the set. */
  constructor(name: TopicPartition, leadership: Leadership, replicas: InSyncReplicas, options: IsrWriterOptions, done: () => void) {
    this.#name = { topic: name.topic, partition: name.partition }
    this.#leadership = leadership
    this.#replicas = replicas
    this.#options = options
    this.#done = done
    this.#zkVersion = leadership.zkVersion
  }

  get zkVersion(): number {
    return this.#zkVersion
  }

  /** The epoch is over: what is still under way changes nothing here. */
  end(): void {
    this.#isEnded = true
  }

  /** While a change is under way, shortly after a conflict, and while the store cannot be reached nothing begins: who wants it asks again. */
  expand(brokerId: number): void {
    if (this.#mayChange()) this.#start([...this.#replicas.isr, brokerId], 'expand')
  }

  shrink(brokerIds: readonly number[]): void {
    const left = this.#replicas.isr.filter((id) => !brokerIds.includes(id))
    if (this.#mayChange()) this.#start(left, 'shrink')
  }

  #mayChange(): boolean {
    const { store, clock } = this.#options
    return !this.#isEnded && this.#replicas.proposed === undefined && store.isReachable && clock.nowMs() >= this.#retryAtMs
  }

  #start(isr: readonly number[], change: 'shrink' | 'expand'): void {
    this.#options.logger.info({ ...this.#name, change, from: this.#replicas.isr, to: isr }, 'the in-sync set changes')
    this.#replicas.propose(isr)
    this.#write(isr, change).catch((err: unknown) => {
      // What was proposed may have been written, so it goes on to count, until the controller says what holds.
      if (!this.#isEnded) this.#options.logger.warn({ ...this.#name, err }, 'whether the in-sync set changed is not known')
    })
  }

  async #write(isr: readonly number[], change: 'shrink' | 'expand'): Promise<void> {
    const { leaderEpoch, controllerEpoch } = this.#leadership
    const result = await this.#options.store.change(this.#name, { isr, leaderEpoch, controllerEpoch, zkVersion: this.#zkVersion })
    if (this.#isEnded) return
    if ('zkVersion' in result) {
      this.#confirm(isr, result.zkVersion)
      this.#options.observer.changed(this.#name, change)
    } else this.#conflict(result.stored)
  }

  #confirm(isr: readonly number[], zkVersion: number): void {
    this.#zkVersion = zkVersion
    this.#replicas.confirm(isr)
    this.#done()
  }

  #conflict(stored: (LeaderAndIsr & { zkVersion: number }) | undefined): void {
    this.#options.observer.failed(this.#name)
    this.#options.logger.info({ ...this.#name, zkVersion: this.#zkVersion, stored }, 'the in-sync set is not changed: another wrote first')
    this.#retryAtMs = this.#options.clock.nowMs() + RETRY_MS
    if (stored?.leader === this.#options.brokerId && stored.leaderEpoch === this.#leadership.leaderEpoch) {
      // Nobody else leads: what stands there holds.
      this.#confirm(stored.isr, stored.zkVersion)
    } else this.#replicas.withdraw()
  }
}
