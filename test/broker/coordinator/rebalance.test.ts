import { expect, test } from 'vitest'
import { isPending, Lab, protocol } from './support/lab.ts'

const DAY_MS = 86_400_000

test('a new member gets an id first and joins with it', async () => {
  const lab = await Lab.start()
  const first = await lab.join({ requiresKnownMemberId: true, clientId: 'app' })
  expect(first).toMatchObject({ error: 'MEMBER_ID_REQUIRED', memberId: 'app-1', generationId: -1 })
  const second = lab.join({ requiresKnownMemberId: true, memberId: first.memberId })
  await lab.clock.advance(3000)
  expect(await second).toMatchObject({ error: 'NONE', memberId: 'app-1', generationId: 1, leader: 'app-1', protocolName: 'range' })
})

test('an id that nobody uses is forgotten after the session time-out', async () => {
  const lab = await Lab.start()
  const { memberId } = await lab.join({ requiresKnownMemberId: true, sessionTimeoutMs: 6000 })
  await lab.clock.advance(6000)
  expect(await lab.join({ memberId })).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
  expect(lab.clock.timers).toBe(1)
})

test('a promised id holds up a rebalance until it is used or forgotten', async () => {
  const lab = await Lab.start()
  const [leader] = await lab.stable()
  await lab.join({ requiresKnownMemberId: true, sessionTimeoutMs: 6000 })
  const again = lab.join({ memberId: leader!.memberId })
  expect(await isPending(again)).toBe(true)
  await lab.clock.advance(6000)
  expect(await again).toMatchObject({ error: 'NONE', generationId: 2 })
})

test('the first rebalance waits for more members, each time for its delay, at most for the rebalance time-out', async () => {
  const lab = await Lab.start()
  const first = lab.join({ rebalanceTimeoutMs: 7000 })
  await lab.clock.advance(2000)
  const second = lab.join({ rebalanceTimeoutMs: 7000 })
  await lab.clock.advance(3999)
  expect(await isPending(first)).toBe(true)
  const third = lab.join({ rebalanceTimeoutMs: 7000 })
  await lab.clock.advance(1)
  expect(await isPending(first)).toBe(true)
  await lab.clock.advance(1000)
  const all = await Promise.all([first, second, third])
  expect(all.map(({ generationId, leader }) => [generationId, leader])).toEqual([
    [1, 'c-1'],
    [1, 'c-1'],
    [1, 'c-1'],
  ])
})

test('the leader gets all members, the others none; everyone gets the assignment when the leader has brought it', async () => {
  const lab = await Lab.start()
  const joining = [lab.join(), lab.join({ protocols: [protocol('range', ['u'])] })]
  await lab.clock.advance(6000)
  const [leader, follower] = await Promise.all(joining)
  expect(leader!.members.map(({ memberId, metadata }) => [memberId, metadata])).toEqual([
    ['c-1', protocol('range', ['t']).metadata],
    ['c-2', protocol('range', ['u']).metadata],
  ])
  expect(follower!.members).toEqual([])
  expect(lab.group().membership.describe()).toMatchObject({ state: 'CompletingRebalance', protocol: '', protocolType: 'consumer' })

  const waiting = lab.sync(follower!)
  expect(await isPending(waiting)).toBe(true)
  expect(await lab.sync(leader!, { 'c-1': 'one' })).toMatchObject({ error: 'NONE', protocolName: 'range', assignment: Buffer.from('one') })
  expect(await waiting).toMatchObject({ error: 'NONE', assignment: Buffer.alloc(0) })
  expect(lab.group().membership.describe()).toMatchObject({ state: 'Stable', protocol: 'range' })
  expect(await lab.sync(leader!)).toMatchObject({ error: 'NONE', assignment: Buffer.from('one') })
})

