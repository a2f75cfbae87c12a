import { afterEach, describe, expect, test } from 'vitest'
import type { Fetcher } from '../../../src/broker/replicas/fetcher.ts'
import { ReplicationQuota } from '../../../src/broker/replicas/replication-quota.ts'
import { defaultLogConfig } from '../../../src/log/log-config.ts'
import type { Log } from '../../../src/log/log.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { append, batchOf, Machine, topicConfig } from '../../log/support.ts'
import { errorCode, fetcherOf, follow, MemoryLeader, quiet, SETTINGS, stored, TestReplica } from './fetch-support.ts'

/** A leader and a follower of `count` partitions, each on a machine of its own. */
const scene = async (count = 1, options: Parameters<typeof fetcherOf>[2] & { config?: Parameters<typeof topicConfig>[0] } = {}) => {
  const { config, ...others } = options
  const clock = new ManualClock()
  const leader = new MemoryLeader(clock)
  const [mine, theirs] = [new Machine(), new Machine()]
  const logs = async (machine: Machine): Promise<Log[]> => {
    const manager = await machine.start({ config })
    return Array.from({ length: count }, (_unused, partition) => manager.getOrCreate('t', partition, topicConfig(config), true))
  }
  const leaders = (await logs(theirs)).map((log) => new TestReplica(log))
  const followers = (await logs(mine)).map((log) => new TestReplica(log))
  for (const replica of leaders) leader.serve(replica)
  const fetcher = fetcherOf(leader, clock, others)
  fetchers.push(fetcher)
  return { clock, leader, leaders, followers, fetcher, machine: mine, ours: followers[0]!, theirs: leaders[0]! }
}
const fetchers: Fetcher[] = []
afterEach(async () => {
  await Promise.all(fetchers.splice(0).map((fetcher) => fetcher.stop()))
})

/** Another epoch for both sides; the leader writes nothing by itself. */
const lead = (replica: TestReplica, leaderEpoch: number): void => {
  replica.leaderEpoch = leaderEpoch
  replica.log.assignLeaderEpoch(leaderEpoch)
}

