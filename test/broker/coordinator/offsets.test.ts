import { describe, expect, test } from 'vitest'
import type { ErrorName } from '../../../src/protocol/errors.ts'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { buildBatch } from '../../../src/protocol/records/build-batch.ts'
import { buildMarker } from '../../../src/protocol/records/control-record.ts'
import { newRecordOf } from '../../../src/broker/coordinator/group-records.ts'
import { partitionOfGroup } from '../../../src/broker/coordinator/offsets-topic.ts'
import { settle } from '../../support/manual-clock.ts'
import { errorOf, isPending, Lab, PARTITIONS, protocol } from './support/lab.ts'

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS

test('groups are where Apache looks for them', () => {
  expect(['group', 'console-consumer-12345', 'größe', ''].map((id) => partitionOfGroup(id, 50))).toEqual([47, 6, 7, 0])
  // Its hash is the smallest integer, whose absolute value is itself in Java.
  expect(partitionOfGroup('polygenelubricants', 50)).toBe(0)
})

test('a commit answers and shows when it is replicated, not before', async () => {
  const lab = await Lab.start()
  await lab.commit({ 0: 5 })
  lab.log('g').holds = true
  const committing = lab.commit({ 0: 7, 1: 8 })
  expect(await isPending(committing)).toBe(true)
  expect([lab.offset(0), lab.offset(1)]).toEqual([5, undefined])
  expect(lab.group().hasPendingCommit('t', 0)).toBe(true)
  lab.log('g').replicate()
  expect(await committing).toEqual(['NONE', 'NONE'])
  expect([lab.offset(0), lab.offset(1)]).toEqual([7, 8])
  expect(lab.group().hasPendingCommit('t', 0)).toBe(false)
})

test('a commit that is replicated too late is answered in time and shows when it is', async () => {
  const lab = await Lab.start({ 'offsets.commit.timeout.ms': '1000' })
  lab.log('g').holds = true
  const committing = lab.commit({ 0: 7 })
  await lab.clock.advance(1000)
  expect(await committing).toEqual(['REQUEST_TIMED_OUT'])
  expect(lab.offset(0)).toBeUndefined()
  lab.log('g').replicate()
  await settle()
  expect(lab.offset(0)).toBe(7)
})

test('records take effect in the order of the log, also around one that could not be appended', async () => {
  const lab = await Lab.start()
  const log = lab.log('g')
  log.holds = true
  const first = lab.commit({ 0: 1 })
  log.fail('append', new KafkaError('KAFKA_STORAGE_ERROR'))
  expect(await lab.commit({ 0: 2 })).toEqual(['NOT_COORDINATOR'])
  log.holds = false
  expect(await Promise.all([lab.commit({ 0: 3 }), first])).toEqual([['NONE'], ['NONE']])
  expect(lab.offset(0)).toBe(3)
})

