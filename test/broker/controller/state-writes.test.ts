import { expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { BrokerRequests } from '../../../src/broker/controller/broker-requests.ts'
import { ControllerContext, type KnownPartition } from '../../../src/broker/controller/context.ts'
import { PartitionMachine } from '../../../src/broker/controller/partition-machine.ts'
import { ReplicaMachine } from '../../../src/broker/controller/replica-machine.ts'
import { LeadershipWriter, NoLongerController } from '../../../src/broker/controller/state-writes.ts'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { ZooKeeperError } from '../../../src/zookeeper/errors.ts'
import type { MultiOp, MultiResult, Stat } from '../../../src/zookeeper/types.ts'

const EPOCH = '/controller_epoch'
type Mishap = 'lost after it was applied' | 'lost before it was applied' | 'another controller'

/** States by path with their versions; the multis that `mishaps` names by number end otherwise. */
class FakeZooKeeper {
  readonly states = new Map<string, { data: Buffer; version: number }>()
  readonly mishaps = new Map<number, Mishap>()
  multis = 0

  async multi(ops: readonly MultiOp[]): Promise<MultiResult[]> {
    const mishap = this.mishaps.get(++this.multis)
    expect(ops[0]).toMatchObject({ type: 'check', path: EPOCH })
    if (mishap === 'another controller') throw new ZooKeeperError('BAD_VERSION', { path: EPOCH, index: 0 })
    if (mishap === 'lost before it was applied') throw new ZooKeeperError('CONNECTION_LOSS')
    const stale = ops.findIndex((op) => op.type === 'set' && this.states.get(op.path)?.version !== op.version)
    if (stale >= 0) throw new ZooKeeperError('BAD_VERSION', { path: ops[stale]!.path, index: stale })
    const results = ops.map((op): MultiResult => {
      if (op.type !== 'set') return { type: 'check' }
      this.states.set(op.path, { data: op.data!, version: op.version + 1 })
      return { type: 'set', stat: { version: op.version + 1 } as Stat }
    })
    if (mishap) throw new ZooKeeperError('CONNECTION_LOSS')
    return results
  }

  async get(path: string): Promise<{ data: Buffer; stat: Stat }> {
    const { data, version } = this.states.get(path)!
    return { data, stat: { version } as Stat }
  }
}

const COUNT = 250

/** Partitions led by broker 1, which is gone; who was told of which is in `told`. */
const world = () => {
  const zookeeper = new FakeZooKeeper()
  const context = new ControllerContext(5, 7)
  for (const id of [2, 3]) context.brokers.set(id, { id, endpoints: [], rack: null, timestampMs: 0, epoch: 1n })
  const state = { leader: 1, isr: [1, 2, 3], leaderEpoch: 0, controllerEpoch: 4 }
  const all = Array.from({ length: COUNT }, (_unused, partition) => {
    const known = context.add({ topic: 't', partition }, { replicas: [1, 2, 3], adding: [], removing: [] })
    known.leadership = { ...state, version: 0 }
    known.state = 'OFFLINE'
    for (const id of [1, 2, 3]) known.replicaStates.set(id, 'ONLINE')
    zookeeper.states.set(partitionStateZnode.path('t', partition), { data: partitionStateZnode.encode(state), version: 0 })
    return known
  })
  const told = new Map<KnownPartition, number>()
  const requests = {
    leaderAndIsr: (_ids: readonly number[], known: KnownPartition) => void told.set(known, known.leadership!.leaderEpoch),
    updateMetadata: () => {},
    stopReplica: () => {},
  } as unknown as BrokerRequests
  const client = zookeeper as unknown as ZooKeeperClient
  const writer = new LeadershipWriter({ zookeeper: client, context, reread: (known) => requests.leaderAndIsr([], known, false) })
  const shared = { context, writer, requests, logger: silentLogger }
  const partitions = new PartitionMachine({ ...shared, isUncleanAllowed: () => Promise.resolve(false) })
  return { zookeeper, context, all, told, partitions, replicas: new ReplicaMachine(shared) }
}

const LOST: Mishap[] = ['lost after it was applied', 'lost before it was applied']

test.each(LOST.flatMap((mishap) => [1, 2, 3].map((multi) => [multi, mishap] as const)))(
  'multi %i of an election is %s: the second try leaves nobody untold',
  async (multi, mishap) => {
    const { zookeeper, context, all, told, partitions } = world()
    zookeeper.mishaps.set(multi, mishap)
    const offline = { type: 'offline', allowsUnclean: false } as const
    await expect(partitions.online(all, offline)).rejects.toMatchObject({ error: 'CONNECTION_LOSS' })
    // As a broker's failure is worked on again: who is led already is left alone.
    const left = all.filter((known) => !context.hasOnlineLeader(known))
    await partitions.online(left, offline)
    expect(all.every(({ state, leadership }) => state === 'ONLINE' && leadership!.leader === 2)).toBe(true)
    expect(all.filter((known) => told.get(known) !== known.leadership!.leaderEpoch)).toEqual([])
  },
)

test.each(LOST)('a multi that shrinks in-sync sets is %s: the second try leaves nobody untold', async (mishap) => {
  const { zookeeper, all, told, replicas } = world()
  zookeeper.mishaps.set(2, mishap)
  const gone = all.map((known) => ({ known, brokerId: 3 }))
  await expect(replicas.offline(gone)).rejects.toMatchObject({ error: 'CONNECTION_LOSS' })
  await replicas.offline(gone)
  expect(all.every(({ leadership }) => !leadership!.isr.includes(3))).toBe(true)
  expect(all.filter((known) => told.get(known) !== known.leadership!.leaderEpoch)).toEqual([])
})

test('another controller ends it, and nothing is written', async () => {
  const { zookeeper, all, told, partitions } = world()
  for (const multi of [1, 2, 3]) zookeeper.mishaps.set(multi, 'another controller')
  await expect(partitions.online(all, { type: 'offline', allowsUnclean: true })).rejects.toBeInstanceOf(NoLongerController)
  expect([...zookeeper.states.values()].every(({ version }) => version === 0)).toBe(true)
  expect(told.size).toBe(0)
})

test('a state that a leader changed meanwhile is read again and decided anew', async () => {
  const { zookeeper, all, partitions } = world()
  const path = partitionStateZnode.path('t', 3)
  // 2 left the in-sync set after this controller had looked.
  const written = { leader: 1, isr: [1, 3], leaderEpoch: 0, controllerEpoch: 4 }
  const read = zookeeper.get.bind(zookeeper)
  zookeeper.get = async (at) => {
    const before = await read(at)
    if (at === path && before.stat.version === 0) zookeeper.states.set(path, { data: partitionStateZnode.encode(written), version: 1 })
    return before
  }
  await partitions.online(all, { type: 'offline', allowsUnclean: false })
  expect(all[3]!.leadership).toMatchObject({ leader: 3, isr: [3], leaderEpoch: 1, version: 2 })
  expect(all[4]!.leadership).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1, version: 1 })
})
