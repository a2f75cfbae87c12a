import { describe, expect, test } from 'vitest'
import { ControllerContext, type LiveBroker } from '../../../src/broker/controller/context.ts'
import { imbalanced } from '../../../src/broker/controller/preferred-leaders.ts'
import { preferredElectionZnode } from '../../../src/broker/metadata/znodes/admin.ts'
import { World } from './move-world.ts'

const at = (partition: number, topic = 't') => ({ topic, partition })
const errorOf = (outcome: unknown) => (outcome as { error?: string }).error ?? outcome

/** Partition 0 is led by broker 2 after 1 was away. */
const withAbsentLeader = async (): Promise<World> => {
  const world = new World([1, 2, 3], { 0: [1, 2], 1: [3] })
  await world.startController()
  await world.settle()
  await world.kill(1)
  await world.settle()
  await world.revive(1)
  await world.settle()
  expect(world.state(0)).toMatchObject({ leader: 2, isr: [2, 1] })
  return world
}

describe('preferred leaders', () => {
  test('are elected where another one leads', async () => {
    const world = await withAbsentLeader()
    const { leaderEpoch } = world.state(0)!
    expect(await world.elections.elect('PREFERRED', [at(0)])).toEqual([1])
    expect(world.state(0)).toMatchObject({ leader: 1, isr: [2, 1], leaderEpoch: leaderEpoch + 1 })
    await world.settle()
    expect(world.violations).toEqual([])
  })

  test('are refused, one by one, for what is led so, is not there, or has no such replica in sync', async () => {
    const world = await withAbsentLeader()
    await world.kill(1)
    await world.settle()
    const outcomes = await world.elections.elect('PREFERRED', [at(0), at(1), at(7), at(0, 'x')])
    expect(outcomes.map(errorOf)).toEqual([
      'PREFERRED_LEADER_NOT_AVAILABLE',
      'ELECTION_NOT_NEEDED',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect((outcomes[0] as Error).message).toBe(
      'Failed to elect leader for partition t-0 under strategy PreferredReplicaPartitionLeaderElectionStrategy',
    )
    world.tools.context.toDelete.add('t')
    expect((await world.elections.elect('PREFERRED', [at(0)])).map(errorOf)).toEqual(['INVALID_TOPIC_EXCEPTION'])
  })

  test('are elected when ZooKeeper asks for it, and the request goes away', async () => {
    const world = await withAbsentLeader()
    world.zookeeper.put(preferredElectionZnode.path, preferredElectionZnode.encode([at(0), at(1), at(7)]))
    await world.settle()
    expect(world.state(0)!.leader).toBe(1)
    expect(world.zookeeper.json(preferredElectionZnode.path)).toBeUndefined()
  })

  test('that were asked for while there was no controller are elected by the next', async () => {
    const world = await withAbsentLeader()
    world.crash()
    world.zookeeper.put(preferredElectionZnode.path, preferredElectionZnode.encode([at(0)]))
    await world.startController()
    await world.settle()
    expect(world.state(0)!.leader).toBe(1)
    expect(world.zookeeper.json(preferredElectionZnode.path)).toBeUndefined()
  })

  test('a request of ZooKeeper that cannot be read goes away', async () => {
    const world = await withAbsentLeader()
    world.zookeeper.put(preferredElectionZnode.path, Buffer.from('?'))
    await world.settle()
    expect(world.zookeeper.version(preferredElectionZnode.path)).toBeUndefined()
  })

  test('an election is held again when the connection fails over it, and answered as held', async () => {
    const world = await withAbsentLeader()
    world.expect({ atWrite: 1, what: 'loses its connection', when: 'after' })
    expect(await world.elections.elect('PREFERRED', [at(0)])).toEqual([1])
    expect(world.state(0)!.leader).toBe(1)
  })
})

describe('unclean leaders', () => {
  test('are elected only where nobody in sync is alive, from those that are', async () => {
    const world = await withAbsentLeader()
    await world.kill(1)
    await world.settle()
    await world.kill(2)
    await world.settle()
    expect(world.state(0)).toMatchObject({ leader: -1, isr: [2] })
    expect((await world.elections.elect('UNCLEAN', [at(0), at(1)])).map(errorOf)).toEqual([
      'ELIGIBLE_LEADERS_NOT_AVAILABLE',
      'ELECTION_NOT_NEEDED',
    ])
    await world.revive(1)
    await world.settle()
    expect(world.state(0)).toMatchObject({ leader: -1, isr: [2] })
    expect(await world.elections.elect('UNCLEAN', [at(0)])).toEqual([1])
    expect(world.state(0)).toMatchObject({ leader: 1, isr: [1] })
  })
})

describe('the balance of leaders', () => {
  type Partition = { replicas: number[]; leader: number; isr?: number[]; adding?: number[] }
  const contextOf = (partitions: Partition[], alive = [1, 2, 3]): ControllerContext => {
    const context = new ControllerContext(1, 0)
    for (const id of alive) context.brokers.set(id, { id } as LiveBroker)
    for (const [partition, { replicas, leader, isr, adding = [] }] of partitions.entries()) {
      const known = context.add(at(partition), { replicas, adding, removing: [] })
      known.leadership = { leader, isr: isr ?? replicas, leaderEpoch: 0, controllerEpoch: 1, version: 0 }
    }
    return context
  }
  const away = (partitions: Partition[], percentage = 10) => imbalanced(contextOf(partitions), percentage).map(({ partition }) => partition)
  const many = (count: number, partition: Partition) => Array.from({ length: count }, () => partition)
  const own = { replicas: [1, 2], leader: 1 }
  const others = { replicas: [1, 2], leader: 2 }

  test('is kept where no more than the percentage is led by others', () => {
    expect(away([others, ...many(9, own)])).toEqual([])
    expect(away([others, ...many(8, own)])).toEqual([0])
    expect(away([others, ...many(8, own)], 50)).toEqual([])
  })

  test('is restored soon after a controller starts, and looked at from time to time', async () => {
    const world = await withAbsentLeader()
    expect(world.pauses.map(({ ms }) => ms)).toEqual([5000])
    world.pauses.shift()!.end()
    await world.settle()
    expect(world.state(0)!.leader).toBe(1)
    expect(world.pauses.map(({ ms }) => ms)).toEqual([300_000])
  })

  test('is looked at broker by broker', () => {
    const ofThird = { replicas: [3, 2], leader: 3 }
    expect(away([others, ...many(50, ofThird)])).toEqual([0])
  })

  test('leaves partitions whose preferred replica is away or not in sync', () => {
    expect(away([{ ...others, isr: [2] }, others])).toEqual([1])
    expect(imbalanced(contextOf([others], [2, 3]), 10)).toEqual([])
  })

  test('waits while any partition moves', () => {
    expect(away([others, { replicas: [3, 2], leader: 2, isr: [2], adding: [3] }])).toEqual([])
  })

  test('leaves topics that are being deleted', () => {
    const context = contextOf([others])
    context.toDelete.add('t')
    expect(imbalanced(context, 10)).toEqual([])
  })
})
