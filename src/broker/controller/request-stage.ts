import type { KnownPartition, TopicPartition } from './context.ts'

export type Stop = TopicPartition & { deletes: boolean; leaderEpoch: number }
type Lead = TopicPartition & { isNew: boolean }

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

/**
 * What one broker is still to be told, in this order: the live brokers (`announces`), leaders, metadata, stops. Only which partitions are meant stands here; what is
 * said of them is what holds when the request is made, so that news for a broker that does not answer needs no more room than there are partitions.
 */
export class RequestStage {
  /** An UpdateMetadata goes out before anything else: the broker must know a new leader's address first. */
  announces = false
  readonly announced = new Map<string, TopicPartition>()
  readonly leads = new Map<string, Lead>()
  hasMetadata = false
  readonly metadata = new Map<string, TopicPartition>()
  readonly stops = new Map<string, Stop>()

  get isEmpty(): boolean {
    return !this.announces && !this.hasMetadata && this.leads.size === 0 && this.stops.size === 0
  }

  /** A stop that is not sent yet must reach the broker before it is told to take the partition again. */
  mayLead(at: TopicPartition): boolean {
    return !this.stops.has(keyOf(at))
  }

  lead({ topic, partition }: TopicPartition, isNew: boolean): void {
    const key = keyOf({ topic, partition })
    this.leads.set(key, { topic, partition, isNew: isNew || (this.leads.get(key)?.isNew ?? false) })
  }

  tell(partitions: readonly TopicPartition[]): void {
    this.hasMetadata = true
    for (const { topic, partition } of partitions) this.metadata.set(keyOf({ topic, partition }), { topic, partition })
  }

  announce(partitions: readonly TopicPartition[]): void {
    this.announces = true
    for (const { topic, partition } of partitions) this.announced.set(keyOf({ topic, partition }), { topic, partition })
  }

  stop({ topic, partition }: KnownPartition, stop: { deletes: boolean; leaderEpoch: number }): void {
    const key = keyOf({ topic, partition })
    this.stops.set(key, { topic, partition, ...stop, deletes: stop.deletes || (this.stops.get(key)?.deletes ?? false) })
  }
}