test('an assignment is not given out before it is replicated', async () => {
  const lab = await Lab.start()
  const joining = lab.join()
  await lab.clock.advance(3000)
  const joined = await joining
  lab.log('g').holds = true
  const syncing = lab.sync(joined, { 'c-1': 'work' })
  expect(await isPending(syncing)).toBe(true)
  expect(lab.group().membership.state).toBe('CompletingRebalance')
  lab.log('g').replicate()
  expect(await syncing).toMatchObject({ error: 'NONE', assignment: Buffer.from('work') })
})

test('an assignment that cannot be stored makes the members join again', async () => {
  const lab = await Lab.start({ 'offsets.commit.timeout.ms': '1000' })
  const joining = lab.join()
  await lab.clock.advance(3000)
  lab.log('g').holds = true
  const syncing = lab.sync(await joining, {})
  await lab.clock.advance(1000)
  expect(await syncing).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
  expect(lab.group().membership.state).toBe('PreparingRebalance')
})

test('a member that is not heard of is out; the others are told to join again', async () => {
  const lab = await Lab.start()
  const [leader, follower] = await lab.stable([{}, { sessionTimeoutMs: 20_000 }])
  await lab.clock.advance(9999)
  expect(lab.heartbeat(leader!)).toBe('NONE')
  await lab.clock.advance(9999)
  expect(lab.heartbeat(leader!)).toBe('NONE')
  await lab.clock.advance(2)
  expect(lab.heartbeat(follower!)).toBe('UNKNOWN_MEMBER_ID')
  expect(lab.heartbeat(leader!)).toBe('REBALANCE_IN_PROGRESS')
})

test('a jump of the wall clock by a day expires no member', async () => {
  const lab = await Lab.start()
  const [member] = await lab.stable()
  lab.wall.ms += DAY_MS
  await lab.clock.advance(9999)
  expect(lab.heartbeat(member!)).toBe('NONE')
  lab.wall.ms -= 2 * DAY_MS
  await lab.clock.advance(9999)
  expect(lab.heartbeat(member!)).toBe('NONE')
})

test('after a standstill of this process a member that was late but is heard first stays', async () => {
  const lab = await Lab.start()
  const [member] = await lab.stable()
  await lab.clock.advance(5000)
  expect(lab.heartbeat(member!)).toBe('NONE')
  await lab.clock.advance(9000)
  expect(lab.heartbeat(member!)).toBe('NONE')
})

test('a new member that waits to join stays however long its session is, for five minutes', async () => {
  const lab = await Lab.start()
  await lab.stable([{ sessionTimeoutMs: 1_000_000, rebalanceTimeoutMs: 2_000_000 }])
  const waiting = lab.join({ sessionTimeoutMs: 6000 })
  await lab.clock.advance(299_999)
  expect(await isPending(waiting)).toBe(true)
  await lab.clock.advance(1)
  expect(await waiting).toMatchObject({ error: 'UNKNOWN_MEMBER_ID', memberId: '' })
})

test('members that do not join again in time are out, and one that did becomes leader', async () => {
  const lab = await Lab.start()
  const [leader, follower] = await lab.stable([{ sessionTimeoutMs: 100_000 }, { sessionTimeoutMs: 100_000 }])
  const again = lab.join({ memberId: follower!.memberId, protocols: [protocol('range', ['other'])] })
  await lab.clock.advance(59_999)
  expect(await isPending(again)).toBe(true)
  await lab.clock.advance(1)
  expect(await again).toMatchObject({ error: 'NONE', generationId: 2, leader: follower!.memberId })
  expect(lab.heartbeat(leader!)).toBe('UNKNOWN_MEMBER_ID')
})

test('joining again with the same words changes nothing, except for the leader', async () => {
  const lab = await Lab.start()
  const [leader, follower] = await lab.stable([{}, {}])
  expect(await lab.join({ memberId: follower!.memberId })).toMatchObject({ error: 'NONE', generationId: 1, members: [] })
  expect(lab.group().membership.state).toBe('Stable')
  void lab.join({ memberId: leader!.memberId })
  expect(lab.group().membership.state).toBe('PreparingRebalance')
})

