import { describe, expect, test } from 'vitest'
import { reassignPartitionsZnode } from '../../../src/broker/metadata/znodes/admin.ts'
import { type Mishap, World } from './move-world.ts'
import { Random } from '../../support/random.ts'

const wanted = (replicas: readonly number[] | null, partition = 0) => ({ topic: 't', partition, replicas })
const sorted = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b)
const settledOn = (replicas: number[]) => ({ replicas, adding: [], removing: [] })
const BROKERS = [1, 2, 3, 4, 5, 6]
const WITHOUT_BROKERS = { brokersAct: false }

const start = async (assignment: Record<number, number[]>, brokers = BROKERS): Promise<World> => {
  const world = new World(brokers, assignment)
  await world.startController()
  await world.settle()
  return world
}
const alter = (world: World, ...moves: Parameters<World['reassignments']['alter']>[0]) => world.reassignments.alter(moves)
const putWanted = (world: World, entries: Parameters<typeof reassignPartitionsZnode.encode>[0]) =>
  world.zookeeper.put(reassignPartitionsZnode.path, reassignPartitionsZnode.encode(entries))

/** The partition is where it should be, with every record, and nowhere else. */
const expectSettled = (world: World, replicas: number[], partition = 0) => {
  expect(world.assignment(partition)).toEqual(settledOn(replicas))
  expect(sorted(world.state(partition)!.isr)).toEqual(sorted(replicas))
  expect(world.holders(partition)).toEqual(sorted(replicas))
  expect(world.violations).toEqual([])
}

describe('a partition', () => {
  test('moves to other brokers, in the order of the request', async () => {
    const world = await start({ 0: [1, 2, 3] })
    expect(await alter(world, wanted([4, 5, 6]))).toEqual([undefined])
    expect(world.assignment()).toEqual({ replicas: [4, 5, 6, 1, 2, 3], adding: [4, 5, 6], removing: [1, 2, 3] })
    expect(world.state()).toMatchObject({ leader: 1, isr: [1, 2, 3], leaderEpoch: 1 })
    expect(await world.reassignments.list(null)).toEqual([{ topic: 't', partition: 0, ...world.assignment() }])
    await world.settle()
    expectSettled(world, [4, 5, 6])
    expect(world.state()!.leader).toBe(4)
    expect(await world.reassignments.list(null)).toEqual([])
  })

  test.each<[string, number[], number[], number]>([
    ['keeps its leader when that stays', [1, 2, 3], [4, 1], 1],
    ['gets fewer replicas', [1, 2, 3], [2], 2],
    ['gets more replicas', [1], [3, 1, 2], 1],
    ['gets another order', [1, 2, 3], [3, 1, 2], 1],
    ['is told again what it is', [1, 2], [1, 2], 1],
  ])('%s', async (_what, from, to, leader) => {
    const world = await start({ 0: from })
    expect(await alter(world, wanted(to))).toEqual([undefined])
    await world.settle()
    expectSettled(world, to)
    expect(world.state()!.leader).toBe(leader)
  })

  test('waits for a replica that is not in sync, and goes on when it is', async () => {
    const world = await start({ 0: [1, 2] })
    await alter(world, wanted([3, 4]))
    await world.kill(4)
    await world.settle()
    expect(world.assignment()).toEqual({ replicas: [3, 4, 1, 2], adding: [3, 4], removing: [1, 2] })
    expect(world.state()).toMatchObject({ leader: 1, isr: [1, 2, 3] })
    await world.revive(4)
    await world.settle()
    expectSettled(world, [3, 4])
  })

  test('goes on when its leader dies on the way', async () => {
    const world = await start({ 0: [1, 2] })
    await alter(world, wanted([3, 4]))
    await world.kill(1)
    await world.settle()
    expect(world.assignment()).toEqual(settledOn([3, 4]))
    expect(sorted(world.state()!.isr)).toEqual([3, 4])
    expect(world.violations).toEqual([])
  })

  test('whose only replica is away is led when that is back, and then moves', async () => {
    const world = new World(BROKERS, { 0: [1] })
    await world.kill(1)
    await world.startController()
    await world.settle()
    expect(await alter(world, wanted([2]))).toEqual([undefined])
    await world.settle()
    expectSettled(world, [2])
  })

  test('moves with many others at once', async () => {
    const all = Object.fromEntries(Array.from({ length: 50 }, (_unused, partition) => [partition, [1 + (partition % 3), 4]]))
    const world = await start(all)
    expect(await alter(world, ...Object.keys(all).map((partition) => wanted([5, 6], Number(partition))))).toEqual(Array(50).fill(undefined))
    await world.settle()
    for (const partition of world.partitions()) expectSettled(world, [5, 6], partition)
  })
})

