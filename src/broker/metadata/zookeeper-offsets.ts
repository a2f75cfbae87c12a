import { KafkaError } from '../../protocol/errors.ts'
import { unlessRefused } from '../../zookeeper/errors.ts'
import type { ZooKeeperOffsets } from '../coordinator/ports.ts'
import type { ZooKeeperSession } from './session.ts'

/** /consumers/GROUP/offsets/TOPIC/PARTITION holds the offset as text. Source: ConsumerOffset in ZkData.scala of 2.6.3. */
const pathOf = (group: string, topic: string, partition: number): string => {
  if (group === '' || group === '.' || group === '..' || group.includes('/')) {
    throw new KafkaError('INVALID_GROUP_ID', `'${group}' cannot name a znode; use a group id without / or a newer client`)
  }
  return `/consumers/${group}/offsets/${topic}/${partition}`
}

/** Offsets of clients that keep them in ZooKeeper. */
export const zooKeeperOffsets = (session: ZooKeeperSession): ZooKeeperOffsets => ({
  async get(group, topic, partition) {
    const found = await unlessRefused(session.client.get(pathOf(group, topic, partition)), 'NO_NODE')
    const text = found?.data?.toString('utf8') ?? ''
    return /^\d+$/.test(text) ? Number(text) : undefined
  },
  async set(group, topic, partition, offset) {
    const path = pathOf(group, topic, partition)
    const data = Buffer.from(String(offset))
    if (await unlessRefused(session.client.set(path, data, -1), 'NO_NODE')) return
    await session.client.makePath(path)
    await session.client.set(path, data, -1)
  },
})