describe('a fetcher', () => {
  test('copies what the leader has, byte by byte, and follows its high watermark and start', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    for (let i = 0; i < 5; i++) append(theirs.log, 2)
    follow(fetcher, ours, 0)
    await quiet()
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
    expect(ours.calls).toEqual(['truncate 0', 'append'])
    expect(ours.log.highWatermark).toBe(0)
    theirs.log.setHighWatermark(10)
    await clock.advance(500)
    expect(ours.log.highWatermark).toBe(10)
    theirs.log.advanceLogStart(4)
    append(theirs.log)
    leader.poke()
    await quiet()
    expect([ours.log.logStartOffset, ours.log.logEndOffset]).toEqual([4, 11])
    expect(fetcher.bytesIn).toBe(ours.log.sizeBytes)
  })

  test('sends what a 2.6 broker sends, one request at a time', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 3)
    follow(fetcher, ours, 0)
    await quiet()
    expect(leader.of('Fetch')).toMatchObject([
      {
        replicaId: 2,
        maxWait: 500,
        minBytes: 1,
        maxBytes: 10_485_760,
        isolationLevel: 0,
        sessionId: 0,
        epoch: 0,
        topics: [{ name: 't', fetchPartitions: [{ currentLeaderEpoch: 0, fetchOffset: 0, logStartOffset: 0, maxBytes: 1_048_576 }] }],
        rackId: '',
      },
      { sessionId: 1, epoch: 1, topics: [{ name: 't', fetchPartitions: [{ fetchOffset: 3 }] }] },
    ])
  })

  test('serves 50 partitions in turn from a leader that keeps no sessions, though one answer holds only a few of them', async () => {
    const { leader, leaders, followers, fetcher } = await scene(50, { settings: () => ({ ...SETTINGS, responseMaxBytes: 500 }) })
    leader.keepsSessions = false
    for (const { log } of leaders) for (let i = 0; i < 4; i++) append(log, 1)
    for (const replica of followers) follow(fetcher, replica, 0)
    for (let turn = 0; turn < 100; turn++) await quiet()
    for (const [index, { log }] of followers.entries()) expect(await stored(log)).toEqual(await stored(leaders[index]!.log))
    expect(Math.max(...followers.map(({ calls }) => calls.length))).toBeLessThanOrEqual(5)
  })

  test('asks where its latest epoch ended whenever the epoch changed, though the leader did not (KAFKA-7164)', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 3)
    const first = follow(fetcher, ours, 0)
    await quiet()
    await fetcher.remove(first)
    // Epoch 1 had another leader, which gave this follower two records that nobody else has.
    await ours.appendAsFollower(batchOf(2, { baseOffset: 3, partitionLeaderEpoch: 1 }), {
      leaderEpoch: 0,
      highWatermark: 0,
      logStartOffset: 0,
    })
    lead(theirs, 2)
    append(theirs.log, 4, { leaderEpoch: 2 })
    follow(fetcher, ours, 2)
    leader.poke()
    await quiet()
    expect(leader.of('OffsetForLeaderEpoch').at(-1)).toEqual({
      replicaId: 2,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, currentLeaderEpoch: 2, leaderEpoch: 1 }] }],
    })
    expect(ours.calls.slice(-2)).toEqual(['truncate 3', 'append'])
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
  })

  test('drops an answer about epochs that comes when the partition has another one (KAFKA-7786)', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 6)
    append(ours.log, 6)
    const late = Promise.withResolvers<unknown>()
    leader.script('OffsetForLeaderEpoch', () => late.promise)
    const before = follow(fetcher, ours, 0)
    await quiet()
    void fetcher.remove(before)
    theirs.leaderEpoch = 1
    follow(fetcher, ours, 1)
    late.resolve({ topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, leaderEpoch: 0, endOffset: 2 }] }] })
    await quiet()
    expect(ours.calls).toEqual(['truncate 6'])
    expect(leader.of('OffsetForLeaderEpoch')).toHaveLength(2)
  })

  test('waits for the controller when the leader has a newer epoch, and asks again when it has an older one', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    for (let i = 0; i < 3; i++) append(theirs.log)
    append(ours.log)
    theirs.leaderEpoch = 5
    const first = follow(fetcher, ours, 4)
    await clock.advance(60_000)
    expect([leader.of('OffsetForLeaderEpoch').length, leader.of('Fetch').length, fetcher.failedCount]).toEqual([1, 0, 1])
    await fetcher.remove(first)
    follow(fetcher, ours, 6)
    await clock.advance(200)
    expect(leader.of('OffsetForLeaderEpoch').length).toBeGreaterThan(3)
    expect([leader.of('Fetch').length, fetcher.failedCount]).toEqual([0, 0])
    theirs.leaderEpoch = 6
    await clock.advance(200)
    expect(ours.log.logEndOffset).toBe(3)
  })

  test('an error of one partition delays it, not the others, and no longer than has to be', async () => {
    const { clock, leader, leaders, followers, fetcher } = await scene(2)
    leaders[0]!.isLeader = false
    append(leaders[1]!.log)
    for (const replica of followers) follow(fetcher, replica, 0)
    await clock.advance(100)
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([0, 1])
    append(leaders[0]!.log)
    leaders[0]!.isLeader = true
    await clock.advance(100)
    expect(followers[0]!.log.logEndOffset).toBe(1)
    const waits = leader.of('Fetch').map(({ maxWait }) => maxWait)
    expect(Math.min(...waits)).toBeLessThanOrEqual(20)
    await clock.advance(500)
    expect(leader.of('Fetch').at(-1)!.maxWait).toBe(500)
  })

  test('tries again after a lost connection, more and more slowly, and begins a new session', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    follow(fetcher, ours, 0)
    await clock.advance(600)
    leader.isUp = false
    leader.disconnect()
    await clock.advance(10_000)
    leader.isUp = true
    leader.requests.length = 0
    append(theirs.log)
    await clock.advance(1000)
    expect(ours.log.logEndOffset).toBe(1)
    expect(leader.of('Fetch')[0]).toMatchObject({ sessionId: 1, epoch: 0, topics: [{ name: 't' }] })
  })

  test('goes on with everything when the leader has lost the session', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    follow(fetcher, ours, 0)
    await clock.advance(1000)
    leader.forgetSessions()
    append(theirs.log)
    leader.poke()
    await clock.advance(10)
    expect(ours.log.logEndOffset).toBe(1)
    append(theirs.log)
    leader.poke()
    await quiet()
    expect(leader.of('Fetch').map(({ epoch }) => epoch)).toContain(0)
    expect(ours.log.logEndOffset).toBe(2)
  })

  test('ends a long poll for a partition that is new', async () => {
    const { clock, leader, leaders, followers, fetcher } = await scene(2)
    append(leaders[1]!.log)
    follow(fetcher, followers[0]!, 0)
    await clock.advance(1000)
    follow(fetcher, followers[1]!, 0)
    await clock.advance(25)
    expect(followers[1]!.log.logEndOffset).toBe(1)
    // Both in one session again.
    append(leaders[0]!.log)
    append(leaders[1]!.log)
    leader.poke()
    await quiet()
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([1, 2])
  })

  test('appends nothing of an answer that comes after unfollow', async () => {
    const { leader, leaders, followers, fetcher } = await scene(2)
    const late = Promise.withResolvers<unknown>()
    leader.script('Fetch', () => late.promise)
    const followed = followers.map((replica) => follow(fetcher, replica, 0))
    await quiet()
    append(leaders[0]!.log)
    append(leaders[1]!.log)
    await fetcher.remove(followed[0]!)
    late.resolve(undefined)
    await quiet()
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([0, 1])
    expect(leader.of('Fetch').at(-1)!.forgotten).toEqual([{ name: 't', forgottenPartitionIndexes: [0] }])
  })

  test('lets others have their turn within a large answer; what is unfollowed then is left out', async () => {
    const { leaders, followers, fetcher } = await scene(6)
    for (const { log } of leaders) append(log, 1, { sizeBytes: 900_000 })
    const followed = followers.map((replica) => follow(fetcher, replica, 0))
    let atTurn: number[] = []
    const appendNow = followers[0]!.appendAsFollower.bind(followers[0]!)
    followers[0]!.appendAsFollower = (records, leader) => {
      setImmediate(() => {
        atTurn = followers.map(({ log }) => log.logEndOffset)
        void fetcher.remove(followed[5]!)
      })
      followers[0]!.appendAsFollower = appendNow
      return appendNow(records, leader)
    }
    await quiet()
    expect(atTurn).toEqual([1, 1, 1, 0, 0, 0])
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([1, 1, 1, 1, 1, 0])
  })

  test('unfollow waits for an append that is under way', async () => {
    const { fetcher, ours, theirs } = await scene()
    append(theirs.log)
    const slow = Promise.withResolvers<void>()
    const appendNow = ours.appendAsFollower.bind(ours)
    ours.appendAsFollower = async (records, leader) => {
      await slow.promise
      return appendNow(records, leader)
    }
    const followed = follow(fetcher, ours, 0)
    await quiet()
    let isDone = false
    const removed = fetcher.remove(followed).then(() => (isDone = true))
    await quiet()
    expect([isDone, ours.log.logEndOffset]).toEqual([false, 0])
    slow.resolve()
    await removed
    expect(ours.log.logEndOffset).toBe(1)
  })

  test('never appends a batch that is corrupt, and asks for it again', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 2)
    const broken = Buffer.from((await stored(theirs.log))[0]!.bytes)
    broken[broken.length - 1]! ^= 1
    leader.script('Fetch', () => ({
      errorCode: 0,
      sessionId: 0,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 2, logStartOffset: 0, records: broken }] }],
    }))
    follow(fetcher, ours, 0)
    await quiet()
    expect(ours.log.logEndOffset).toBe(0)
    await clock.advance(20)
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
  })

  test('leaves out a batch that is cut off at the end of an answer', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 2)
    append(theirs.log, 2)
    const all = Buffer.concat((await stored(theirs.log)).map(({ bytes }) => bytes))
    const records = all.subarray(0, all.length - 5)
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 4, logStartOffset: 0, records }
    leader.script('Fetch', () => ({ errorCode: 0, sessionId: 0, topics: [{ name: 't', partitions: [partition] }] }))
    follow(fetcher, ours, 0)
    await quiet()
    expect(leader.of('Fetch').map(({ topics }) => topics[0]!.fetchPartitions[0]!.fetchOffset)).toEqual([0, 2, 4])
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
  })

  test('leaves out a partition whose disk fails, follows the others, and heals when the disk does', async () => {
    const { clock, leader, leaders, followers, fetcher, machine } = await scene(2)
    machine.memory.fail('write', { path: /t-0\/.*\.log$/, code: 'ENOSPC', times: Infinity })
    for (const { log } of leaders) append(log)
    for (const replica of followers) follow(fetcher, replica, 0)
    await quiet()
    expect([followers.map(({ log }) => log.logEndOffset), fetcher.failedCount]).toEqual([[0, 1], 1])
    append(leaders[1]!.log)
    leader.poke()
    await quiet()
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([0, 2])
    machine.memory.stopFailing()
    await clock.advance(11_000)
    expect([followers.map(({ log }) => log.logEndOffset), fetcher.failedCount]).toEqual([[1, 2], 0])
  })

  test('takes what the leader has stored, though segment.bytes is smaller by now', async () => {
    const { fetcher, ours, theirs } = await scene()
    for (let i = 0; i < 5; i++) append(theirs.log, 2)
    ours.log.config = topicConfig({ segmentBytes: 150 })
    follow(fetcher, ours, 0)
    await quiet()
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
  })

  test('tells the leader where its log starts now, though only its own retention moved it', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 4)
    theirs.log.setHighWatermark(4)
    follow(fetcher, ours, 0)
    await clock.advance(600)
    ours.log.advanceLogStart(3)
    await clock.advance(2000)
    expect(
      leader
        .of('Fetch')
        .flatMap(({ topics }) => topics.flatMap(({ fetchPartitions }) => fetchPartitions))
        .at(-1),
    ).toMatchObject({
      logStartOffset: 3,
    })
  })
})

