import type { TopicPartition } from '../../base/topic-partition.ts'
import type { ZooKeeperClient } from '../../zookeeper/client.ts'
import { isZooKeeperError, unlessRefused } from '../../zookeeper/errors.ts'
import type { MultiOp } from '../../zookeeper/types.ts'
import { controllerEpochZnode } from '../metadata/znodes/controller.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../metadata/znodes/partition-state.ts'
import { topicZnode } from '../metadata/znodes/topic.ts'
import type { ControllerContext, KnownPartition } from './context.ts'
import { allInParallel, inParallel } from './in-parallel.ts'

/** Another broker is the controller: nothing that this one still wants to write may be written. */
export class NoLongerController extends Error {}

export type StateChange = { known: KnownPartition; state: LeaderAndIsr }
export type Written = { written: StateChange[]; failure?: unknown }

/** States per multi: well below ZooKeeper's limit of 1 MB for a request. */
const BATCH = 100
/** Multis under way at a time. */
const PARALLEL_BATCHES = 50

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
    await unlessRefused(writeAsController(zookeeper, context, [{ type: 'create', path, data: null }]), 'NODE_EXISTS')
  }
}

const opOf = ({ known, state }: StateChange): MultiOp => {
  const path = partitionStateZnode.path(known.topic, known.partition)
  const data = partitionStateZnode.encode(state)
  return known.leadership ? { type: 'set', path, data, version: known.leadership.version } : { type: 'create', path, data }
}

const REFUSALS = ['BAD_VERSION', 'NO_NODE', 'NODE_EXISTS'] as const

export type LeadershipWriterOptions = {
  zookeeper: ZooKeeperClient
  context: ControllerContext
  /** A state was not what this controller believed; the context has it now, and the brokers may have to hear of it. */
  reread: (known: KnownPartition) => void
}

/** Writes who leads and who is in sync, each state only over the version that the context knows. */
export class LeadershipWriter {
  readonly #options: LeadershipWriterOptions

  constructor(options: LeadershipWriterOptions) {
    this.#options = options
  }

  /**
   * Notes in the context what was written, and gives those changes. A state that somebody else changed meanwhile (a leader, its in-sync set) is read again and
   * left out: the caller decides anew. With a `failure` the rest is not known to be written; what was has to be told all the same, before it is thrown.
   */
  async write(changes: readonly StateChange[]): Promise<Written> {
    const isNew = ({ known }: StateChange) => !known.leadership
    const batches = [...batchesOf(changes.filter((change) => !isNew(change))), ...batchesOf(changes.filter(isNew))]
    const results = await inParallel(batches, PARALLEL_BATCHES, (batch) => this.#writeBatch(batch, isNew(batch[0]!)))
    const outcome: Written = { written: [] }
    const refused: StateChange[] = []
    for (const [index, result] of results.entries()) {
      if (result.status === 'fulfilled') outcome.written.push(...batches[index]!)
      else if (isZooKeeperError(result.reason, ...REFUSALS)) refused.push(...batches[index]!)
      else outcome.failure ??= result.reason
    }
    if (outcome.failure === undefined) await this.#writeOneByOne(refused, outcome)
    return outcome
  }

  /**
   * Reads the in-sync sets that leaders may have changed: to be done before any decision that a stale one could turn. Another leader epoch is a write of this
   * controller's of which it has not heard the end.
   */
  async refresh(partitions: readonly KnownPartition[]): Promise<void> {
    const known = partitions.filter(({ leadership }) => leadership)
    const epochs = known.map(({ leadership }) => leadership!.leaderEpoch)
    await allInParallel(known, (partition) => this.#readBack(partition))
    for (const [index, partition] of known.entries())
      if (partition.leadership && partition.leadership.leaderEpoch !== epochs[index]) this.#options.reread(partition)
  }

  async #writeBatch(changes: readonly StateChange[], withParents: boolean): Promise<void> {
    const { zookeeper, context } = this.#options
    const parents: MultiOp[] = withParents
      ? parentPaths(changes.map(({ known }) => known)).map((path) => ({ type: 'create', path, data: null }))
      : []
    const results = await writeAsController(zookeeper, context, [...parents, ...changes.map(opOf)])
    for (const [index, { known, state }] of changes.entries()) {
      const result = results[parents.length + index]
      if (result?.type === 'set' || result?.type === 'create')
        known.leadership = { ...state, version: result.type === 'set' ? result.stat.version : 0 }
    }
  }

  async #writeOneByOne(changes: readonly StateChange[], outcome: Written): Promise<void> {
    try {
      for (const change of changes) if (await this.#writeOne(change)) outcome.written.push(change)
    } catch (error) {
      outcome.failure = error
    }
  }

  async #writeOne(change: StateChange): Promise<boolean> {
    const { zookeeper, context } = this.#options
    try {
      if (!change.known.leadership) await makeParents(zookeeper, context, [change.known])
      await this.#writeBatch([change], false)
      return true
    } catch (error) {
      if (!isZooKeeperError(error, ...REFUSALS)) throw error
      if (await this.#readBack(change.known)) this.#options.reread(change.known)
      return false
    }
  }

  /** Whether the context did not know the state. */
  async #readBack(known: KnownPartition): Promise<boolean> {
    const { topic, partition } = known
    const before = known.leadership?.version
    const read = await unlessRefused(this.#options.zookeeper.get(partitionStateZnode.path(topic, partition)), 'NO_NODE')
    if (!read) known.leadership = undefined
    else if (read.data) known.leadership = { ...partitionStateZnode.decode(topic, partition, read.data), version: read.stat.version }
    return known.leadership?.version !== before
  }
}

const batchesOf = (changes: readonly StateChange[]): StateChange[][] =>
  Array.from({ length: Math.ceil(changes.length / BATCH) }, (_unused, index) => changes.slice(index * BATCH, (index + 1) * BATCH))
