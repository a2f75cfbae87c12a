import type { Topic, TopicStatus } from '../../api/index.ts'
import { conditionsOfVerdict, type Verdict } from '../reasons.ts'
import type { ReplicasChange } from './replicas.ts'

/** What the topic is; `known` are its numbers in Kafka where they were seen, else the last ones stay. */
export const topicStatus = (
  topic: Topic,
  verdict: Verdict,
  known: { topicName: string; partitions: number; replicas: number; replicasChange?: ReplicasChange } | undefined,
  nowMs: number,
): TopicStatus => {
  const generation = topic.metadata.generation ?? 0
  const { topicName, partitions, replicas } = known ?? topic.status ?? {}
  const conditions = conditionsOfVerdict(verdict, generation, topic.status?.conditions, nowMs)
  const replicasChange = known ? known.replicasChange : topic.status?.replicasChange
  return { observedGeneration: generation, topicName, partitions, replicas, replicasChange, conditions }
}
