import { partitionKey } from '../../base/topic-partition.ts'
import type { PartitionReplicas, Reassignment, WantedReplicas } from '../../client/partition-admin.ts'
import type { Refusal } from '../../client/admin.ts'
import type { Contact } from './contact.ts'
import type { LiveBroker } from './placement.ts'

/** Kafka's keys: which replicas are slowed down, and to how many bytes per second on each broker. */
const THROTTLED_REPLICAS = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas'] as const
const THROTTLED_RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'] as const

/** A partition as it will be when its move is done. */
export const settled = (partition: PartitionReplicas, moves: readonly Reassignment[]): PartitionReplicas => {
  const move = moves.find(({ topic, partition: number }) => topic === partition.topic && number === partition.partition)
  return move ? { ...partition, replicas: move.replicas.filter((id) => !move.removing.includes(id)) } : partition
}

type Start = {
  wanted: readonly WantedReplicas[]
  partitions: readonly PartitionReplicas[]
  brokers: readonly LiveBroker[]
  /** Bytes per second for each broker, sent and received; undefined: as fast as it goes. */
  throttle: number | undefined
}

/** Begins moves. The throttle stands before the first byte is copied. Gives what Kafka refused first. */
export const startMoves = async (contact: Contact, { wanted, partitions, brokers, throttle }: Start): Promise<Refusal | undefined> => {
  if (throttle !== undefined) {
    await throttleBrokers(contact, brokers, String(throttle))
    const refusal = await throttleTopics(contact, wanted, partitions)
    if (refusal) return refusal
  }
  return [...(await contact.partitions.reassign(wanted)).values()].find((error) => error !== undefined)
}

/** Takes the throttle from topics whose moves are done, and from the brokers when nothing moves any more. */
export const endMoves = async (contact: Contact, topics: readonly string[], brokers: readonly LiveBroker[]): Promise<void> => {
  const changes = THROTTLED_REPLICAS.map((key) => ({ key, value: null }))
  const outcomes = await contact.admin.alterTopicConfigs(topics.map((topic) => ({ topic, changes })))
  const refusal = [...outcomes.values()].find((error) => error !== undefined && error.error !== 'UNKNOWN_TOPIC_OR_PARTITION')
  if (refusal) throw refusal
  if ((await contact.partitions.reassignments()).length === 0) await throttleBrokers(contact, brokers, null)
}

const throttleBrokers = async (contact: Contact, brokers: readonly LiveBroker[], value: string | null): Promise<void> => {
  for (const { id } of brokers) {
    const now = await contact.brokerConfigs.own(id, THROTTLED_RATES)
    if (THROTTLED_RATES.every((key) => (now.get(key) ?? null) === value)) continue
    await contact.brokerConfigs.alterOwn(
      id,
      THROTTLED_RATES.map((key) => ({ key, value })),
    )
  }
}

/** Who has a replica now sends it, who is new receives it: PARTITION:BROKER,PARTITION:BROKER. */
const throttleTopics = async (
  contact: Contact,
  wanted: readonly WantedReplicas[],
  partitions: readonly PartitionReplicas[],
): Promise<Refusal | undefined> => {
  const now = new Map(partitions.map((partition) => [partitionKey(partition), partition.replicas]))
  const changes = [...Map.groupBy(wanted, ({ topic }) => topic)].map(([topic, moves]) => {
    const list = (of: (move: WantedReplicas) => readonly number[]): string =>
      moves.flatMap((move) => of(move).map((id) => `${move.partition}:${id}`)).join(',')
    const senders = (move: WantedReplicas) => now.get(partitionKey(move)) ?? []
    const receivers = (move: WantedReplicas) => (move.replicas ?? []).filter((id) => !senders(move).includes(id))
    const [leaders, followers] = THROTTLED_REPLICAS
    const values = [
      { key: leaders, value: list(senders) },
      { key: followers, value: list(receivers) },
    ]
    return { topic, changes: values.map(({ key, value }) => ({ key, value: value === '' ? null : value })) }
  })
  const outcomes = await contact.admin.alterTopicConfigs(changes)
  return [...outcomes.values()].find((error) => error !== undefined)
}

/** Those of the topics that have replicas which are slowed down. */
const throttledTopics = async (contact: Contact, topics: readonly string[]): Promise<string[]> => {
  const configs = await contact.admin.describeTopicConfigs(topics)
  return [...configs].flatMap(([topic, values]) => {
    const isThrottled = !(values instanceof Error) && THROTTLED_REPLICAS.some((key) => values.get(key)?.isTopicOverride)
    return isThrottled ? [topic] : []
  })
}

/** Topics that do not move any more are not slowed down any more. */
export const clearUp = async (
  contact: Contact,
  partitions: readonly PartitionReplicas[],
  moves: readonly Reassignment[],
): Promise<void> => {
  const moving = new Set(moves.map(({ topic }) => topic))
  const still = [...new Set(partitions.map(({ topic }) => topic))].filter((topic) => !moving.has(topic))
  const { brokers } = await contact.describeCluster()
  await endMoves(contact, await throttledTopics(contact, still), brokers)
}
