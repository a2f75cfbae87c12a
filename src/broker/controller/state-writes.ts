import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { MultiOp } from '../../zookeeper/types.ts'
import { controllerEpochZnode } from '../metadata/znodes/controller.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import { topicZnode } from '../metadata/znodes/topic.ts'
import type { ControllerContext, TopicPartition } from './context.ts'

/** Another broker is the controller: nothing that this one still wants to write may be written. */
export class NoLongerController extends Error {}

export type StateChange = TopicPartition & { state: LeaderAndIsr }

/** States per multi: well below ZooKeeper's limit of 1 MB for a request. */
const BATCH = 100

/**
 * Applies the operations only while this controller's epoch holds. Throws NoLongerController when it does not, and ZooKeeperError for the rest with `index`
 * counted without the check.
 */
export const writeAsController = async (zookeeper: ZooKeeperClient, context: ControllerContext, ops: readonly MultiOp[]) => {
  const check: MultiOp = { type: 'check', path: controllerEpochZnode.path, version: context.epochVersion }
  try {
    return (await zookeeper.multi([check, ...ops])).slice(1)
  } catch (error) {
    if (isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE') && error.index === 0)
      throw new NoLongerController('the controller epoch has moved on', { cause: error })
    throw error
  }
}

/** Where the states of partitions are kept, each folder once and before what is in it. */
const parentPaths = (partitions: readonly TopicPartition[]): string[] => [
  ...new Set(partitions.map(({ topic }) => topicZnode.partitionsPath(topic))),
  ...partitions.map(({ topic, partition }) => topicZnode.partitionPath(topic, partition)),
]

/** Makes the parents of a partition's state; they may be left over from an interrupted creation. */
const makeParents = async (
  zookeeper: ZooKeeperClient,
  context: ControllerContext,
  partitions: readonly TopicPartition[],
): Promise<void> => {
  for (const path of parentPaths(partitions)) {
    await writeAsController(zookeeper, context, [{ type: 'create', path, data: null }]).catch((error: unknown) => {
      if (!isZooKeeperError(error, 'NODE_EXISTS')) throw error
    })
  }
}

const opsOf = (context: ControllerContext, change: StateChange): MultiOp[] => {
  const { topic, partition, state } = change
  const path = partitionStateZnode.path(topic, partition)
  const data = partitionStateZnode.encode(state)
  const known = context.leadership(change)
  return [known ? { type: 'set', path, data, version: known.version } : { type: 'create', path, data }]
}

const readBack = async (zookeeper: ZooKeeperClient, context: ControllerContext, at: TopicPartition): Promise<void> => {
  try {
    const { data, stat } = await zookeeper.get(partitionStateZnode.path(at.topic, at.partition))
    if (data) context.setLeadership(at, { ...partitionStateZnode.decode(at.topic, at.partition, data), version: stat.version })
  } catch (error) {
    if (!isZooKeeperError(error, 'NO_NODE')) throw error
  }
}

const writeBatch = async (
  zookeeper: ZooKeeperClient,
  context: ControllerContext,
  changes: readonly StateChange[],
  withParents: boolean,
): Promise<void> => {
  const parents: MultiOp[] = withParents ? parentPaths(changes).map((path) => ({ type: 'create', path, data: null })) : []
  const results = await writeAsController(zookeeper, context, [...parents, ...changes.flatMap((change) => opsOf(context, change))])
  for (const [index, change] of changes.entries()) {
    const result = results[parents.length + index]
    if (result?.type === 'set' || result?.type === 'create')
      context.setLeadership(change, { ...change.state, version: result.type === 'set' ? result.stat.version : 0 })
  }
}

/**
 * Writes the states of partitions and notes them in the context. A state that somebody else changed meanwhile (a leader, its in-sync set) is read again and left
 * out: the caller decides anew. Gives the changes that were written.
 */
export const writeStates = async (
  zookeeper: ZooKeeperClient,
  context: ControllerContext,
  changes: readonly StateChange[],
): Promise<StateChange[]> => {
  const written: StateChange[] = []
  const isNew = (change: StateChange) => !context.leadership(change)
  const groups = [changes.filter((change) => !isNew(change)), changes.filter(isNew)]
  for (const [group, withParents] of [
    [groups[0]!, false],
    [groups[1]!, true],
  ] as const) {
    for (let at = 0; at < group.length; at += BATCH) {
      const batch = group.slice(at, at + BATCH)
      try {
        await writeBatch(zookeeper, context, batch, withParents)
        written.push(...batch)
      } catch (error) {
        if (!isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE', 'NODE_EXISTS')) throw error
        written.push(...(await writeOneByOne(zookeeper, context, batch)))
      }
    }
  }
  return written
}

const writeOneByOne = async (
  zookeeper: ZooKeeperClient,
  context: ControllerContext,
  changes: readonly StateChange[],
): Promise<StateChange[]> => {
  const written: StateChange[] = []
  for (const change of changes) {
    try {
      if (!context.leadership(change)) await makeParents(zookeeper, context, [change])
      await writeBatch(zookeeper, context, [change], false)
      written.push(change)
    } catch (error) {
      if (!isZooKeeperError(error, 'BAD_VERSION', 'NO_NODE', 'NODE_EXISTS')) throw error
      await readBack(zookeeper, context, change)
    }
  }
  return written
}
