import { partitionKey, type TopicPartition } from '../../base/topic-partition.ts'
import type { LeadersFirst } from './leaders-first.ts'

export type Stop = TopicPartition & { deletes: boolean }
type Lead = TopicPartition & { isNew: boolean }

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
  /** Orders that wait for this broker's answer as a leader. */
  readonly awaited = new Set<LeadersFirst>()
  /** What this broker waits for before it hears whom to follow. */
  leadersFirst: LeadersFirst | undefined

  get isEmpty(): boolean {
    return !this.announces && !this.hasMetadata && this.leads.size === 0 && this.stops.size === 0
  }

  /** A stop that is not sent yet must reach the broker before it is told to take the partition again. */
  mayLead(at: TopicPartition): boolean {
    return !this.stops.has(partitionKey(at))
  }

  /** Takes over all of a later one; false, and nothing is taken, when that would change the order of a stop and a new role. */
  absorb(later: RequestStage): boolean {
    for (const at of later.leads.values()) if (!this.mayLead(at)) return false
    if (later.announces) this.announce([...later.announced.values()])
    for (const at of later.leads.values()) this.lead(at, at.isNew)
    if (later.hasMetadata) this.tell([...later.metadata.values()])
    for (const at of later.stops.values()) this.stop(at, at.deletes)
    for (const order of this.awaited) if (order.isOver) this.awaited.delete(order)
    for (const order of later.awaited) this.awaited.add(order)
    this.leadersFirst = later.leadersFirst
    return true
  }

  lead({ topic, partition }: TopicPartition, isNew: boolean): void {
    const key = partitionKey({ topic, partition })
    this.leads.set(key, { topic, partition, isNew: isNew || (this.leads.get(key)?.isNew ?? false) })
  }

  tell(partitions: readonly TopicPartition[]): void {
    this.hasMetadata = true
    for (const { topic, partition } of partitions) this.metadata.set(partitionKey({ topic, partition }), { topic, partition })
  }

  announce(partitions: readonly TopicPartition[]): void {
    this.announces = true
    for (const { topic, partition } of partitions) this.announced.set(partitionKey({ topic, partition }), { topic, partition })
  }

  stop({ topic, partition }: TopicPartition, deletes: boolean): void {
    const key = partitionKey({ topic, partition })
    this.stops.set(key, { topic, partition, deletes: deletes || (this.stops.get(key)?.deletes ?? false) })
  }
}