describe('a move', () => {
  test('is given up: what it added goes, the old replicas stay', async () => {
    const world = await start({ 0: [1, 2, 3] })
    await alter(world, wanted([3, 4, 5]))
    expect(await alter(world, wanted(null))).toEqual([undefined])
    await world.settle()
    expectSettled(world, [3, 1, 2])
  })

  test('is replaced by another: what only the first added goes', async () => {
    const world = await start({ 0: [1, 2] })
    await world.kill(4)
    await world.settle()
    await world.revive(4)
    await alter(world, wanted([4, 5]))
    await alter(world, wanted([5, 6]))
    expect(world.assignment()).toEqual({ replicas: [5, 6, 1, 2], adding: [5, 6], removing: [1, 2] })
    expect(world.holders()).not.toContain(4)
    await world.settle()
    expectSettled(world, [5, 6])
  })

  test('is not given up while only what it added is in sync: the records would be lost', async () => {
    const world = await start({ 0: [1] })
    await alter(world, wanted([2, 3]))
    await world.kill(3)
    await world.settle()
    await world.kill(1)
    await world.settle()
    expect(world.state()).toMatchObject({ leader: 2, isr: [2] })
    expect(await alter(world, wanted(null))).toMatchObject([{ error: 'INVALID_REPLICA_ASSIGNMENT' }])
    await world.revive(1)
    await world.revive(3)
    await world.settle()
    expectSettled(world, [2, 3])
  })

  test('whose leader is one that a replaced move had added finds another leader first', async () => {
    const world = await start({ 0: [1, 2] })
    await alter(world, wanted([3, 4]))
    await world.kill(4)
    await world.settle()
    await world.elections.elect('PREFERRED', [{ topic: 't', partition: 0 }])
    expect(world.state()!.leader).toBe(3)
    await world.settle()
    expect(await alter(world, wanted(null))).toEqual([undefined])
    await world.revive(4)
    await world.settle()
    expectSettled(world, [1, 2])
  })

  test('ends with its topic', async () => {
    const world = await start({ 0: [1, 2] })
    await alter(world, wanted([3, 4]))
    putWanted(world, [wanted([3, 4]) as never])
    await world.tools.queue.ask(() => {
      world.tools.context.toDelete.add('t')
      return world.reassignments.topicsToDelete(['t'])
    })
    expect(world.zookeeper.json(reassignPartitionsZnode.path)).toBeUndefined()
    await world.settle()
    expect(world.assignment().adding).toEqual([3, 4])
    expect(await alter(world, wanted([5]))).toMatchObject([
      { error: 'UNKNOWN_TOPIC_OR_PARTITION', message: 'The partition does not exist.' },
    ])
  })

  test('is left alone by partitions that somebody adds to the topic meanwhile', async () => {
    const world = await start({ 0: [1, 2] })
    await alter(world, wanted([3, 4]))
    const path = '/brokers/topics/t'
    const topic = world.zookeeper.json(path) as { partitions: Record<string, number[]> }
    world.zookeeper.put(path, Buffer.from(JSON.stringify({ ...topic, partitions: { ...topic.partitions, 1: [6] } })))
    await world.settle()
    expect(world.assignment(0)).toEqual(settledOn([3, 4]))
    expect(world.assignment(1)).toEqual(settledOn([6]))
  })
})

describe('a wrong request changes nothing', () => {
  test.each<[string, ReturnType<typeof wanted>, string, string]>([
    ['no replicas', wanted([]), 'INVALID_REPLICA_ASSIGNMENT', 'Empty replica list specified in partition reassignment.'],
    ['a broker twice', wanted([1, 1]), 'INVALID_REPLICA_ASSIGNMENT', 'Duplicate replica ids in partition reassignment replica list: 1, 1'],
    ['a negative id', wanted([1, -2]), 'INVALID_REPLICA_ASSIGNMENT', 'Invalid broker id in replica list: 1, -2'],
    [
      'an unknown broker',
      wanted([1, 9]),
      'INVALID_REPLICA_ASSIGNMENT',
      'Replica assignment has brokers that are not alive. Replica list: 9, live broker list: 1, 2, 3, 4, 5',
    ],
    [
      'a dead broker',
      wanted([6]),
      'INVALID_REPLICA_ASSIGNMENT',
      'Replica assignment has brokers that are not alive. Replica list: 6, live broker list: 1, 2, 3, 4, 5',
    ],
    ['a partition that is not there', wanted([1], 7), 'UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.'],
    ['nothing to give up', wanted(null), 'NO_REASSIGNMENT_IN_PROGRESS', 'No partition reassignment is in progress.'],
    ['nothing to give up where nothing is', wanted(null, 7), 'NO_REASSIGNMENT_IN_PROGRESS', 'No partition reassignment is in progress.'],
  ])('%s', async (_what, move, error, message) => {
    const world = await start({ 0: [1, 2] })
    await world.kill(6)
    await world.settle()
    const { writes } = world
    expect(await alter(world, move)).toMatchObject([{ error, message }])
    expect(world.writes).toBe(writes)
  })

  test('and the right ones beside it are done', async () => {
    const world = await start({ 0: [1], 1: [2] })
    expect(await alter(world, wanted([3, 3], 0), wanted([4], 1))).toMatchObject([{ error: 'INVALID_REPLICA_ASSIGNMENT' }, undefined])
    await world.settle()
    expectSettled(world, [1], 0)
    expectSettled(world, [4], 1)
  })
})

