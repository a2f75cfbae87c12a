import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import { reassignPartitionsZnode, type WantedReplicas } from '../metadata/znodes/admin.ts'
import { ZnodeError } from '../metadata/znodes/json.ts'
import { topicZnode } from '../metadata/znodes/topic.ts'
import type { Assignment, ControllerContext } from './context.ts'
import { withAssignment } from './reassignment.ts'
import { writeAsController } from './state-writes.ts'

type Writer = { zookeeper: ZooKeeperClient; context: ControllerContext; logger: Logger }

/** Whether the write was made; not when somebody else changed the znode since it was read. */
const unlessChanged = async (write: Promise<unknown>): Promise<boolean> => {
  try {
    await write
    return true
  } catch (error) {
    if (!isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE')) throw error
    return false
  }
}

/** Changes the assignments of some partitions of a topic, and leaves what others wrote (more partitions) as it is. KafkaError UNKNOWN_TOPIC_OR_PARTITION: the topic is gone. */
export const writeAssignments = async (
  { zookeeper, context }: Writer,
  topic: string,
  assignments: ReadonlyMap<number, Assignment>,
): Promise<void> => {
  const path = topicZnode.path(topic)
  for (;;) {
    const read = await unlessRefused(zookeeper.get(path), 'NO_NODE')
    if (!read?.data) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.')
    let wanted = topicZnode.decode(topic, read.data)
    for (const [partition, assignment] of assignments) wanted = withAssignment(wanted, partition, assignment)
    const data = topicZnode.encode(wanted)
    if (data.equals(topicZnode.encode(topicZnode.decode(topic, read.data)))) return
    if (await unlessChanged(writeAsController(zookeeper, context, [{ type: 'set', path, data, version: read.stat.version }]))) return
  }
}

/** What /admin/reassign_partitions asks for; nothing when it does not read as it should, as in Kafka. */
export const wantedReassignments = (data: Buffer, logger: Logger): WantedReplicas[] => {
  try {
    return reassignPartitionsZnode.decode(data)
  } catch (err) {
    if (!(err instanceof ZnodeError)) throw err
    logger.warn({ err }, 'the wanted reassignments cannot be read; they are ignored')
    return []
  }
}

/** Takes entries out of /admin/reassign_partitions, and the znode away with the last one. */
export const withdrawWanted = async (
  { zookeeper, context, logger }: Writer,
  isOver: (wanted: WantedReplicas) => boolean,
): Promise<void> => {
  const { path } = reassignPartitionsZnode
  for (;;) {
    const read = await unlessRefused(zookeeper.get(path), 'NO_NODE')
    if (!read?.data) return
    const wanted = wantedReassignments(read.data, logger)
    const left = wanted.filter((entry) => !isOver(entry))
    if (left.length === wanted.length) return
    const { version } = read.stat
    const data = reassignPartitionsZnode.encode(left)
    const op = left.length === 0 ? ({ type: 'delete', path, version } as const) : ({ type: 'set', path, data, version } as const)
    if (await unlessChanged(writeAsController(zookeeper, context, [op]))) return
  }
}
