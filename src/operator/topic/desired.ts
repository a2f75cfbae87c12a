import type { KeyChange } from '../../client/config-resource.ts'
import type { NewTopic } from '../../client/admin.ts'
import type { OwnerRecord } from '../kafka/contact.ts'
import { recordOf } from '../claims.ts'
import { stalled, type Verdict } from '../reasons.ts'
import type { TopicSeen } from './observe.ts'

export type TopicPlan = {
  create: NewTopic | undefined
  growTo: number | undefined
  configChanges: KeyChange[]
  /** The number of replicas that every partition should get, or is getting. */
  replicas: number | undefined
  /** Stands in Kafka before the changes begin, so that keys that were set are known even when the operator ends in between. */
  recordBefore: OwnerRecord
  recordAfter: OwnerRecord
  /** The topic is there, and this resource has had nothing to do with it so far. */
  adopts: boolean
  /** What the resource says and Kafka cannot do; the rest is done all the same. */
  problem: Verdict | undefined
}

/** What to do to make the topic as its resource says. Same in, same out. */
export const desiredTopic = (seen: TopicSeen): TopicPlan => {
  const { topic, name, description, overrides, record } = seen
  const { partitions, replicas } = topic.spec
  const config = Object.fromEntries(Object.entries(topic.spec.config ?? {}).map(([key, value]) => [key, String(value)]))
  const keys = Object.keys(config).sort()
  const keysOnce = record?.config ?? []
  const recordAfter = { ...recordOf(topic), ...(isAdopted(seen) ? { isAdopted: true as const } : {}), config: keys }
  const recordBefore = { ...recordAfter, config: [...new Set([...keys, ...keysOnce])].sort(), isMoving: record?.isMoving }
  if (!description) {
    return {
      create: { name, partitions, replicationFactor: replicas, config },
      growTo: undefined,
      configChanges: [],
      replicas: undefined,
      recordBefore,
      recordAfter,
      adopts: false,
      problem: undefined,
    }
  }
  const set = keys.filter((key) => overrides.get(key) !== config[key]).map((key) => ({ key, value: config[key]! }))
  const reset = keysOnce.filter((key) => !(key in config) && overrides.has(key)).map((key) => ({ key, value: null }))
  return {
    create: undefined,
    growTo: partitions !== undefined && partitions > description.partitions ? partitions : undefined,
    configChanges: [...set, ...reset],
    replicas: record?.isMoving || hasOtherReplicas(seen) ? (replicas ?? description.replicationFactor) : undefined,
    recordBefore,
    recordAfter,
    adopts: adopts(seen),
    problem: problemOf(seen),
  }
}

const adopts = ({ topic, description, record }: TopicSeen): boolean =>
  description !== undefined && record?.owner.uid !== recordOf(topic).owner.uid

/** A topic that was deleted meanwhile is one of the resource's own when it is made again. */
const isAdopted = (seen: TopicSeen): boolean => adopts(seen) || (seen.description !== undefined && seen.record?.isAdopted === true)

const hasOtherReplicas = ({ topic, description }: TopicSeen): boolean => {
  const { replicas } = topic.spec
  return replicas !== undefined && description !== undefined && !(description.isUniform && description.replicationFactor === replicas)
}

const problemOf = ({ topic, name, description }: TopicSeen): Verdict | undefined => {
  const { partitions } = topic.spec
  if (!description) return undefined
  if (partitions !== undefined && partitions < description.partitions) {
    return stalled(
      'PartitionsCannotShrink',
      `the topic ${name} has ${description.partitions} partitions, and Kafka never takes partitions away: set spec.partitions to ${description.partitions}`,
    )
  }
  return undefined
}
