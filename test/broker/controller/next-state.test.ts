import { expect, test } from 'vitest'
import { nextState } from '../../../src/broker/controller/next-state.ts'

const alive =
  (...ids: number[]) =>
  (id: number) =>
    ids.includes(id)
const at = (leader: number, isr: number[], leaderEpoch = 5) => ({ leader, isr, leaderEpoch, controllerEpoch: 1 })
const replicas = [1, 2, 3]

test.each([
  [
    'a new partition is led by its first live replica, and all live ones are in sync',
    undefined,
    [2, 3],
    { leader: 2, isr: [2, 3], leaderEpoch: 0 },
  ],
  ['a new partition waits while no replica lives', undefined, [], undefined],
  ['a live leader stays, even when a preferred one is back', at(2, [2, 3]), [1, 2, 3], undefined],
  ['a dead leader is followed by the first live in-sync replica', at(1, [1, 2, 3]), [2, 3], { leader: 2, isr: [2, 3], leaderEpoch: 6 }],
  ['a replica that is not in sync never leads', at(1, [1]), [2, 3], { leader: -1, isr: [1], leaderEpoch: 6 }],
  [
    'without an in-sync replica the set stays, so that only its members can lead later',
    at(1, [1, 2]),
    [3],
    { leader: -1, isr: [1, 2], leaderEpoch: 6 },
  ],
  ['a partition without a leader stays so while nothing changes', at(-1, [1]), [2, 3], undefined],
  ['a partition without a leader gets one when an in-sync replica is back', at(-1, [1]), [1, 3], { leader: 1, isr: [1], leaderEpoch: 6 }],
] as const)('%s', (_what, current, live, expected) => {
  const state = nextState(current && { ...current, isr: [...current.isr] }, { replicas, isAlive: alive(...live), controllerEpoch: 9 })
  expect(state).toEqual(expected && { ...expected, isr: [...expected.isr], controllerEpoch: 9 })
})
