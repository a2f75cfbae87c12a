import { expect, test } from 'vitest'
import type { FetchedPartition } from '../../../src/broker/fetch/frame.ts'
import { FetchSessions } from '../../../src/broker/fetch/sessions.ts'
import type { FetchBody, Wanted } from '../../../src/broker/fetch/wanted.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const TWO_MINUTES = 120_000

const asking = (partitions: readonly number[], more: Partial<FetchBody> = {}): FetchBody => ({
  replicaId: -1,
  maxWait: 0,
  minBytes: 1,
  maxBytes: 1000,
  isolationLevel: 0,
  sessionId: 0,
  epoch: 0,
  topics: [
    {
      name: 't',
      fetchPartitions: partitions.map((partitionIndex) => ({
        partitionIndex,
        currentLeaderEpoch: -1,
        fetchOffset: 0,
        logStartOffset: -1,
        maxBytes: 100,
      })),
    },
  ].filter(({ fetchPartitions }) => fetchPartitions.length > 0),
  forgotten: [],
  rackId: '',
  ...more,
})

const read = (wanted: Wanted, more: Partial<FetchedPartition> = {}): FetchedPartition => ({
  wanted,
  errorCode: 0,
  highWatermark: 5,
  lastStableOffset: 5,
  logStartOffset: 0,
  aborted: null,
  preferredReadReplica: -1,
  records: undefined,
  ...more,
})

const made = (options: { maxSessions?: number; maxPartitions?: number } = {}) => {
  const clock = new ManualClock()
  return { clock, sessions: new FetchSessions({ clock, maxSessions: 2, ...options }) }
}

/** One request, whose partitions all read as `more` says. */
const fetch = (sessions: FetchSessions, request: FetchBody, more: (index: number) => Partial<FetchedPartition> = () => ({})) => {
  const asked = sessions.open(request, request.replicaId >= 0)
  const { errorCode, sessionId, partitions } = asked.reply([...asked.wanted].map((wanted) => read(wanted, more(wanted.partitionIndex))))
  return { error: errorName(errorCode), sessionId, told: partitions.map(({ wanted }) => wanted.partitionIndex) }
}

test('a session tells only what is new', () => {
  const { sessions } = made()
  const { sessionId, told } = fetch(sessions, asking([0, 1, 2]))
  expect(told).toEqual([0, 1, 2])
  expect(sessionId).toBeGreaterThan(0)
  const step = (epoch: number, more?: (index: number) => Partial<FetchedPartition>) =>
    fetch(sessions, asking([], { sessionId, epoch }), more)
  expect(step(1)).toEqual({ error: 'NONE', sessionId, told: [] })
  expect(step(2, (index) => (index === 1 ? { highWatermark: 6 } : {})).told).toEqual([1])
  expect(step(3, (index) => (index === 1 ? { highWatermark: 6 } : {})).told).toEqual([])
  const hasNews = { 0: { logStartOffset: 1 }, 1: { highWatermark: 6 }, 2: { preferredReadReplica: 4 } } as Record<number, object>
  expect(step(4, (index) => hasNews[index]!).told).toEqual([0, 2])
})

test('an error is told each time, and so is the partition when it is over', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0, 1]))
  const failing = (index: number) => (index === 0 ? { errorCode: 6, highWatermark: -1 } : {})
  expect(fetch(sessions, asking([], { sessionId, epoch: 1 }), failing).told).toEqual([0])
  expect(fetch(sessions, asking([], { sessionId, epoch: 2 }), failing).told).toEqual([0])
  expect(fetch(sessions, asking([], { sessionId, epoch: 3 })).told).toEqual([0])
  expect(fetch(sessions, asking([], { sessionId, epoch: 4 })).told).toEqual([])
})

test('what a request names is answered, even if nothing is new: the last answer may not have been used', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0, 1]))
  expect(fetch(sessions, asking([1], { sessionId, epoch: 1 })).told).toEqual([1])
})

test('partitions that had something to tell come last the next time', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0, 1, 2]))
  fetch(sessions, asking([], { sessionId, epoch: 1 }), (index) => (index === 0 ? { highWatermark: 9 } : {}))
  const { wanted } = sessions.open(asking([], { sessionId, epoch: 2 }), false)
  expect([...wanted].map(({ partitionIndex }) => partitionIndex)).toEqual([1, 2, 0])
})

test('partitions are added, changed and forgotten', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0, 1]))
  const forgotten = [{ name: 't', forgottenPartitionIndexes: [0] }]
  const changed = asking([1, 2], { sessionId, epoch: 1, forgotten })
  changed.topics[0]!.fetchPartitions[0]!.fetchOffset = 77
  const { wanted } = sessions.open(changed, false)
  expect([...wanted].map(({ partitionIndex, fetchOffset }) => [partitionIndex, fetchOffset])).toEqual([
    [1, 77],
    [2, 0],
  ])
  expect(sessions.figures).toMatchObject({ sessions: 1, partitions: 2 })
})

test('a session without partitions ends', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0]))
  const forgotten = [{ name: 't', forgottenPartitionIndexes: [0] }]
  expect(fetch(sessions, asking([], { sessionId, epoch: 1, forgotten }))).toEqual({ error: 'NONE', sessionId: 0, told: [] })
  expect(sessions.figures).toMatchObject({ sessions: 0, partitions: 0 })
})

