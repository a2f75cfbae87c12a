import { describe, expect, test } from 'vitest'
import type { LeaderAndIsr } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { elect, electAfterBounce, type Elected, type Electorate, withoutReplicas } from '../../../src/broker/controller/elections.ts'

type Case = { replicas?: number[]; removing?: number[]; isr: number[]; online: number[]; stopping?: number[] }

const electorate = ({ replicas = [1, 2, 3], removing = [], isr, online, stopping = [] }: Case): Electorate => ({
  replicas,
  removing,
  isr,
  isOnline: (id) => online.includes(id) && !stopping.includes(id),
  isShuttingDown: (id) => stopping.includes(id),
})
const OFFLINE = { type: 'offline', allowsUnclean: false } as const

describe('a lost leader', () => {
  test.each([
    [{ isr: [1, 2, 3], online: [2, 3] }, { leader: 2, isr: [2, 3] }, 'is followed by the first live in-sync replica'],
    [{ isr: [3, 2, 1], online: [2, 3] }, { leader: 2, isr: [3, 2] }, 'is followed in the order of the assignment, not of the in-sync set'],
    [{ isr: [1, 3], online: [2, 3] }, { leader: 3, isr: [3] }, 'is not followed by a replica that is not in sync'],
    [{ isr: [1], online: [2, 3] }, undefined, 'has no successor when nobody else was in sync'],
    [{ isr: [1, 2], online: [2], stopping: [2] }, undefined, 'is not followed by a broker that is about to stop'],
    [{ isr: [], online: [] }, undefined, 'of nothing'],
  ] as [Case, Elected | undefined, string][])('%j -> %j: %s', (given, expected) => {
    expect(elect(OFFLINE, electorate(given))).toEqual(expected)
  })

  test('is followed uncleanly only when that is allowed, by the first live replica alone', () => {
    const lost = electorate({ isr: [1], online: [2, 3] })
    expect(elect(OFFLINE, lost, true)).toEqual({ leader: 2, isr: [2] })
    expect(elect({ type: 'offline', allowsUnclean: true }, lost)).toEqual({ leader: 2, isr: [2] })
    expect(elect(OFFLINE, electorate({ isr: [1, 3], online: [2, 3] }), true)).toEqual({ leader: 3, isr: [3] })
  })
})

describe('other reasons to elect', () => {
  test('a reassignment: the first target that is in sync; the in-sync set stays', () => {
    const moving = { replicas: [4, 5, 1], removing: [1] }
    expect(elect({ type: 'reassign' }, electorate({ ...moving, isr: [1, 5], online: [1, 4, 5] }))).toEqual({ leader: 5, isr: [1, 5] })
    expect(elect({ type: 'reassign' }, electorate({ ...moving, isr: [1], online: [1, 4, 5] }))).toBeUndefined()
  })
  test('the preferred replica, or nobody', () => {
    expect(elect({ type: 'preferred' }, electorate({ isr: [3, 1], online: [1, 3] }))).toEqual({ leader: 1, isr: [3, 1] })
    expect(elect({ type: 'preferred' }, electorate({ isr: [3], online: [1, 3] }))).toBeUndefined()
    expect(elect({ type: 'preferred' }, electorate({ isr: [1, 3], online: [3] }))).toBeUndefined()
  })
  test('a controlled shutdown: nobody who stops, neither as leader nor in sync', () => {
    const stopping = { isr: [1, 2, 3], online: [1, 2, 3] }
    expect(elect({ type: 'controlled-shutdown' }, electorate({ ...stopping, stopping: [1] }))).toEqual({ leader: 2, isr: [2, 3] })
    expect(elect({ type: 'controlled-shutdown' }, electorate({ ...stopping, stopping: [1, 2] }))).toEqual({ leader: 3, isr: [3] })
    expect(elect({ type: 'controlled-shutdown' }, electorate({ isr: [1], online: [1, 2], stopping: [1] }))).toBeUndefined()
  })
})

test('whatever the circumstances: a clean leader is online, assigned and was in sync, and nobody joins the in-sync set', () => {
  const subsets = Array.from({ length: 8 }, (_unused, bits) => [1, 2, 3].filter((id) => bits & (1 << (id - 1))))
  const cases = subsets.flatMap((isr) => subsets.flatMap((online) => subsets.map((stopping) => ({ isr, online, stopping, removing: [2] }))))
  const strategies = [OFFLINE, { type: 'reassign' }, { type: 'preferred' }, { type: 'controlled-shutdown' }] as const
  for (const given of cases) {
    const who = electorate(given)
    for (const elected of strategies.flatMap((strategy) => elect(strategy, who) ?? [])) {
      expect(who.isOnline(elected.leader) && given.isr.includes(elected.leader)).toBe(true)
      expect(elected.isr).toContain(elected.leader)
      expect(elected.isr.every((id) => given.isr.includes(id))).toBe(true)
    }
  }
})

describe('brokers that were away unseen', () => {
  const after = (given: Case, leader: number, bounced: number[]) =>
    electAfterBounce(electorate(given), leader, (id) => bounced.includes(id))
  test('a leader among them is followed by one that was there, and both kinds of memberships end', () => {
    expect(after({ isr: [1, 2, 3], online: [1, 2, 3] }, 1, [1])).toEqual({ leader: 2, isr: [2, 3] })
    expect(after({ isr: [1, 2, 3], online: [1, 2, 3] }, 1, [1, 2])).toEqual({ leader: 3, isr: [3] })
    expect(after({ isr: [1, 2, 3], online: [1, 2, 3] }, 1, [3])).toEqual({ leader: 1, isr: [1, 2] })
  })
  test('when all were away nobody is better than the others, and the set stays', () => {
    expect(after({ isr: [1, 2, 3], online: [1, 2, 3] }, 2, [1, 2, 3])).toEqual({ leader: 2, isr: [1, 2, 3] })
    expect(after({ isr: [1, 2], online: [2] }, 1, [2])).toEqual({ leader: 2, isr: [2] })
    expect(after({ isr: [1], online: [2] }, 1, [2])).toBeUndefined()
  })
})

describe('replicas that are gone', () => {
  const state = (leader: number, isr: number[]) => ({ leader, isr, leaderEpoch: 1, controllerEpoch: 1 })
  test.each([
    [state(1, [1, 2, 3]), [2], { leader: 1, isr: [1, 3] }, 'leave the in-sync set'],
    [state(1, [1]), [1], { leader: -1, isr: [1] }, 'the last one stays in it'],
    [state(1, [1, 2]), [1, 2], { leader: -1, isr: [1, 2] }, 'those that went together stay in it: each has everything'],
    [state(1, [1, 2]), [1], { leader: -1, isr: [2] }, 'a leader among them is gone'],
    [state(1, [1, 2]), [3], undefined, 'one that was not in sync changes nothing'],
    [state(-1, [1]), [1], undefined, 'nothing happens twice'],
  ] as [LeaderAndIsr, number[], Elected | undefined, string][])('%j without %j -> %j: %s', (current, gone, expected) => {
    expect(withoutReplicas(current, (id) => gone.includes(id))).toEqual(expected)
  })
})
