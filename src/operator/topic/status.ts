import type { Topic, TopicStatus } from '../../api/index.ts'
import { conditionsOfVerdict, type Verdict } from '../reasons.ts'

/** What was seen of the topic in Kafka. */
export type TopicKnown = Pick<TopicStatus, 'topicName' | 'origin' | 'partitions' | 'replicas' | 'replicasChange'>

/** What the topic is; where `known` is undefined, what was known last stays. */
export const topicStatus = (topic: Topic, verdict: Verdict, known: TopicKnown | undefined, nowMs: number): TopicStatus => {
  const generation = topic.metadata.generation ?? 0
  const { topicName, origin, partitions, replicas, replicasChange } = known ?? topic.status ?? {}
  const conditions = conditionsOfVerdict(verdict, generation, topic.status?.conditions, nowMs)
  return { observedGeneration: generation, topicName, origin, partitions, replicas, replicasChange, conditions }
}
