import { expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import type { AppendInfo } from '../../../src/log/log-types.ts'
import type { Partition } from '../../../src/broker/partition.ts'
import { batchOf } from '../../log/support.ts'
import { settle } from '../../support/manual-clock.ts'
import { fetched, LAG_MS, ReplicaLab } from './support/replica-lab.ts'

const append = (partition: Partition, count = 1, requiredAcks = -1): AppendInfo | Promise<AppendInfo> =>
  partition.append(batchOf(count), { origin: 'client', requiredAcks })
const errorOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof KafkaError) return error.error
    throw error
  }
  return 'NONE'
}
const rejection = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'NONE',
    (error: unknown) => (error as KafkaError).error,
  )

test('the high watermark is what all in-sync replicas have, and acks=all waits for it', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await append(partition, 3)
  let isDone = false
  const done = partition.replicated(3).then(() => (isDone = true))
  fetched(partition, lab, 2, 3)
  expect(partition.highWatermark).toBe(0)
  fetched(partition, lab, 3, 2)
  await settle()
  expect([partition.highWatermark, isDone]).toEqual([2, false])
  fetched(partition, lab, 3, 3)
  await done
  expect(partition.highWatermark).toBe(3)
})

test('the high watermark stays when a leader becomes a follower, and when it leads again', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2], replicas: [1, 2] })
  await append(partition, 3)
  fetched(partition, lab, 2, 2)
  await lab.table.follow('t', 0, lab.leadership({ leader: 2, leaderEpoch: 6 }), false)
  await partition.appendAsFollower(Buffer.alloc(0), { leaderEpoch: 6, highWatermark: 1, logStartOffset: 0 })
  expect(partition.highWatermark).toBe(2)
  await lab.lead({ leaderEpoch: 7, isr: [1, 2], replicas: [1, 2] })
  expect(partition.highWatermark).toBe(2)
})

test('the high watermark of a follower is there again after a restart', async () => {
  const lab = await ReplicaLab.open()
  const follow = () => lab.table.follow('t', 0, lab.leadership({ leader: 2 }), false)
  const partition = await follow()
  await partition.appendAsFollower(replicated(await leaderBytes(4)), { leaderEpoch: 5, highWatermark: 2, logStartOffset: 0 })
  await lab.logs.writeHighWatermarks()
  lab.machine.kill()
  await lab.start()
  expect([(await follow()).highWatermark, lab.logs.get('t', 0)!.logEndOffset]).toEqual([2, 4])
})

test('a follower that asks from before does not take the high watermark back', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2], replicas: [1, 2] })
  await append(partition, 3)
  fetched(partition, lab, 2, 3)
  fetched(partition, lab, 2, 1)
  expect(partition.highWatermark).toBe(3)
})

test('a new leader waits for its followers before it knows the high watermark, and tells consumers no offset meanwhile', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.table.follow('t', 0, lab.leadership({ leader: 2 }), true)
  await partition.appendAsFollower(replicated(await leaderBytes(4)), { leaderEpoch: 5, highWatermark: 1, logStartOffset: 0 })
  await lab.lead({ leaderEpoch: 6, isr: [1, 2], replicas: [1, 2] })
  expect(partition.highWatermark).toBe(1)
  expect(await rejection(partition.offsetFor(-1, 'highWatermark'))).toBe('OFFSET_NOT_AVAILABLE')
  expect(await partition.offsetFor(-1, 'logEnd')).toMatchObject({ offset: 4 })
  expect(await partition.offsetFor(-2, 'highWatermark')).toMatchObject({ offset: 0 })
  fetched(partition, lab, 2, 4)
  expect(await partition.offsetFor(-1, 'highWatermark')).toMatchObject({ offset: 4, leaderEpoch: 6 })
})

test('a broker that is no replica changes nothing', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2], replicas: [1, 2] })
  await append(partition)
  expect(fetched(partition, lab, 3, 1)).toBe(false)
  expect(fetched(partition, lab, 99, 1)).toBe(false)
  expect([partition.highWatermark, lab.store.asked.length, [...partition.followerStates()].map(({ brokerId }) => brokerId)]).toEqual([
    0,
    0,
    [2],
  ])
})

