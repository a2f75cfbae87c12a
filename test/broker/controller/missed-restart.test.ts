import { afterEach, describe, expect, test } from 'vitest'
import { FakeCluster } from './fake-cluster.ts'

let cluster: FakeCluster | undefined
afterEach(async () => {
  await cluster?.stop()
  cluster = undefined
})

describe('a broker that stops and comes back while no controller is there to see it', () => {
  /** 1 leads and is the controller; the next controller finds it registered again, and nothing else changed. */
  const restartUnseen = async (assignment: Record<number, number[]>, alsoRestarts: number[] = []): Promise<FakeCluster> => {
    cluster = await FakeCluster.start([1])
    for (const id of [2, 3]) await cluster.add(id, { isCandidate: false })
    await cluster.untilControlled()
    await cluster.create('t', assignment)
    for (const partition of Object.keys(assignment).map(Number))
      await cluster.untilState('t', partition, { leader: assignment[partition]![0]! })
    await cluster.kill(1)
    for (const id of alsoRestarts) await cluster.kill(id)
    for (const id of [1, ...alsoRestarts]) await cluster.add(id, { isCandidate: false })
    await cluster.add(9)
    await cluster.untilControlled()
    return cluster
  }

  test('does not lead on in its epoch, and leaves the in-sync set, where another is in sync that did not', async () => {
    const found = await restartUnseen({ 0: [1, 2, 3], 1: [2, 1, 3] })
    expect(await found.untilState('t', 0, { leader: 2 })).toMatchObject({ isr: [2, 3], leaderEpoch: 1 })
    expect(await found.untilState('t', 1, { isr: [2, 3] })).toMatchObject({ leader: 2, leaderEpoch: 1 })
    await found.broker(1).until('hears of it', () => found.broker(1).roles.get('t-0')?.leaderEpoch === 1)
  })

  test('leads in a new epoch where nobody else has more', async () => {
    const found = await restartUnseen({ 0: [1], 1: [1, 2] }, [2])
    expect(await found.untilState('t', 0, { leaderEpoch: 1 })).toMatchObject({ leader: 1, isr: [1] })
    expect(await found.untilState('t', 1, { leaderEpoch: 1 })).toMatchObject({ leader: 1, isr: [1, 2] })
  })

  test('a change of controllers alone changes no state', async () => {
    cluster = await FakeCluster.start([1, 2, 3])
    await cluster.create('t', { 0: [2, 3] })
    const before = await cluster.untilState('t', 0, { leader: 2 })
    await cluster.kill(1)
    await cluster.untilControlled()
    expect(await cluster.state('t', 0)).toEqual(before)
  })
})