describe('moves that are asked for by ZooKeeper', () => {
  test('are done and taken out one by one; wrong ones are taken out', async () => {
    const world = await start({ 0: [1], 1: [2], 2: [3] })
    await world.kill(6)
    putWanted(world, [
      { topic: 't', partition: 0, replicas: [4] },
      { topic: 't', partition: 1, replicas: [6, 5] },
      { topic: 't', partition: 2, replicas: [] },
      { topic: 't', partition: 9, replicas: [1] },
    ])
    await world.settle()
    expectSettled(world, [4], 0)
    expectSettled(world, [3], 2)
    // Kafka waits for a broker that is not there when it is asked by ZooKeeper.
    expect(world.zookeeper.json(reassignPartitionsZnode.path)).toEqual({
      version: 1,
      partitions: [{ topic: 't', partition: 1, replicas: [6, 5] }],
    })
    await world.revive(6)
    await world.settle()
    expectSettled(world, [6, 5], 1)
    expect(world.zookeeper.json(reassignPartitionsZnode.path)).toBeUndefined()
  })

  test('are replaced by a request', async () => {
    const world = await start({ 0: [1] })
    putWanted(world, [{ topic: 't', partition: 0, replicas: [4, 5] }])
    await world.settle(WITHOUT_BROKERS)
    expect(world.assignment().adding).toEqual([4, 5])
    await alter(world, wanted([6]))
    expect(world.zookeeper.json(reassignPartitionsZnode.path)).toBeUndefined()
    await world.settle()
    expectSettled(world, [6])
  })

  test('that came while there was no controller are found by the next', async () => {
    const world = await start({ 0: [1, 2] })
    world.crash()
    putWanted(world, [{ topic: 't', partition: 0, replicas: [3] }])
    await world.startController()
    await world.settle()
    expectSettled(world, [3])
  })

  test('that cannot be read are left', async () => {
    const world = await start({ 0: [1] })
    world.zookeeper.put(reassignPartitionsZnode.path, Buffer.from('{"partitions":[{}]}'))
    await world.settle()
    expectSettled(world, [1])
  })
})

type Story = { from: number[]; act: (world: World) => Promise<unknown>; ends: number[][]; mayLeave: number[] }

/** `ends`: what may have become of it, since a request whose answer was lost may or may not have taken effect. `mayLeave`: brokers on which files may stay, as with Kafka. */
const STORIES: Record<string, Story> = {
  'a move': {
    from: [1, 2],
    act: (world) => alter(world, wanted([3, 4])),
    ends: [
      [1, 2],
      [3, 4],
    ],
    mayLeave: [],
  },
  'a move of the leader alone': {
    from: [1, 2, 3],
    act: (world) => alter(world, wanted([2, 3, 4])),
    ends: [
      [1, 2, 3],
      [2, 3, 4],
    ],
    mayLeave: [],
  },
  'one replica less': {
    from: [1, 2, 3],
    act: (world) => alter(world, wanted([2, 3])),
    ends: [
      [1, 2, 3],
      [2, 3],
    ],
    mayLeave: [],
  },
  'a move by ZooKeeper': {
    from: [1, 2],
    act: async (world) => putWanted(world, [{ topic: 't', partition: 0, replicas: [3, 4] }]),
    ends: [[3, 4]],
    mayLeave: [],
  },
  'a move that is given up when its first replica is in sync': {
    from: [1, 2],
    act: async (world) => {
      await alter(world, wanted([3, 4]))
      await world.kill(4)
      await world.settle()
      await alter(world, wanted(null))
      await world.revive(4)
    },
    ends: [
      [3, 4],
      [1, 2],
    ],
    mayLeave: [3, 4],
  },
  'a move that is replaced': {
    from: [1, 2],
    act: async (world) => {
      await alter(world, wanted([3, 4]))
      await world.settle(WITHOUT_BROKERS)
      await alter(world, wanted([5, 3]))
    },
    ends: [
      [1, 2],
      [3, 4],
      [5, 3],
    ],
    mayLeave: [4],
  },
}