describe('a fetch offset out of range', () => {
  const outOfRange = () => ({
    errorCode: 0,
    sessionId: 0,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: errorCode('OFFSET_OUT_OF_RANGE') }] }],
  })

  test('cuts the log to the end of a leader that was elected uncleanly and has less', async () => {
    const { fetcher, ours, theirs } = await scene()
    append(theirs.log, 2)
    append(ours.log, 2)
    append(ours.log, 3)
    ours.log.setHighWatermark(5)
    ours.log.epochs.clear()
    follow(fetcher, ours, 0)
    await quiet()
    expect(ours.calls).toEqual(['truncate 5', 'truncate 2'])
    expect([ours.log.logEndOffset, ours.log.highWatermark]).toEqual([2, 2])
  })

  test('starts over where the leader has deleted what comes next; the high watermark moves with it (KAFKA-9491)', async () => {
    const { clock, fetcher, ours, theirs } = await scene(1, { config: { segmentBytes: 200, fileDeleteDelayMs: 10 } })
    append(ours.log, 2)
    for (let i = 0; i < 10; i++) append(theirs.log, 2)
    theirs.log.setHighWatermark(20)
    theirs.log.advanceLogStart(12)
    follow(fetcher, ours, 0)
    await clock.advance(20)
    expect(ours.calls).toContain('start over 12')
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
    expect([ours.log.logStartOffset, ours.log.highWatermark, ours.log.logEndOffset]).toEqual([12, 20, 20])
  })

  test('starts over within a batch: the log begins with the whole batch, and its start is the leader’s', async () => {
    const { clock, fetcher, ours, theirs } = await scene()
    append(theirs.log, 10)
    append(theirs.log, 2)
    theirs.log.setHighWatermark(12)
    theirs.log.advanceLogStart(4)
    follow(fetcher, ours, 0)
    await clock.advance(20)
    expect(ours.calls).toEqual(['truncate 0', 'start over 4', 'start over 0', 'append'])
    expect([ours.log.logStartOffset, ours.log.logEndOffset, ours.log.highWatermark]).toEqual([4, 12, 12])
    expect(await stored(ours.log)).toEqual(await stored(theirs.log))
  })

  test('only asks again where the leader has the offset by now', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 3)
    leader.script('Fetch', outOfRange)
    follow(fetcher, ours, 0)
    await quiet()
    expect(ours.calls).toEqual(['truncate 0', 'append'])
    expect(leader.of('ListOffsets').map(({ replicaId, topics }) => [replicaId, topics[0]!.partitions[0]])).toEqual([
      [2, { partitionIndex: 0, currentLeaderEpoch: 0, timestamp: -1, maxNumOffsets: 0 }],
      [2, { partitionIndex: 0, currentLeaderEpoch: 0, timestamp: -2, maxNumOffsets: 0 }],
    ])
  })

  test('is never the end: whatever goes wrong, it asks again (KAFKA-7414)', async () => {
    const { clock, leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 3)
    const refused = (error: Parameters<typeof errorCode>[0]) => () => ({
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, errorCode: errorCode(error) }] }],
    })
    leader.script('Fetch', outOfRange, outOfRange, outOfRange)
    leader.script('ListOffsets', refused('UNKNOWN_LEADER_EPOCH'), refused('NOT_LEADER_OR_FOLLOWER'), () => ({ topics: [] }))
    follow(fetcher, ours, 0)
    await clock.advance(1000)
    expect([ours.log.logEndOffset, fetcher.failedCount]).toEqual([3, 0])
  })

  test('changes nothing when the partition got another epoch meanwhile', async () => {
    const { leader, fetcher, ours, theirs } = await scene()
    append(theirs.log, 2)
    append(ours.log, 5)
    ours.log.setHighWatermark(5)
    ours.log.epochs.clear()
    const late = Promise.withResolvers<unknown>()
    leader.script('ListOffsets', () => late.promise)
    const followed = follow(fetcher, ours, 0)
    await quiet()
    await fetcher.remove(followed)
    late.resolve(undefined)
    await quiet()
    expect(ours.log.logEndOffset).toBe(5)
  })
})