test('a follower that fetches nothing for the lag time leaves the in-sync set, once it is written', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await append(partition, 2)
  fetched(partition, lab, 2, 2)
  await lab.clock.advance(LAG_MS)
  partition.checkFollowers()
  expect(lab.store.asked).toEqual([])
  fetched(partition, lab, 2, 2)
  await lab.clock.advance(1)
  partition.checkFollowers()
  expect(lab.store.asked.map(({ change }) => change)).toEqual([{ isr: [1, 2], leaderEpoch: 5, controllerEpoch: 1, zkVersion: 7 }])
  expect([partition.isr, partition.highWatermark]).toEqual([[1, 2, 3], 0])
  await lab.store.carryOut()
  expect([partition.isr, partition.highWatermark, partition.leadership!.zkVersion]).toEqual([[1, 2], 2, 8])
  expect([lab.table.isrChanges, lab.isrChanges]).toEqual([{ shrink: 1, expand: 0, failed: 0 }, [{ topic: 't', partition: 0 }]])
})

test('a follower that is at the leader\u2019s end stays in sync, however long ago it fetched', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  fetched(partition, lab, 2, 0)
  fetched(partition, lab, 3, 0)
  await lab.clock.advance(LAG_MS * 3)
  partition.checkFollowers()
  expect(lab.store.asked).toEqual([])
})

test('a follower that is always one append behind is in sync, one that falls behind more and more is not', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  for (let round = 0; round < 10; round++) {
    await append(partition, 10)
    // 2 asks from where the leader ended at its fetch before, 3 gets half of what comes.
    fetched(partition, lab, 2, round * 10)
    fetched(partition, lab, 3, round * 5)
    await lab.clock.advance(LAG_MS / 4)
    partition.checkFollowers()
    if (lab.store.asked.length > 0) await lab.store.carryOut()
  }
  expect(partition.isr).toEqual([1, 2])
})

test('nobody leaves the in-sync set while ZooKeeper cannot be reached', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await append(partition)
  lab.store.isReachable = false
  await lab.clock.advance(LAG_MS * 4)
  partition.checkFollowers()
  expect([lab.store.asked.length, partition.isr, partition.highWatermark]).toEqual([0, [1, 2, 3], 0])
  lab.store.isReachable = true
  partition.checkFollowers()
  expect(lab.store.asked[0]!.change.isr).toEqual([1])
})

test('nor comes anybody in, so that a follower that dies meanwhile holds nobody up', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2] })
  lab.store.isReachable = false
  fetched(partition, lab, 3, 0)
  expect(lab.store.asked).toEqual([])
  await append(partition)
  await lab.clock.advance(LAG_MS + 1)
  fetched(partition, lab, 2, 1)
  expect(partition.highWatermark).toBe(1)
})

test('a follower comes into the in-sync set when it has the high watermark and the start of the epoch', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2] })
  await append(partition, 4)
  fetched(partition, lab, 2, 4)
  expect(partition.highWatermark).toBe(4)
  fetched(partition, lab, 3, 3)
  expect(lab.store.asked).toEqual([])
  fetched(partition, lab, 3, 4)
  expect(lab.store.asked[0]!.change.isr).toEqual([1, 2, 3])
  // It may already be elected, so the high watermark waits for it from now on.
  await append(partition)
  fetched(partition, lab, 2, 5)
  expect(partition.highWatermark).toBe(4)
  await lab.store.carryOut()
  expect([partition.isr, partition.highWatermark]).toEqual([[1, 2, 3], 4])
})

test('a follower with the high watermark but not all of the time before this epoch stays out', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.table.follow('t', 0, lab.leadership({ leader: 2 }), true)
  await partition.appendAsFollower(replicated(await leaderBytes(4)), { leaderEpoch: 5, highWatermark: 1, logStartOffset: 0 })
  await lab.lead({ leaderEpoch: 6, isr: [1, 2] })
  fetched(partition, lab, 3, 2)
  expect(lab.store.asked).toEqual([])
  fetched(partition, lab, 3, 4)
  expect(lab.store.asked[0]!.change.isr).toEqual([1, 2, 3])
})