test('a member that asks twice gets the same answer twice', async () => {
  const lab = await Lab.start()
  const [leader] = await lab.stable([{}, {}])
  const twice = [lab.join({ memberId: leader!.memberId }), lab.join({ memberId: leader!.memberId })]
  await lab.clock.advance(60_000)
  const [one, other] = await Promise.all(twice)
  expect(one).toEqual(other)
  expect(one).toMatchObject({ error: 'NONE', generationId: 2 })
})

test('a join while the leader assigns fails the syncs that wait', async () => {
  const lab = await Lab.start()
  const joining = [lab.join(), lab.join()]
  await lab.clock.advance(6000)
  const [, follower] = await Promise.all(joining)
  const waiting = lab.sync(follower!)
  void lab.join({ clientId: 'third' })
  expect(await waiting).toMatchObject({ error: 'REBALANCE_IN_PROGRESS' })
})

test('the protocol that all support and most prefer is chosen', async () => {
  const lab = await Lab.start()
  const named = (...names: string[]) => ({ protocols: names.map((name) => protocol(name, ['t'])) })
  const [member] = await lab.stable([named('a', 'b', 'c'), named('x', 'c', 'b'), named('c', 'b')])
  expect(member!.protocolName).toBe('c')
  expect(await lab.join(named('a'))).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
  expect(await lab.join({ ...named('b'), protocolType: 'connect' })).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
})

test.each([
  ['no protocol', { protocols: [] }],
  ['no protocol type', { protocolType: '' }],
])('an empty group refuses a member with %s', async (_name, request) => {
  const lab = await Lab.start()
  expect(await lab.join(request)).toMatchObject({ error: 'INCONSISTENT_GROUP_PROTOCOL' })
})

test('a sync with another protocol than the chosen one is refused', async () => {
  const lab = await Lab.start()
  const [member] = await lab.stable()
  const ask = (protocolType: string | null, protocolName: string | null) => () =>
    lab.group().membership.sync({ ...member!, groupInstanceId: null, protocolType, protocolName, assignments: new Map() })
  expect(ask('connect', 'range')).toThrow(expect.objectContaining({ error: 'INCONSISTENT_GROUP_PROTOCOL' }))
  expect(ask('consumer', 'sticky')).toThrow(expect.objectContaining({ error: 'INCONSISTENT_GROUP_PROTOCOL' }))
  expect(ask('consumer', 'range')()).toMatchObject({ error: 'NONE' })
})

test('a full group takes nobody else, but lets its members join again', async () => {
  const lab = await Lab.start({ 'group.max.size': '2' })
  const [leader, follower] = await lab.stable([{}, {}])
  expect(await lab.join()).toMatchObject({ error: 'GROUP_MAX_SIZE_REACHED', memberId: '' })
  const again = [lab.join({ memberId: leader!.memberId }), lab.join({ memberId: follower!.memberId })]
  expect((await Promise.all(again)).map(({ error }) => error)).toEqual(['NONE', 'NONE'])
})

