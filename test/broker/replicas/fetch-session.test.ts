import { describe, expect, test } from 'vitest'
import { FollowedPartition, type Replica } from '../../../src/broker/replicas/fetch-partition.ts'
import { epochAfter, type FetchAnswer, FetchSession } from '../../../src/broker/replicas/fetch-session.ts'
import { FollowedSet } from '../../../src/broker/replicas/fetch-set.ts'
import { errorCode } from './fetch-support.ts'

const followedOf = (partition: number, leaderEpoch = 0, topic = 't'): FollowedPartition => {
  const log = { highWatermark: 0, logStartOffset: 0, logEndOffset: 0 }
  return new FollowedPartition({ topic, partition, log } as unknown as Replica, leaderEpoch)
}
const answerOf = (sessionId: number, partitions: number[] = [], others: Partial<FetchAnswer> = {}): FetchAnswer => ({
  throttleTimeMs: 0,
  errorCode: 0,
  sessionId,
  topics: partitions.map((partitionIndex) => ({
    name: 't',
    partitions: [
      {
        partitionIndex,
        errorCode: 0,
        highWatermark: 0,
        lastStableOffset: 0,
        logStartOffset: 0,
        aborted: null,
        preferredReadReplica: -1,
        records: Buffer.alloc(0),
      },
    ],
  })),
  ...others,
})

/** A session and those that it is for; `next` asks for all but those in `notReady`. */
const scene = (...partitions: number[]) => {
  const session = new FetchSession()
  const followed = new FollowedSet()
  const all = partitions.map((partition) => followedOf(partition))
  for (const each of all) followed.add(each)
  const notReady = new Set<FollowedPartition>()
  const next = (changed: Iterable<FollowedPartition> = []) => {
    const request = session.next({ followed, changed, isReady: (each) => !notReady.has(each), maxBytes: 100 })
    return (
      request && {
        session: [request.sessionId, request.epoch],
        asked: request.topics.flatMap(({ name, fetchPartitions }) =>
          fetchPartitions!.map((each) => `${name}-${each.partitionIndex}@${each.fetchOffset}/${each.currentLeaderEpoch}`),
        ),
        forgotten: request.forgotten.flatMap(({ name, forgottenPartitionIndexes }) =>
          forgottenPartitionIndexes.map((index) => `${name}-${index}`),
        ),
      }
    )
  }
  return { session, followed, all, notReady, next }
}

describe('a fetch session', () => {
  test('begins with everything, then tells only what changed', () => {
    const { session, all, next } = scene(0, 1, 2)
    expect(next()).toEqual({ session: [0, 0], asked: ['t-0@0/0', 't-1@0/0', 't-2@0/0'], forgotten: [] })
    expect(session.accept(answerOf(7, [0, 1, 2]))).toEqual({ isUsable: true })
    expect(next()).toEqual({ session: [7, 1], asked: [], forgotten: [] })
    session.accept(answerOf(7, [1]))
    all[1]!.fetchOffset = 5
    expect(next(all)).toEqual({ session: [7, 2], asked: ['t-1@5/0'], forgotten: [] })
    session.accept(answerOf(7))
    expect(next(all)).toEqual({ session: [7, 3], asked: [], forgotten: [] })
  })

  test('forgets who left and who has to wait, and takes them in again', () => {
    const { session, followed, all, notReady, next } = scene(0, 1, 2)
    next()
    session.accept(answerOf(7, [0, 1, 2]))
    followed.remove(all[0]!)
    notReady.add(all[1]!)
    expect(next([all[0]!, all[1]!])).toEqual({ session: [7, 1], asked: [], forgotten: ['t-0', 't-1'] })
    session.accept(answerOf(7))
    notReady.clear()
    expect(next([all[1]!])).toEqual({ session: [7, 2], asked: ['t-1@0/0'], forgotten: [] })
    session.accept(answerOf(7))
    followed.remove(all[1]!)
    followed.remove(all[2]!)
    expect(next(all)).toEqual({ session: [7, 3], asked: [], forgotten: ['t-1', 't-2'] })
    session.accept(answerOf(7))
    expect(next(all)).toBeUndefined()
  })

  test('tells of another epoch of the same leader at the same offset', () => {
    const { session, followed, all, next } = scene(0)
    next()
    session.accept(answerOf(7, [0]))
    const again = followedOf(0, 3)
    followed.add(again)
    expect(next([...all, again])).toEqual({ session: [7, 1], asked: ['t-0@0/3'], forgotten: [] })
    expect(session.asked('t', 0)!.followed).toBe(again)
  })

  test('asks for everything each time where the leader keeps no session', () => {
    const { session, next } = scene(0, 1)
    for (let turn = 0; turn < 3; turn++) {
      expect(next()).toEqual({ session: [0, 0], asked: ['t-0@0/0', 't-1@0/0'], forgotten: [] })
      expect(session.accept(answerOf(0, [0, 1]))).toEqual({ isUsable: true })
    }
  })

  test('begins anew where the leader ends it in a good answer', () => {
    const { session, next } = scene(0)
    next()
    session.accept(answerOf(7, [0]))
    next()
    expect(session.accept(answerOf(0, [0]))).toEqual({ isUsable: true })
    expect(next()!.session).toEqual([0, 0])
  })

  test.each([
    { case: 'the leader forgot it', answer: answerOf(0, [], { errorCode: errorCode('FETCH_SESSION_ID_NOT_FOUND') }), begins: [0, 0] },
    {
      case: 'the leader counts otherwise',
      answer: answerOf(0, [], { errorCode: errorCode('INVALID_FETCH_SESSION_EPOCH') }),
      begins: [7, 0],
    },
    { case: 'the answer has what nobody asked for', answer: answerOf(7, [5]), begins: [7, 0] },
  ])('begins anew when $case', ({ answer, begins }) => {
    const { session, next } = scene(0, 1)
    next()
    session.accept(answerOf(7, [0, 1]))
    next()
    expect(session.accept(answer).isUsable).toBe(false)
    expect(next()).toEqual({ session: begins, asked: ['t-0@0/0', 't-1@0/0'], forgotten: [] })
  })

  test('closes on the next request what it cannot know after a lost connection', () => {
    const { session, next } = scene(0)
    next()
    session.accept(answerOf(7, [0]))
    session.failed()
    expect(next()).toEqual({ session: [7, 0], asked: ['t-0@0/0'], forgotten: [] })
  })

  test('refuses a full answer that leaves partitions out, throttled or not', () => {
    const { session, next } = scene(0, 1)
    next()
    expect(session.accept(answerOf(7, [0]))).toEqual({ isUsable: false, reason: '2 partitions were asked for, 1 answered' })
    next()
    expect(session.accept(answerOf(0, [], { throttleTimeMs: 30 }))).toMatchObject({
      reason: 'the leader throttles this broker for 30 ms',
    })
    expect(next()!.session).toEqual([0, 0])
  })

  test('never counts to the epoch that begins a session', () => {
    expect([0, 1, 0x7fff_fffe, 0x7fff_ffff].map(epochAfter)).toEqual([1, 2, 0x7fff_ffff, 1])
  })
})
