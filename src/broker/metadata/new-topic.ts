import type { BrokerConfig } from '../config/broker-config.ts'
import { CONSUMER_OFFSETS } from '../internal-topics.ts'
import type { NewTopic } from './topic-admin.ts'

/** A topic as the broker makes it when somebody asks for it: with the defaults of topics, or for __consumer_offsets with the keys offsets.topic.*. */
export const newTopicOf = (name: string, config: BrokerConfig): NewTopic => {
  if (name !== CONSUMER_OFFSETS) return { name, partitions: -1, replicationFactor: -1, configs: new Map() }
  return {
    name,
    partitions: config.get('offsets.topic.num.partitions'),
    replicationFactor: config.get('offsets.topic.replication.factor'),
    configs: new Map([
      ['compression.type', 'producer'],
      ['cleanup.policy', 'compact'],
      ['segment.bytes', String(config.get('offsets.topic.segment.bytes'))],
    ]),
  }
}