test.each<['append' | 'replicated', ErrorName, ErrorName]>([
  ['append', 'NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE'],
  ['replicated', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE'],
  ['append', 'NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR'],
  ['append', 'KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR'],
  ['append', 'MESSAGE_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE'],
  ['append', 'RECORD_LIST_TOO_LARGE', 'INVALID_COMMIT_OFFSET_SIZE'],
  ['append', 'UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE'],
])('when %s fails with %s a commit fails with %s', async (where, error, answer) => {
  const lab = await Lab.start()
  lab.log('g').fail(where, new KafkaError(error))
  expect(await lab.commit({ 0: 7 })).toEqual([answer])
  expect(lab.group().hasPendingCommit('t', 0)).toBe(false)
  expect(await lab.commit({ 0: 8 })).toEqual(['NONE'])
})

test('a text that is too long is refused for its partition alone', async () => {
  const lab = await Lab.start()
  expect(await lab.commit({ 0: 1 }, { value: { metadata: 'x'.repeat(11) } })).toEqual(['OFFSET_METADATA_TOO_LARGE'])
  expect(await lab.commit({ 0: 1 }, { value: { metadata: 'x'.repeat(10) } })).toEqual(['NONE'])
})

describe('who may commit', () => {
  test('a client without generation, while the group has no members', async () => {
    const lab = await Lab.start()
    expect(await lab.commit({ 0: 1 })).toEqual(['NONE'])
    await lab.stable()
    expect(await lab.commit({ 0: 2 })).toEqual(['UNKNOWN_MEMBER_ID'])
  })

  test('a member of this generation, unless the leader is assigning', async () => {
    const lab = await Lab.start()
    const joining = lab.join()
    await lab.clock.advance(3000)
    const member = await joining
    expect(await lab.commit({ 0: 1 }, { by: member })).toEqual(['REBALANCE_IN_PROGRESS'])
    await lab.sync(member)
    expect(await lab.commit({ 0: 1 }, { by: member })).toEqual(['NONE'])
    expect(await lab.commit({ 0: 1 }, { by: { ...member, generationId: 0 } })).toEqual(['ILLEGAL_GENERATION'])
    expect(await lab.commit({ 0: 1 }, { by: { ...member, memberId: 'other' } })).toEqual(['UNKNOWN_MEMBER_ID'])
    void lab.join()
    expect(await lab.commit({ 0: 2 }, { by: member })).toEqual(['NONE'])
  })

  test('nobody with a generation of a group that does not exist', async () => {
    const lab = await Lab.start()
    expect(await lab.commit({ 0: 1 }, { by: { memberId: 'm', generationId: 1 } as never })).toEqual(['ILLEGAL_GENERATION'])
    expect(lab.groups.find('g')).toBeUndefined()
  })

  test('a commit keeps its member alive', async () => {
    const lab = await Lab.start()
    const [member] = await lab.stable()
    await lab.clock.advance(9000)
    await lab.commit({ 0: 1 }, { by: member! })
    await lab.clock.advance(9000)
    expect(lab.heartbeat(member!)).toBe('NONE')
  })
})

describe('old offsets', () => {
  const properties = { 'offsets.retention.minutes': '60', 'offsets.retention.check.interval.ms': String(MINUTE_MS) }

  test('a group without members loses an offset an hour after its commit', async () => {
    const lab = await Lab.start(properties)
    await lab.commit({ 0: 1 })
    await lab.pass(30 * MINUTE_MS)
    await lab.commit({ 1: 1 })
    await lab.pass(29 * MINUTE_MS)
    expect(lab.offset(0)).toBe(1)
    await lab.pass(MINUTE_MS)
    expect([lab.offset(0), lab.offset(1)]).toEqual([undefined, 1])
    await lab.pass(31 * MINUTE_MS)
    expect(lab.groups.list()).toEqual([])
    expect(
      lab
        .log('g')
        .records()
        .map(({ record }) => [record.type, record.value === null]),
    ).toEqual([
      ['offset', false],
      ['offset', false],
      ['offset', true],
      ['offset', true],
    ])
  })

  test('a group that was left loses them an hour after that, and is gone', async () => {
    const lab = await Lab.start(properties)
    const [member] = await lab.stable([{ sessionTimeoutMs: 1_800_000 }])
    await lab.commit({ 0: 1 }, { by: member! })
    for (let at = 0; at < 5; at++) {
      await lab.pass(20 * MINUTE_MS)
      expect(lab.heartbeat(member!)).toBe('NONE')
    }
    expect(lab.offset(0)).toBe(1)
    lab.group().membership.leave([{ memberId: member!.memberId, groupInstanceId: null }])
    await lab.pass(59 * MINUTE_MS)
    expect(lab.offset(0)).toBe(1)
    await lab.pass(2 * MINUTE_MS)
    expect(lab.groups.list()).toEqual([])
    const next = await Lab.start(properties, [...lab.logs])
    expect(next.groups.list()).toEqual([])
  })

  test('a stable consumer group loses those of topics that it reads no more', async () => {
    const lab = await Lab.start(properties)
    const [member] = await lab.stable([{ sessionTimeoutMs: 1_800_000, protocols: [protocol('range', ['t'])] }])
    await lab.commit({ 0: 1 }, { by: member! })
    await lab.commit({ 0: 1 }, { by: member!, topic: 'former' })
    for (let at = 0; at < 4; at++) {
      await lab.pass(20 * MINUTE_MS)
      lab.heartbeat(member!)
    }
    expect([lab.offset(0), lab.offset(0, 'g', 'former')]).toEqual([1, undefined])
  })

  test('a group that rebalances loses none', async () => {
    const lab = await Lab.start({ ...properties, 'group.initial.rebalance.delay.ms': '240000' })
    const [member] = await (async () => {
      const joining = lab.join()
      await lab.clock.advance(240_000)
      return [await joining]
    })()
    await lab.sync(member)
    await lab.commit({ 0: 1 }, { by: member })
    lab.group().membership.leave([{ memberId: member.memberId, groupInstanceId: null }])
    lab.wall.ms += DAY_MS
    void lab.join()
    await lab.pass(MINUTE_MS)
    expect(lab.group().membership.state).toBe('PreparingRebalance')
    expect(lab.offset(0)).toBe(1)
  })

  test('groups with members of other protocols keep theirs', async () => {
    const lab = await Lab.start(properties)
    const [member] = await lab.stable([{ protocolType: 'connect', sessionTimeoutMs: 1_800_000 }])
    await lab.commit({ 0: 1 }, { by: member! })
    lab.wall.ms += DAY_MS
    await lab.pass(MINUTE_MS)
    expect(lab.offset(0)).toBe(1)
  })

  test('a time that the client has set comes first', async () => {
    const lab = await Lab.start(properties)
    await lab.commit({ 0: 1 }, { value: { expireTimestamp: lab.wall.nowMs() + 5 * MINUTE_MS } })
    await lab.commit({ 1: 1 }, { value: { expireTimestamp: lab.wall.nowMs() + DAY_MS } })
    await lab.pass(5 * MINUTE_MS)
    expect([lab.offset(0), lab.offset(1)]).toEqual([undefined, 1])
    await lab.pass(2 * 60 * MINUTE_MS)
    expect(lab.offset(1)).toBe(1)
  })

  test('what cannot be deleted now is deleted at the next look', async () => {
    const lab = await Lab.start(properties)
    await lab.commit({ 0: 1 })
    lab.wall.ms += DAY_MS
    lab.log('g').fail('append', new KafkaError('KAFKA_STORAGE_ERROR'))
    await lab.pass(MINUTE_MS)
    expect(lab.offset(0)).toBe(1)
    await lab.pass(MINUTE_MS)
    expect(lab.groups.list()).toEqual([])
  })
})

test('offsets of deleted partitions go', async () => {
  const lab = await Lab.start()
  await lab.commit({ 0: 1, 1: 2 })
  await lab.groups.onPartitionsDeleted([{ topic: 't', partition: 0 }])
  expect([lab.offset(0), lab.offset(1)]).toEqual([undefined, 2])
})

describe('deleting a group', () => {
  test('an empty one goes with everything it has stored, commits under way included', async () => {
    const lab = await Lab.start()
    const [member] = await lab.stable()
    await lab.commit({ 0: 1 }, { by: member! })
    await expect(lab.groups.delete('g')).rejects.toMatchObject({ error: 'NON_EMPTY_GROUP' })
    lab.group().membership.leave([{ memberId: member!.memberId, groupInstanceId: null }])
    lab.log('g').holds = true
    const committing = lab.commit({ 5: 1 })
    const deleting = lab.groups.delete('g')
    expect(await lab.commit({ 6: 1 })).toEqual(['COORDINATOR_NOT_AVAILABLE'])
    lab.log('g').replicate()
    await settle()
    lab.log('g').replicate()
    expect(await committing).toEqual(['NONE'])
    await deleting
    await expect(lab.groups.delete('g')).rejects.toMatchObject({ error: 'GROUP_ID_NOT_FOUND' })
    lab.log('g').replicate()
    const next = await Lab.start({}, [...lab.logs])
    expect(next.groups.list()).toEqual([])
  })

  test('one whose end cannot be stored stays', async () => {
    const lab = await Lab.start()
    await lab.commit({ 0: 1 })
    lab.log('g').fail('append', new KafkaError('NOT_ENOUGH_REPLICAS'))
    await expect(lab.groups.delete('g')).rejects.toMatchObject({ error: 'NOT_ENOUGH_REPLICAS' })
    expect(await lab.commit({ 0: 2 })).toEqual(['NONE'])
  })
})

describe('leading a partition', () => {
  test('its groups are loading until they are there, and gone when another broker leads', async () => {
    const lab = new Lab()
    expect(errorOf(() => lab.groups.find('g'))).toBe('NOT_COORDINATOR')
    lab.groups.onLeadership(partitionOfGroup('g', PARTITIONS))
    expect(errorOf(() => lab.groups.find('g'))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    await lab.groups.loaded
    expect(lab.groups.isLoading).toBe(false)
    const [member, follower] = await lab.stable([{}, {}])
    const joining = lab.join({ memberId: member!.memberId })
    lab.groups.onResignation(partitionOfGroup('g', PARTITIONS))
    expect(await joining).toMatchObject({ error: 'NOT_COORDINATOR', memberId: member!.memberId })
    expect(lab.heartbeat(follower!)).toBe('NOT_COORDINATOR')
    expect(lab.groups.list()).toEqual([])
    // What is left looks for old offsets.
    expect(lab.clock.timers).toBe(1)
  })

  test('members go on with the next leader, with a whole session time-out to be heard', async () => {
    const lab = await Lab.start()
    const [leader, follower] = await lab.stable([{ groupInstanceId: 'i' }, { clientId: 'b' }])
    await lab.commit({ 0: 5 }, { by: leader! })
    const next = await Lab.start({}, [...lab.logs])
    expect(next.group().membership.describe()).toEqual(lab.group().membership.describe())
    expect(next.offset(0)).toBe(5)
    await next.clock.advance(9999)
    expect(next.heartbeat(leader!)).toBe('NONE')
    await next.clock.advance(1)
    expect(next.heartbeat(follower!)).toBe('UNKNOWN_MEMBER_ID')
    expect(next.heartbeat(leader!)).toBe('REBALANCE_IN_PROGRESS')
  })

  test('what is not replicated does not show after loading either', async () => {
    const lab = await Lab.start()
    lab.log('g').holds = true
    void lab.commit({ 0: 5 })
    await settle()
    const next = new Lab({}, [...lab.logs])
    const loading = next.lead()
    expect(await isPending(loading)).toBe(true)
    expect(errorOf(() => next.offset(0))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    lab.log('g').replicate()
    await loading
    expect(next.offset(0)).toBe(5)
  })

  test('a log that cannot be read is read again when the controller names this broker anew', async () => {
    const lab = await Lab.start()
    await lab.commit({ 0: 5 })
    const next = new Lab({}, [...lab.logs])
    const { fetch } = lab.log('g')
    lab.log('g').fetch = () => Promise.reject(new KafkaError('KAFKA_STORAGE_ERROR'))
    await next.lead()
    expect(errorOf(() => next.groups.find('g'))).toBe('COORDINATOR_LOAD_IN_PROGRESS')
    lab.log('g').fetch = fetch
    await next.lead()
    expect(next.offset(0)).toBe(5)
  })

  test('a group larger than group.max.size rebalances at once', async () => {
    const lab = await Lab.start()
    const [leader] = await lab.stable([{}, {}])
    const next = await Lab.start({ 'group.max.size': '1' }, [...lab.logs])
    expect(next.heartbeat(leader!)).toBe('REBALANCE_IN_PROGRESS')
  })

  test('a log is read in pieces of offsets.load.buffer.size', async () => {
    const lab = await Lab.start()
    for (let offset = 0; offset < 50; offset++) await lab.commit({ [offset % 3]: offset })
    const next = await Lab.start({ 'offsets.load.buffer.size': '1' }, [...lab.logs])
    expect(next.images()).toEqual(lab.images())
  })

  test('offsets of a transaction count when it is committed', async () => {
    const lab = new Lab()
    const log = lab.log('g')
    const value = { leaderEpoch: -1, metadata: '', commitTimestamp: 1, expireTimestamp: -1 }
    const offsets = (partition: number, offset: number, producerId: number) =>
      buildBatch([newRecordOf({ type: 'offset', group: 'g', topic: 't', partition, value: { offset, ...value } }, 1)], {
        isTransactional: true,
        producerId,
        producerEpoch: 0,
        baseSequence: 0,
      })
    const marker = (type: 'commit' | 'abort', producerId: number) =>
      buildMarker({ type, coordinatorEpoch: 0 }, { timestamp: 1, producerId, producerEpoch: 0 })
    const all = [offsets(0, 10, 1), offsets(1, 11, 2), offsets(2, 12, 3), marker('commit', 1), marker('abort', 2)]
    for (const batch of all) void log.append(batch, { origin: 'coordinator', requiredAcks: -1 })
    await lab.lead()
    expect([lab.offset(0), lab.offset(1), lab.offset(2)]).toEqual([10, undefined, undefined])
  })
})
