import { describe, expect, test } from 'vitest'
import { stored } from './fetch-support.ts'
import { World } from './fetch-world.ts'

/** Brokers that run, the first one leading, all told. */
const worldOf = async (count: number): Promise<World> => {
  const world = new World(count)
  await world.start()
  await elect(world, 0)
  return world
}
const elect = async (world: World, leader: number): Promise<void> => {
  world.elect(leader)
  for (const { id } of world.nodes) await world.tell(id)
  await world.advance(100)
}
const logs = (world: World) => Promise.all(world.nodes.map(({ log }) => stored(log)))
const expectEqual = async (world: World): Promise<void> => {
  const [first, ...others] = await logs(world)
  for (const other of others) expect(other).toEqual(first)
}
const epochs = (world: World) => world.nodes.map(({ log }) => log.epochs.entries)

describe('logs after changes of leaders are equal', () => {
  test('a follower that restarts before it knows the high watermark keeps what was acknowledged (KIP-101, scenario 1)', async () => {
    const world = await worldOf(2)
    world.append(1)
    await world.advance(600)
    // The follower has the second record and has told so by its next fetch, but did not hear the new high watermark.
    world.append(1)
    await world.advance(1)
    expect([world.node(0).log.highWatermark, world.node(1).log.logEndOffset, world.node(1).log.highWatermark]).toEqual([2, 2, 1])
    await world.node(1).machine.manager!.writeHighWatermarks()
    await world.kill(1)
    await world.boot(1)
    expect(world.node(1).log.highWatermark).toBe(1)
    await world.tell(1)
    await world.advance(50)
    await world.kill(0)
    await elect(world, 1)
    expect(world.committed).toHaveLength(2)
    await world.boot(0)
    await world.tell(0)
    world.append(1)
    await world.advance(1000)
    expect(world.node(1).log.logEndOffset).toBe(3)
    await expectEqual(world)
    expect((await logs(world))[0]!.slice(0, 2)).toEqual(world.committed.slice(0, 2))
  })

  test('and keeps it when the leader dies before it could ask it anything', async () => {
    const world = await worldOf(2)
    world.append(1)
    await world.advance(600)
    world.append(1)
    await world.advance(1)
    await world.kill(1)
    await world.boot(1)
    world.cut(0, 1)
    await world.tell(1)
    await world.advance(100)
    await world.kill(0)
    await elect(world, 1)
    expect(world.node(1).log.logEndOffset).toBe(2)
  })

  test('two brokers that lost power with different records at one offset do not keep both (KIP-101, scenario 2)', async () => {
    const world = await worldOf(2)
    world.append(1)
    world.append(2)
    await world.advance(600)
    for (const { machine } of world.nodes) await machine.manager!.writeHighWatermarks()
    // The follower's disk keeps less than it said.
    await world.kill(1)
    await world.boot(1)
    await world.node(1).log.truncateTo(1)
    await world.kill(0)
    await elect(world, 1)
    world.append(4)
    await world.boot(0)
    await world.tell(0)
    await world.advance(1000)
    await expectEqual(world)
    expect(epochs(world)).toEqual([
      [
        { epoch: 0, startOffset: 0 },
        { epoch: 1, startOffset: 1 },
      ],
      [
        { epoch: 0, startOffset: 0 },
        { epoch: 1, startOffset: 1 },
      ],
    ])
  })

  test('fast changes of leaders, each of which wrote what nobody else has, end in equal logs (KIP-279)', async () => {
    const world = await worldOf(2)
    world.append(10)
    await world.advance(600)
    // Leaders of epochs 1 to 4 in turn; no record of these gets across, each log ends with epochs that the other has not.
    world.cut(0, 1)
    for (const leader of [1, 0, 1, 0]) {
      world.elect(leader)
      await world.tell(leader)
      for (let i = 0; i <= leader; i++) world.append(3)
    }
    expect(world.nodes.map(({ log }) => log.epochs.entries.map(({ epoch }) => epoch))).toEqual([
      [0, 2, 4],
      [0, 1, 3],
    ])
    world.heal(0, 1)
    await elect(world, 1)
    world.append(1)
    await world.advance(2000)
    await expectEqual(world)
    expect(epochs(world)[0]).toEqual(epochs(world)[1])
    const asked = world.node(0).links.get(1)!.of('OffsetForLeaderEpoch')
    expect(asked.map(({ topics }) => topics[0]!.partitions[0]!.leaderEpoch).slice(-3)).toEqual([4, 2, 0])
  })

  test('a follower of a leader with the same epochs goes on without a cut', async () => {
    const world = await worldOf(3)
    for (let i = 0; i < 5; i++) world.append(2)
    await world.advance(600)
    await elect(world, 1)
    await elect(world, 2)
    world.append(1)
    await world.advance(600)
    await expectEqual(world)
    expect(world.node(0).replica.calls.filter((call) => call.startsWith('truncate'))).toEqual(['truncate 10', 'truncate 10'])
  })

  test('epochs that were only announced, with no record, do not survive where they contradict the leader (KAFKA-10706)', async () => {
    const world = await worldOf(2)
    world.append(3)
    await world.advance(600)
    world.cut(0, 1)
    world.elect(1)
    await world.tell(1)
    world.elect(0)
    await world.tell(0)
    world.append(2)
    world.heal(0, 1)
    await world.tell(1)
    await world.advance(1000)
    await expectEqual(world)
    expect(epochs(world)[1]).toEqual([
      { epoch: 0, startOffset: 0 },
      { epoch: 2, startOffset: 3 },
    ])
  })

  test.each(['dies while it cuts its log', 'loses power right after it cut its log'])(
    'a follower that %s ends with the leader’s log',
    async (how) => {
      const world = await worldOf(2)
      const [old, next] = world.nodes as [(typeof world.nodes)[0], (typeof world.nodes)[0]]
      world.append(3)
      await world.advance(600)
      await old.log.flush()
      world.cut(0, 1)
      for (let i = 0; i < 4; i++) world.append(2)
      world.elect(1)
      await world.tell(1)
      for (let i = 0; i < 3; i++) world.append(1)
      world.heal(0, 1)
      if (how.startsWith('dies')) old.machine.memory.fail('truncate', { path: /\.log$/ })
      await world.tell(0)
      await world.advance(50)
      expect(old.replica.calls).toEqual(['truncate 3', ...(how.startsWith('dies') ? [] : ['append'])])
      expect(old.followed!.fetcher.failedCount).toBe(how.startsWith('dies') ? 1 : 0)
      await world.kill(0)
      if (how.startsWith('loses')) old.machine.memory.losePower()
      old.machine.memory.stopFailing()
      await world.boot(0)
      await world.tell(0)
      await world.advance(1000)
      expect(old.log.logEndOffset).toBe(6)
      await expectEqual(world)
      expect(old.log.epochs.entries).toEqual(next.log.epochs.entries)
    },
  )
})
