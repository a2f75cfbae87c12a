import type { ZooKeeperClient } from '../../zookeeper/client.ts'

/** The ZooKeeper session of now. After an expiry there is another client; whoever keeps the holder finds it here. */
export type ZooKeeperSession = { client: ZooKeeperClient }
