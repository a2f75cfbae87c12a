/** ConfigResource.Type of kafka-clients. */
export const TOPIC_RESOURCE = 2
export const BROKER_RESOURCE = 4
/** AlterConfigOp.OpType of kafka-clients. */
const SET = 0
const DELETE = 1

/** `value: null` takes the key back to what holds without it: for a broker, its file or Kafka's default; for a topic, the broker's default. */
export type KeyChange = { key: string; value: string | null }

/** What IncrementalAlterConfigs says of one resource; the name of all brokers together is empty. */
export const alteration = (resourceType: number, resourceName: string, changes: readonly KeyChange[]) => ({
  resourceType,
  resourceName,
  configs: changes.map(({ key, value }) => ({ name: key, configOperation: value === null ? DELETE : SET, value })),
})
