import type { Contact } from './contact.ts'

const KAFKA_DEFAULT = 1

/** How many replicas the topics ask to be in sync: min.insync.replicas of each; Kafka's default where that could not be read. */
export const minInSyncOf = async (contact: Contact, topics: readonly string[]): Promise<(topic: string) => number> => {
  if (topics.length === 0) return () => KAFKA_DEFAULT
  const configs = await contact.admin.describeTopicConfigs(topics)
  const found = new Map(
    [...configs].flatMap(([topic, values]) => {
      const value = values instanceof Error ? undefined : values.get('min.insync.replicas')?.value
      return value ? [[topic, Number(value)] as const] : []
    }),
  )
  return (topic) => found.get(topic) ?? KAFKA_DEFAULT
}