const told = async (story: Story, mishap?: Mishap): Promise<World> => {
  const world = await start({ 0: story.from })
  world.expect(mishap)
  try {
    await story.act(world)
  } catch {
    // The request's answer was lost with the controller.
  }
  await world.settle()
  if (world.isControllerDead) await world.startController()
  world.expect(undefined)
  for (const broker of world.brokers.values()) if (!broker.isAlive) await world.revive(broker.id)
  await world.settle()
  return world
}

describe.each(Object.entries(STORIES))('%s', (_what, story) => {
  test.each(['dies', 'loses its connection'] as const)('at every write at which the controller %s', async (what) => {
    const undisturbed = await told(story)
    expectSettled(undisturbed, story.ends.at(-1)!)
    const begun = (await start({ 0: story.from })).writes
    expect(undisturbed.writes - begun).toBeGreaterThan(2)
    for (let atWrite = 1; atWrite <= undisturbed.writes - begun; atWrite++) {
      for (const when of ['before', 'after'] as const) {
        const world = await told(story, { atWrite, what, when })
        const at = JSON.stringify({ atWrite, when, state: world.state(), assignment: world.assignment(), violations: world.violations })
        const end = story.ends.find((replicas) => String(replicas) === String(world.assignment().replicas))
        expect(end, at).toBeDefined()
        expect(world.assignment(), at).toEqual(settledOn(end!))
        expect(sorted(world.state()!.isr), at).toEqual(sorted(end!))
        expect(end, at).toContain(world.state()!.leader)
        expect(
          world.holders().filter((id) => !end!.includes(id) && !story.mayLeave.includes(id)),
          at,
        ).toEqual([])
        expect(world.violations, at).toEqual([])
        expect(world.zookeeper.json(reassignPartitionsZnode.path), at).toBeUndefined()
      }
    }
  })
})

type Chance = { world: World; roll: (sides: number) => number; partition: number }

const BROKERS_OF_CHANCE = [1, 2, 3, 4, 5]
const randomMove = ({ world, roll, partition }: Chance) =>
  alter(world, wanted(BROKERS_OF_CHANCE.toSorted(() => roll(3) - 1).slice(0, 1 + roll(3)), partition))

const CHANCES: readonly ((chance: Chance) => unknown)[] = [
  randomMove,
  randomMove,
  randomMove,
  ({ world, partition }) => alter(world, wanted(null, partition)),
  ({ world, roll }) => world.kill(1 + roll(5)),
  ({ world, roll }) => world.revive(1 + roll(5)),
  ({ world, roll }) =>
    world.expect({ atWrite: 1 + roll(6), what: roll(2) ? 'dies' : 'loses its connection', when: roll(2) ? 'before' : 'after' }),
  ({ world, roll }) => world.settle({ brokersAct: roll(2) === 0 }),
  ({ world, partition }) => {
    world.act(partition)
    return world.elections.elect('PREFERRED', [{ topic: 't', partition }])
  },
]

test('no record is lost, and everything settles, whatever comes together', async () => {
  for (let seed = 1; seed <= 120; seed++) {
    const roll = new Random(seed).below
    const world = await start({ 0: [1, 2, 3], 1: [4] }, BROKERS_OF_CHANCE)
    for (let step = 0; step < 12; step++) {
      if (world.isControllerDead) await world.startController()
      try {
        await CHANCES[roll(CHANCES.length)]!({ world, roll, partition: roll(2) })
      } catch {
        // The controller died over it.
      }
    }
    world.expect(undefined)
    if (world.isControllerDead) await world.startController()
    for (const id of BROKERS_OF_CHANCE) await world.revive(id)
    await world.settle()
    for (const partition of world.partitions()) {
      const at = JSON.stringify({ seed, partition, state: world.state(partition), assignment: world.assignment(partition) })
      const { replicas, adding, removing } = world.assignment(partition)
      expect([adding, removing], at).toEqual([[], []])
      expect(sorted(world.state(partition)!.isr), at).toEqual(sorted(replicas!))
      expect(replicas, at).toContain(world.state(partition)!.leader)
    }
    expect(world.violations, `seed ${seed}`).toEqual([])
  }
})