describe('throttled replication', () => {
  const throttled = async (list: string[]) => {
    const clock = new ManualClock()
    let rate = 1000
    const quota = new ReplicationQuota({ side: 'follower', brokerId: 2, clock, bytesPerSecond: () => rate, windows: 11, windowMs: 1000 })
    const made = await scene(2, {
      clock,
      quota,
      settings: () => ({ ...SETTINGS, maxBytes: 200 }),
      config: { ...defaultLogConfig, followerReplicationThrottledReplicas: list },
    })
    for (const { log } of made.leaders) {
      for (let i = 0; i < 200; i++) append(log, 1, { sizeBytes: 40 })
      log.setHighWatermark(log.logEndOffset)
    }
    const leader = new MemoryLeader(clock)
    for (const replica of made.leaders) leader.serve(replica)
    const fetcher = fetcherOf(leader, clock, { quota, settings: () => ({ ...SETTINGS, maxBytes: 200 }) })
    fetchers.push(fetcher)
    for (const replica of made.followers) follow(fetcher, replica, 0)
    return { ...made, clock, fetcher, setRate: (to: number) => (rate = to) }
  }

  test('keeps a replica that lags below the rate, and no other', async () => {
    const { clock, followers, setRate } = await throttled(['0:2', '1:3'])
    await clock.advance(5000)
    const bytes = followers.map(({ log }) => log.sizeBytes)
    expect(bytes[0]).toBeGreaterThan(4000)
    expect(bytes[0]).toBeLessThan(7000)
    expect(followers[1]!.log.logEndOffset).toBe(200)
    setRate(Infinity)
    await clock.advance(1000)
    expect(followers[0]!.log.logEndOffset).toBe(200)
  })

  test('lets a replica that caught up go on, however high the rate', async () => {
    const { clock, leaders, followers, setRate } = await throttled(['*'])
    setRate(Infinity)
    await clock.advance(1000)
    setRate(1)
    for (const { log } of leaders) append(log)
    await clock.advance(1000)
    expect(followers.map(({ log }) => log.logEndOffset)).toEqual([201, 201])
  })
})
