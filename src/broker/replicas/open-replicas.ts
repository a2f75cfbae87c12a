import type { MonotonicClock } from '../../base/clock.ts'
import type { Disk } from '../../base/disk.ts'
import type { Logger } from '../../base/logger.ts'
import type { LogManager } from '../../log/log-manager.ts'
import type { ClusterLink } from '../cluster/link.ts'
import { PartitionTable, type PartitionTableOptions } from '../partition-table.ts'
import { remoteLeaders, ReplicaFetchers } from './fetchers.ts'
import { Incarnations } from './incarnations.ts'
import { IsrNotifications } from './isr-notifications.ts'
import { ReplicaUpkeep } from './replica-upkeep.ts'

/** All that a broker has for its replicas. */
export type Replicas = { partitions: PartitionTable; followers: ReplicaFetchers; upkeep: ReplicaUpkeep }
export type ReplicasOptions = {
  link: ClusterLink
  logs: LogManager
  onRole: PartitionTableOptions['onRole']
  disk: Disk
  clock: MonotonicClock
  logger: Logger
}

/** Builds them; none leads or follows before the controller says so. `closeReplicas` ends what runs. */
export const openReplicas = ({ link, logs, onRole, disk, clock, logger }: ReplicasOptions): Replicas => {
  const { brokerId, metadata, isrStore } = link
  const config = () => link.config
  const lagTimeMaxMs = () => link.config.get('replica.lag.time.max.ms')
  const brokers = (listener: string) => metadata.brokers(listener)
  const leader = remoteLeaders({ brokerId, config: link.config, brokers, clock, disk })
  const followers = new ReplicaFetchers({ brokerId, config, leader, clock, logger })
  const notifications = new IsrNotifications(clock, (changed) => isrStore.announce(changed))
  const partitions = new PartitionTable({
    brokerId,
    logs,
    logConfigOf: (topic) => link.logConfigOf(topic),
    isKnown: (topic, index) => metadata.topic(topic)?.partitions.some(({ partition }) => partition === index) ?? false,
    isAlive: (id) => metadata.isAlive(id),
    onRole,
    isrStore,
    onIsrChange: (partition) => notifications.note(partition),
    followers,
    incarnations: link.incarnationOf && new Incarnations(disk, link.incarnationOf, logger),
    lagTimeMaxMs,
    clock,
    logger,
  })
  return { partitions, followers, upkeep: new ReplicaUpkeep({ partitions, notifications, followers, lagTimeMaxMs, clock, logger }) }
}

/** Leaders step down, then nothing is appended any more. */
export const closeReplicas = async ({ partitions, followers, upkeep }: Replicas): Promise<void> => {
  upkeep.stop()
  partitions.resignAll()
  await followers.stop()
}
