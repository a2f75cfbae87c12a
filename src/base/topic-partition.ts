export type TopicPartition = { topic: string; partition: number }

/** TOPIC-PARTITION, as Kafka writes it; no two partitions have the same. */
export const partitionKey = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`