test('members leave one by one or together; the last leaves an empty group, which is stored', async () => {
  const lab = await Lab.start()
  const [a, b, c] = await lab.stable([{}, {}, { groupInstanceId: 'i' }])
  const leave = (...leavers: [string, string | null][]) =>
    lab.group().membership.leave(leavers.map(([memberId, groupInstanceId]) => ({ memberId, groupInstanceId })))
  expect(leave([a!.memberId, null], ['nobody', null], ['wrong', 'i'])).toEqual(['NONE', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'])
  expect(leave([b!.memberId, null], ['', 'i'])).toEqual(['NONE', 'NONE'])
  expect(lab.heartbeat(c!)).toBe('UNKNOWN_MEMBER_ID')
  expect(lab.group().membership.describe()).toEqual({ state: 'Empty', protocolType: 'consumer', protocol: '', members: [] })
  await lab.clock.advance(0)
  expect(lab.group().image.stored).toMatchObject({ generation: 2, members: [], protocolType: 'consumer', protocol: null, leader: null })
})

test('a static member that starts again takes its place without a rebalance, and its former life is fenced', async () => {
  const lab = await Lab.start()
  const [leader, follower] = await lab.stable([{ groupInstanceId: 'one' }, { groupInstanceId: 'two' }])
  const again = await lab.join({ groupInstanceId: 'one' })
  expect(again).toMatchObject({ error: 'NONE', memberId: 'one-3', generationId: 1, leader: leader!.memberId, members: [] })
  expect(await lab.sync(again)).toMatchObject({ assignment: Buffer.from(`${leader!.memberId} works`) })
  expect(() => lab.group().membership.heartbeat({ ...leader!, groupInstanceId: 'one' })).toThrow(
    expect.objectContaining({ error: 'FENCED_INSTANCE_ID' }),
  )
  expect(lab.heartbeat(follower!)).toBe('NONE')
  expect(lab.group().image.stored).toMatchObject({ leader: 'one-3', members: [{ memberId: 'two-2' }, { memberId: 'one-3' }] })
})

test('a static member that starts again where nothing can be stored keeps its former id', async () => {
  const lab = await Lab.start({ 'offsets.commit.timeout.ms': '1000' })
  const [leader] = await lab.stable([{ groupInstanceId: 'one' }])
  lab.log('g').holds = true
  const again = lab.join({ groupInstanceId: 'one' })
  await lab.clock.advance(1000)
  expect(await again).toMatchObject({ error: 'REBALANCE_IN_PROGRESS', memberId: '' })
  expect(lab.heartbeat(leader!)).toBe('NONE')
})

test('a static member that starts again with other protocols makes the group rebalance', async () => {
  const lab = await Lab.start()
  await lab.stable([{ groupInstanceId: 'one', protocols: [protocol('a', ['t']), protocol('b', ['t'])] }])
  const again = await lab.join({ groupInstanceId: 'one', protocols: [protocol('b', ['t']), protocol('a', ['t'])] })
  expect(again).toMatchObject({ error: 'NONE', generationId: 2, protocolName: 'b' })
})

test('a static member keeps its place while it is away, until its session ends', async () => {
  const lab = await Lab.start()
  const [, away] = await lab.stable([{ sessionTimeoutMs: 1_000_000 }, { groupInstanceId: 'i', sessionTimeoutMs: 100_000 }])
  const [one] = lab.group().membership.describe().members
  const again = lab.join({ memberId: one!.memberId, protocols: [protocol('range', ['new'])] })
  await lab.clock.advance(60_000)
  expect((await again).members.map(({ memberId }) => memberId)).toEqual([one!.memberId, away!.memberId])
})

test('a new static member does not need an id first', async () => {
  const lab = await Lab.start()
  const joining = lab.join({ groupInstanceId: 'i', memberId: '' })
  await lab.clock.advance(3000)
  expect(await joining).toMatchObject({ error: 'NONE', memberId: 'i-1' })
  expect(await lab.join({ groupInstanceId: 'i', memberId: 'other' })).toMatchObject({ error: 'FENCED_INSTANCE_ID' })
  expect(await lab.join({ groupInstanceId: 'unknown', memberId: 'i-1' })).toMatchObject({ error: 'UNKNOWN_MEMBER_ID' })
})

test('no timer is left when the coordinator closes', async () => {
  const lab = await Lab.start()
  await lab.stable([{}, {}])
  const waiting = lab.join()
  lab.groups.close()
  expect(await waiting).toMatchObject({ error: 'COORDINATOR_NOT_AVAILABLE' })
  expect(lab.clock.timers).toBe(0)
})