test('a broker that is not in the cluster does not come into the in-sync set', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2] })
  lab.alive.delete(3)
  fetched(partition, lab, 3, 0)
  expect(lab.store.asked).toEqual([])
  lab.alive.add(3)
  fetched(partition, lab, 3, 0)
  expect(lab.store.asked.length).toBe(1)
})

test('where another has written, the set stays, and the follower gets in later all the same', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2] })
  const ours = lab.store.stored!
  lab.store.stored = { ...ours, leader: 2, leaderEpoch: 6, zkVersion: 8 }
  fetched(partition, lab, 3, 0)
  await lab.store.carryOut()
  expect([partition.isr, lab.table.isrChanges.failed]).toEqual([[1, 2], 1])
  fetched(partition, lab, 3, 0)
  expect(lab.store.asked).toEqual([])
  await lab.clock.advance(1000)
  fetched(partition, lab, 3, 0)
  expect(lab.store.asked.length).toBe(1)
  await lab.store.carryOut()
  expect(partition.isr).toEqual([1, 2])
  // The controller has said nothing, but what stands there is this leader's epoch: its set and version hold.
  lab.store.stored = { ...ours, isr: [1], zkVersion: 9 }
  await lab.clock.advance(1000)
  fetched(partition, lab, 3, 0)
  await lab.store.carryOut()
  expect([partition.isr, partition.leadership!.zkVersion]).toEqual([[1], 9])
  await lab.clock.advance(1000)
  fetched(partition, lab, 3, 0)
  await lab.store.carryOut()
  expect(partition.isr).toEqual([1, 3])
})

test('a set whose fate is unknown goes on to count until the controller speaks', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1], replicas: [1, 2] })
  await append(partition)
  fetched(partition, lab, 2, 1)
  await lab.store.lose()
  await append(partition, 1, 1)
  await lab.clock.advance(LAG_MS * 2)
  partition.checkFollowers()
  expect(partition.highWatermark).toBe(1)
  await lab.lead({ leaderEpoch: 6, isr: [1], replicas: [1, 2] })
  expect(partition.highWatermark).toBe(2)
})

test('what was asked in an epoch that is over changes nothing', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2] })
  fetched(partition, lab, 3, 0)
  await lab.lead({ leaderEpoch: 6, isr: [1, 2], zkVersion: 11 })
  lab.store.asked[0]!.resolve({ zkVersion: 8 })
  await settle()
  expect([partition.isr, partition.leadership!.zkVersion]).toEqual([[1, 2], 11])
})

test('min.insync.replicas is asked for before the append and after it', async () => {
  const lab = await ReplicaLab.open({ minInsyncReplicas: 2 })
  const partition = await lab.lead({ isr: [1, 2], replicas: [1, 2] })
  await append(partition)
  expect([partition.isAtMinIsr, partition.isUnderMinIsr, partition.isUnderReplicated]).toEqual([true, false, false])
  const done = rejection(partition.replicated(1))
  await lab.clock.advance(LAG_MS + 1)
  partition.checkFollowers()
  await lab.store.carryOut()
  expect(await done).toBe('NOT_ENOUGH_REPLICAS_AFTER_APPEND')
  expect(errorOf(() => append(partition))).toBe('NOT_ENOUGH_REPLICAS')
  expect(errorOf(() => append(partition, 1, 1))).toBe('NONE')
  expect([partition.isUnderMinIsr, partition.isUnderReplicated]).toEqual([true, true])
})

test('who waits for replicas is told when this broker no longer leads', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await append(partition)
  const waits = rejection(partition.replicated(1))
  await lab.table.follow('t', 0, lab.leadership({ leader: 2, leaderEpoch: 6 }), false)
  expect(await waits).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(errorOf(() => append(partition))).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(errorOf(() => fetched(partition, lab, 3, 0))).toBe('NOT_LEADER_OR_FOLLOWER')
})

