import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { TopicConfig } from '../config/topic-config.ts'
import { ConfigError } from '../config/parse.ts'
import { configZnode } from '../metadata/znodes/config.ts'
import { ZnodeError } from '../metadata/znodes/json.ts'

/** The topic's unclean.leader.election.enable as ZooKeeper has it now, over the broker's default. What cannot be read allows nothing. */
export const isUncleanAllowed = async (zookeeper: ZooKeeperClient, config: BrokerConfig, topic: string): Promise<boolean> => {
  try {
    const found = await unlessRefused(zookeeper.get(configZnode.path('topics', topic)), 'NO_NODE')
    const own = found?.data ? configZnode.decode('topics', topic, found.data) : new Map<string, string>()
    return new TopicConfig(config, own).get('unclean.leader.election.enable')
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ZnodeError) return false
    throw error
  }
}
