import type { TopicPartition } from '../../base/topic-partition.ts'
import { BrokerChannel, type ChannelOptions } from './channel.ts'
import type { KnownPartition, LiveBroker } from './context.ts'
import { LeadersFirst } from './leaders-first.ts'

/** What its channels have in common. */
export type BrokerRequestsOptions = Omit<ChannelOptions, 'broker'>

/**
 * What the controller tells the brokers: collected while an event is worked on, merged per broker, and on its way with `send`. Each broker gets one request at a
 * time: leaders, then metadata, then stops.
 */
export class BrokerRequests {
  readonly #options: BrokerRequestsOptions
  readonly #channels = new Map<number, BrokerChannel>()

  constructor(options: BrokerRequestsOptions) {
    this.#options = options
  }

  /** A broker has registered: from now on it is told things. */
  open(broker: LiveBroker): void {
    this.close(broker.id)
    this.#channels.set(broker.id, new BrokerChannel({ ...this.#options, broker }))
  }

  /** A registration is gone, and with it what it has not been told yet. */
  close(brokerId: number): void {
    this.#channels.get(brokerId)?.close()
    this.#channels.delete(brokerId)
  }

  closeAll(): void {
    for (const id of this.#channels.keys()) this.close(id)
  }

  /** Who leads and follows, for those of `brokerIds` that are registered; and the metadata for everybody. */
  leaderAndIsr(brokerIds: Iterable<number>, known: KnownPartition, isNew: boolean): void {
    for (const id of brokerIds) this.#channels.get(id)?.lead(known, isNew)
    this.updateMetadata([known])
  }

  /** The state of the partitions (none: only the live brokers), for every registered broker or for `brokerIds`. */
  updateMetadata(partitions: readonly TopicPartition[], brokerIds: Iterable<number> = this.#channels.keys()): void {
    for (const id of brokerIds) this.#channels.get(id)?.tell(partitions)
  }

  /** As updateMetadata, ahead of the leaders that are told in the same event. */
  announce(partitions: readonly TopicPartition[], brokerIds: Iterable<number> = this.#channels.keys()): void {
    for (const id of brokerIds) this.#channels.get(id)?.announce(partitions)
  }

  stopReplica(brokerIds: Iterable<number>, known: KnownPartition, deletes: boolean): void {
    for (const id of brokerIds) this.#channels.get(id)?.stop(known, deletes)
  }

  /** What was collected goes out; answers come later. */
  send(): void {
    const order = new LeadersFirst(this.#options.clock)
    for (const channel of this.#channels.values()) channel.order(order)
    order.start()
    for (const channel of this.#channels.values()) channel.send()
  }

  /** Resolves when every broker has answered all that it was sent, or its channel was closed. */
  async settled(): Promise<void> {
    await Promise.all([...this.#channels.values()].map((channel) => channel.settled()))
  }
}