test('what was appended in an earlier term is not taken for replicated, though the log reaches as far with the records of others', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  const { term } = partition
  await append(partition)
  await lab.table.follow('t', 0, lab.leadership({ leader: 2, leaderEpoch: 6 }), false)
  await partition.truncateAsFollower(0, 6)
  await partition.appendAsFollower(replicated(await leaderBytes(4)), { leaderEpoch: 6, highWatermark: 4, logStartOffset: 0 })
  for (const isLeaderAgain of [false, true]) {
    if (isLeaderAgain) await lab.lead({ leaderEpoch: 7 })
    expect([partition.isReplicated(1, term), partition.isReplicated(1)]).toEqual([false, true])
    expect(await rejection(partition.replicated(1, term))).toBe('NOT_LEADER_OR_FOLLOWER')
  }
})

test('a new epoch of the same leader does not end its term', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  const { term } = partition
  await append(partition)
  const done = partition.replicated(1, term)
  await lab.lead({ leaderEpoch: 7 })
  for (const id of [2, 3]) fetched(partition, lab, id, 1)
  await done
  expect(partition.isReplicated(1, term)).toBe(true)
})

test('records are deleted when all live replicas have deleted them', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await append(partition, 5)
  for (const id of [2, 3]) fetched(partition, lab, id, 5)
  const before = partition.deleteRecordsBefore(-1)
  const done = partition.deleted(before)
  expect([before, partition.log.logStartOffset, partition.lowWatermark]).toEqual([5, 5, 0])
  fetched(partition, lab, 2, 5, 5)
  expect(partition.lowWatermark).toBe(0)
  lab.alive.delete(3)
  partition.checkFollowers()
  expect(await done).toBe(5)
})

test('a follower takes records, high watermark and start from the leader of its epoch only', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.table.follow('t', 0, lab.leadership({ leader: 2 }), true)
  const bytes = await leaderBytes(4)
  await partition.appendAsFollower(replicated(bytes), { leaderEpoch: 5, highWatermark: 9, logStartOffset: 2 })
  expect([partition.log.logEndOffset, partition.highWatermark, partition.log.logStartOffset]).toEqual([4, 4, 2])
  const stale = { leaderEpoch: 4, highWatermark: 4, logStartOffset: 0 }
  expect(errorOf(() => partition.appendAsFollower(Buffer.alloc(0), stale))).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await rejection(partition.truncateAsFollower(0, 4))).toBe('NOT_LEADER_OR_FOLLOWER')
  expect(await rejection(partition.startOverAsFollower(0, 4))).toBe('NOT_LEADER_OR_FOLLOWER')
  await partition.truncateAsFollower(3, 5)
  expect(partition.log.logEndOffset).toBeLessThan(4)
  await partition.startOverAsFollower(8, 5)
  expect([partition.log.logStartOffset, partition.log.logEndOffset, partition.highWatermark]).toEqual([8, 8, 8])
  await lab.lead({ leaderEpoch: 6 })
  const mine = { leaderEpoch: 6, highWatermark: 8, logStartOffset: 8 }
  expect(errorOf(() => partition.appendAsFollower(Buffer.alloc(0), mine))).toBe('NOT_LEADER_OR_FOLLOWER')
})

test('replicas that a reassignment adds are not missed', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ replicas: [1, 2, 3, 4], addingReplicas: [4], isr: [1, 2, 3] })
  expect([partition.isUnderReplicated, partition.isReassigning, partition.isAddingReplica(4)]).toEqual([false, true, true])
})

/** `count` records as a leader of epoch 5 stores them. */
const leaderBytes = async (count: number): Promise<Buffer> => {
  const other = await ReplicaLab.open({}, 2)
  const partition = await other.lead({ isr: [2], replicas: [2] })
  for (let record = 0; record < count; record++) await append(partition)
  return (await partition.log.read(0, { maxBytes: 1_000_000, upTo: 'logEnd', minOneBatch: true })).records
}
const replicated = (bytes: Buffer): Buffer => Buffer.from(bytes)
