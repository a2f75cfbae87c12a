import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { TopicConfig } from '../config/topic-config.ts'
import { ConfigError } from '../config/parse.ts'
import { configZnode } from '../metadata/znodes/config.ts'
import { ZnodeError } from '../metadata/znodes/json.ts'

/** The topic's unclean.leader.election.enable as ZooKeeper has it now, over the broker's default. What cannot be read allows nothing. */
export const isUncleanAllowed = async (zookeeper: ZooKeeperClient, config: BrokerConfig, topic: string): Promise<boolean> => {
  try {
    const { data } = await zookeeper.get(configZnode.path('topics', topic))
    const own = data ? configZnode.decode('topics', topic, data) : new Map<string, string>()
    return new TopicConfig(config, own).get('unclean.leader.election.enable')
  } catch (error) {
    if (error instanceof ConfigError || error instanceof ZnodeError) return false
    if (!isZooKeeperError(error, 'NO_NODE')) throw error
    return new TopicConfig(config, new Map()).get('unclean.leader.election.enable')
  }
}
