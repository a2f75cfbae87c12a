import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import { ConfigError } from '../config/parse.ts'
import { generateBrokerId } from './registration.ts'

/** The id that is configured, else the `known` one (of meta.properties), else one that is made up in ZooKeeper. ConfigError. */
export const brokerIdOf = async (config: BrokerConfig, zookeeper: ZooKeeperClient, known: number | undefined): Promise<number> => {
  const given = config.get('broker.id')
  const reserved = config.get('reserved.broker.max.id')
  if (given >= 0 && config.get('broker.id.generation.enable') && given > reserved) {
    throw new ConfigError(
      'broker.id',
      `broker.id=${given} must be at most reserved.broker.max.id (${reserved}); ids above it are generated`,
    )
  }
  if (given < -1) throw new ConfigError('broker.id', `broker.id=${given} must be 0 or more; -1, or no such key, takes a generated id`)
  if (given >= 0) return given
  if (known !== undefined) return known
  if (!config.get('broker.id.generation.enable'))
    throw new ConfigError('broker.id', 'broker.id is not set, and broker.id.generation.enable=false')
  return generateBrokerId(zookeeper, reserved)
}
