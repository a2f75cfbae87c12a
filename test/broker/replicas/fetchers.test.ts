import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { fetcherOf, ReplicaFetchers } from '../../../src/broker/replicas/fetchers.ts'
import { append, Machine, topicConfig } from '../../log/support.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryLeader, quiet, TestReplica } from './fetch-support.ts'

const all: ReplicaFetchers[] = []
afterEach(async () => {
  await Promise.all(all.splice(0).map((fetchers) => fetchers.stop()))
})

/** Broker 2 with `count` replicas that brokers 1 and 3 lead, as told by `brokerOf`. */
const scene = async (count: number) => {
  const clock = new ManualClock()
  let config = BrokerConfig.parse(new Map([['zookeeper.connect', 'z:2181']]))
  const leaders = new Map<string, MemoryLeader>()
  const served: TestReplica[] = []
  const fetchers = new ReplicaFetchers({
    brokerId: 2,
    config: () => config,
    leader: (brokerId, index) => {
      const leader = new MemoryLeader(clock)
      for (const replica of served) leader.serve(replica)
      leaders.set(`${brokerId}/${index}`, leader)
      return leader
    },
    clock,
    logger: silentLogger,
  })
  all.push(fetchers)
  const open = async () => {
    const manager = await new Machine().start()
    return Array.from({ length: count }, (_unused, partition) => manager.getOrCreate('t', partition, topicConfig(), true))
  }
  for (const log of await open()) served.push(new TestReplica(log))
  const replicas = (await open()).map((log) => new TestReplica(log))
  const setConfig = (texts: Record<string, string>) => {
    config = config.withDynamic(new Map(), new Map(Object.entries(texts)))
    return fetchers.configChanged()
  }
  const follow = (replica: TestReplica, brokerId: number, leaderEpoch = 0) => {
    replica.leaderEpoch = leaderEpoch
    fetchers.follow(replica, { brokerId, leaderEpoch })
  }
  return { clock, fetchers, leaders, served, replicas, follow, setConfig }
}

describe('the fetchers of a broker', () => {
  test('spread partitions as Kafka does', () => {
    // kafka.server.AbstractFetcherManager.getFetcherId: abs(31 * topic.hashCode + partition) % count.
    expect([0, 1, 2, 3].map((partition) => fetcherOf('t', partition, 4))).toEqual([0, 1, 2, 3].map((p) => (31 * 116 + p) % 4))
    expect(fetcherOf('a-topic-with-a-negative-hash!', 7, 5)).toBeGreaterThanOrEqual(0)
    expect(fetcherOf('polygenelubricants', 0, 3)).toBe(0)
  })

  test('are one per leader, or as many as num.replica.fetchers says, from then on', async () => {
    const { clock, fetchers, leaders, served, replicas, follow, setConfig } = await scene(6)
    for (const replica of replicas) follow(replica, replica.partition % 2 ? 1 : 3)
    await quiet()
    expect([...leaders.keys()].sort()).toEqual(['1/0', '3/0'])
    await setConfig({ 'num.replica.fetchers': '3' })
    for (const { log } of served) append(log)
    for (const leader of leaders.values()) leader.poke()
    await clock.advance(1000)
    expect(leaders.size).toBe(6)
    expect(replicas.map(({ log }) => log.logEndOffset)).toEqual([1, 1, 1, 1, 1, 1])
    // Going on where it was needs no new question about epochs.
    for (const [name, leader] of leaders) if (!name.endsWith('/0')) expect(leader.of('OffsetForLeaderEpoch')).toEqual([])
    expect(fetchers.figures().failedPartitions).toBe(0)
  })

  test('follow another leader, and the same in a newer epoch, but not the same twice', async () => {
    const { leaders, served, replicas, follow } = await scene(1)
    follow(replicas[0]!, 1)
    await quiet()
    follow(replicas[0]!, 1)
    await quiet()
    expect(replicas[0]!.calls).toEqual(['truncate 0'])
    served[0]!.leaderEpoch = 1
    follow(replicas[0]!, 1, 1)
    for (const leader of leaders.values()) leader.poke()
    await quiet()
    expect(replicas[0]!.calls).toEqual(['truncate 0', 'truncate 0'])
    served[0]!.leaderEpoch = 2
    append(served[0]!.log)
    follow(replicas[0]!, 3, 2)
    await quiet()
    expect(leaders.get('3/0')!.of('Fetch')).not.toEqual([])
    expect(replicas[0]!.log.logEndOffset).toBe(1)
  })

  test('stop for good: nothing is appended afterwards', async () => {
    const { clock, fetchers, leaders, served, replicas, follow } = await scene(2)
    for (const replica of replicas) follow(replica, 1)
    await quiet()
    await fetchers.unfollow(replicas[0]!)
    await fetchers.unfollow(replicas[0]!)
    await fetchers.stop()
    for (const { log } of served) append(log)
    for (const leader of leaders.values()) leader.poke()
    follow(replicas[0]!, 1, 5)
    await clock.advance(5000)
    expect(replicas.map(({ log }) => log.logEndOffset)).toEqual([0, 0])
    expect(clock.timers).toBe(0)
  })

  test('tell how far behind each of them is, and how many failed', async () => {
    const { clock, fetchers, leaders, served, replicas, follow, setConfig } = await scene(2)
    await setConfig({ 'follower.replication.throttled.rate': '1' })
    for (const { log } of served) {
      for (let i = 0; i < 5; i++) append(log)
      log.setHighWatermark(5)
    }
    replicas[0]!.log.config = topicConfig({ followerReplicationThrottledReplicas: ['*'] })
    fetchers.quota.record(1000)
    replicas[1]!.addingReplicas = [2]
    for (const replica of replicas) follow(replica, 1)
    await clock.advance(300)
    expect(fetchers.figures()).toEqual({
      lags: [
        { clientId: 'ReplicaFetcherThread-0-1', topic: 't', partition: 0, lag: 0 },
        { clientId: 'ReplicaFetcherThread-0-1', topic: 't', partition: 1, lag: 0 },
      ],
      failedPartitions: 0,
      bytesIn: replicas[1]!.log.sizeBytes,
      reassignmentBytesIn: replicas[1]!.log.sizeBytes,
    })
    served[0]!.leaderEpoch = 9
    append(replicas[0]!.log)
    follow(replicas[0]!, 1, 1)
    for (const leader of leaders.values()) leader.poke()
    await clock.advance(100)
    expect(fetchers.figures().failedPartitions).toBe(1)
  })
})