test('an unknown session and a wrong epoch are refused', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0]))
  expect(fetch(sessions, asking([], { sessionId: sessionId - 1, epoch: 1 }))).toEqual({
    error: 'FETCH_SESSION_ID_NOT_FOUND',
    sessionId: 0,
    told: [],
  })
  expect(fetch(sessions, asking([], { sessionId, epoch: 2 })).error).toBe('INVALID_FETCH_SESSION_EPOCH')
  expect(fetch(sessions, asking([], { sessionId, epoch: 1 })).error).toBe('NONE')
})

test('the answer is refused where another request used the session meanwhile', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0]))
  const slow = sessions.open(asking([], { sessionId, epoch: 1 }), false)
  expect(fetch(sessions, asking([], { sessionId, epoch: 2 })).error).toBe('NONE')
  expect(slow.reply([...slow.wanted].map((wanted) => read(wanted)))).toMatchObject({ sessionId, partitions: [] })
})

test('a full request closes the session that it names; with the final epoch it begins none', () => {
  const { sessions } = made()
  const first = fetch(sessions, asking([0]))
  const second = fetch(sessions, asking([0], { sessionId: first.sessionId }))
  expect(second.sessionId).not.toBe(first.sessionId)
  expect(sessions.figures.sessions).toBe(1)
  expect(fetch(sessions, asking([0], { sessionId: second.sessionId, epoch: -1 })).sessionId).toBe(0)
  expect(sessions.figures).toEqual({ sessions: 0, partitions: 0, evictions: 0 })
})

test('no session makes room for an equal one until it is unused for two minutes', async () => {
  const { sessions, clock } = made()
  const first = fetch(sessions, asking([0]))
  await clock.advance(1000)
  fetch(sessions, asking([0]))
  expect(fetch(sessions, asking([0, 1, 2])).sessionId).toBe(0)
  await clock.advance(TWO_MINUTES - 1000)
  expect(fetch(sessions, asking([0])).sessionId).toBe(0)
  await clock.advance(1)
  expect(fetch(sessions, asking([0])).sessionId).toBeGreaterThan(0)
  expect(fetch(sessions, asking([], { sessionId: first.sessionId, epoch: 1 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND')
  expect(sessions.figures).toEqual({ sessions: 2, partitions: 2, evictions: 1 })
})

test('an old session makes room for a larger one, though it is in use', async () => {
  const { sessions, clock } = made()
  const small = fetch(sessions, asking([0]))
  const large = fetch(sessions, asking([0, 1, 2, 3]))
  for (let epoch = 1; epoch <= 3; epoch++) {
    await clock.advance(TWO_MINUTES / 2 + 1)
    for (const { sessionId } of [small, large]) fetch(sessions, asking([], { sessionId, epoch }))
  }
  expect(fetch(sessions, asking([0])).sessionId).toBe(0)
  expect(fetch(sessions, asking([0, 1])).sessionId).toBeGreaterThan(0)
  expect(fetch(sessions, asking([], { sessionId: small.sessionId, epoch: 4 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND')
  expect(fetch(sessions, asking([], { sessionId: large.sessionId, epoch: 4 })).error).toBe('NONE')
})

test('sessions of followers replace those of consumers, never the other way', () => {
  const { sessions } = made()
  fetch(sessions, asking([0, 1, 2]))
  fetch(sessions, asking([0, 1]))
  const follower = fetch(sessions, asking([0], { replicaId: 3 }))
  expect(follower.sessionId).toBeGreaterThan(0)
  expect(fetch(sessions, asking([0], { replicaId: 4 })).sessionId).toBeGreaterThan(0)
  expect(fetch(sessions, asking([0, 1, 2, 3])).sessionId).toBe(0)
  expect(fetch(sessions, asking([0, 1, 2, 3], { replicaId: 5 })).sessionId).toBe(0)
  expect(sessions.figures).toEqual({ sessions: 2, partitions: 2, evictions: 2 })
})

test('the partitions of all sessions together are bounded', () => {
  const { sessions } = made({ maxPartitions: 4 })
  const { sessionId } = fetch(sessions, asking([0, 1, 2]))
  expect(fetch(sessions, asking([0, 1])).sessionId).toBe(0)
  expect(fetch(sessions, asking([3, 4], { sessionId, epoch: 1 })).error).toBe('FETCH_SESSION_ID_NOT_FOUND')
  expect(sessions.figures).toEqual({ sessions: 0, partitions: 0, evictions: 0 })
})

test('none are kept where the configuration has no room for one', () => {
  const { sessions } = made({ maxSessions: 0 })
  expect(fetch(sessions, asking([0]))).toEqual({ error: 'NONE', sessionId: 0, told: [0] })
})

test('what a session asks for can be gone through again: a fetch that waits looks at it at each wake', () => {
  const { sessions } = made()
  const { sessionId } = fetch(sessions, asking([0, 1]))
  const asked = sessions.open(asking([], { sessionId, epoch: 1 }), false)
  const indexes = () => [...asked.wanted].map(({ partitionIndex }) => partitionIndex)
  expect([indexes(), indexes()]).toEqual([
    [0, 1],
    [0, 1],
  ])
})
