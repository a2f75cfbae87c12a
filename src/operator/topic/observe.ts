import type { Cluster, Topic } from '../../api/index.ts'
import type { ConfigValue, TopicDescription } from '../../client/admin.ts'
import { topicName } from '../claims.ts'
import type { Contact, OwnerRecord } from '../kafka/contact.ts'

export type TopicSeen = {
  topic: Topic
  cluster: Cluster
  name: string
  /** undefined: Kafka has no such topic. */
  description: TopicDescription | undefined
  /** The keys that the topic itself has, not the broker's defaults. */
  overrides: Map<string, string | null>
  record: OwnerRecord | undefined
}

/** Every read that a reconcile of a Topic makes in Kafka. */
export const observeTopic = async (topic: Topic, cluster: Cluster, contact: Contact): Promise<TopicSeen> => {
  const name = topicName(topic)
  const [descriptions, record] = await Promise.all([contact.admin.describeTopics([name]), contact.records.get('topics', name)])
  const description = descriptions.get(name)
  const isConfigNeeded = description && (Object.keys(topic.spec.config ?? {}).length > 0 || (record?.config ?? []).length > 0)
  const configs = isConfigNeeded ? (await contact.admin.describeTopicConfigs([name])).get(name) : undefined
  if (configs instanceof Error) throw configs
  return { topic, cluster, name, description, overrides: overridesOf(configs), record }
}

const overridesOf = (configs: Map<string, ConfigValue> | undefined): Map<string, string | null> =>
  new Map([...(configs ?? [])].filter(([, { isTopicOverride }]) => isTopicOverride).map(([key, { value }]) => [key, value]))
