import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { isrChangeZnode } from '../../../src/broker/metadata/znodes/isr-change.ts'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { makeRoots } from '../../../src/broker/metadata/znodes/roots.ts'
import { IsrNotifications } from '../../../src/broker/replicas/isr-notifications.ts'
import { ReplicaUpkeep } from '../../../src/broker/replicas/replica-upkeep.ts'
import { zooKeeperIncarnations } from '../../../src/broker/replicas/zookeeper-incarnations.ts'
import { ZooKeeperIsrStore } from '../../../src/broker/replicas/zookeeper-isr-store.ts'
import { EmbeddedZooKeeper } from '../../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { ZooKeeperError } from '../../../src/zookeeper/errors.ts'
import { ManualClock, settle } from '../../support/manual-clock.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { freePort } from '../../support/net.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const AT = { topic: 't', partition: 0 }
const PATH = partitionStateZnode.path('t', 0)
const CHANGE = { isr: [1, 2], leaderEpoch: 5, controllerEpoch: 1, zkVersion: 0 }
let server: EmbeddedZooKeeper
let client: ZooKeeperClient
let store: ZooKeeperIsrStore

beforeAll(async () => {
  const config = parseZooConfig(`tickTime=500\ndataDir=/zk\nclientPort=${await freePort()}\nclientPortAddress=127.0.0.1`)
  const clocks = { monotonic: monotonicClock, wall: wallClock }
  server = await EmbeddedZooKeeper.start({ config, disk: new MemoryDisk(), clocks, logger: silentLogger })
  client = await connect()
  await makeRoots(client)
  await client.makePath('/brokers/topics/t/partitions/0')
})
afterAll(async () => {
  await client.close()
  await server.stop()
})
beforeEach(async () => {
  await client.delete(PATH, -1).catch(() => {})
  await client.create(PATH, partitionStateZnode.encode({ leader: 1, leaderEpoch: 5, isr: [1, 2, 3], controllerEpoch: 1 }))
  store = new ZooKeeperIsrStore({ client }, 1, monotonicClock)
})

const connect = (): Promise<ZooKeeperClient> => zooKeeperAt(server.port, { sessionTimeoutMs: 10_000 })
const text = async (): Promise<string> => (await client.get(PATH)).data!.toString()

/** A client whose sets go wrong as `set` says; the rest is real. */
const clientWith = (set: (next: () => Promise<{ version: number }>) => Promise<{ version: number }>): ZooKeeperClient =>
  new Proxy(client, {
    get: (target, name) => {
      if (name === 'set') return (...args: Parameters<ZooKeeperClient['set']>) => set(() => target.set(...args))
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })

test('an in-sync set is written as Kafka does, under the version that is known', async () => {
  expect(await store.change(AT, CHANGE)).toEqual({ zkVersion: 1 })
  expect(await text()).toBe('{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":5,"isr":[1,2]}')
  expect(await store.change(AT, { ...CHANGE, isr: [1], zkVersion: 1 })).toEqual({ zkVersion: 2 })
})

test('where another has written, what stands there is told', async () => {
  const other = { leader: 2, leaderEpoch: 6, isr: [2, 3], controllerEpoch: 2 }
  await client.set(PATH, partitionStateZnode.encode(other), 0)
  expect(await store.change(AT, CHANGE)).toEqual({ conflict: true, stored: { ...other, zkVersion: 1 } })
  await client.delete(PATH, -1)
  expect(await store.change(AT, CHANGE)).toEqual({ conflict: true, stored: undefined })
})

test('a write whose answer was lost is found', async () => {
  let lost = 0
  const losing = clientWith(async (next) => {
    const stat = await next()
    if (lost++ === 0) throw new ZooKeeperError('CONNECTION_LOSS')
    return stat
  })
  expect(await new ZooKeeperIsrStore({ client: losing }, 1, monotonicClock).change(AT, CHANGE)).toEqual({ zkVersion: 1 })
  expect(lost).toBe(1)
})

test('a write that did not arrive is written again, and what came between is a conflict', async () => {
  let lost = 0
  const losing = clientWith(async (next) => {
    if (lost++ < 3) throw new ZooKeeperError('CONNECTION_LOSS')
    return next()
  })
  expect(await new ZooKeeperIsrStore({ client: losing }, 1, monotonicClock).change(AT, CHANGE)).toEqual({ zkVersion: 1 })
  const overtaken = clientWith(async (next) => {
    if (lost++ > 4) return next()
    await client.set(PATH, partitionStateZnode.encode({ leader: 3, leaderEpoch: 7, isr: [3], controllerEpoch: 1 }), 1)
    throw new ZooKeeperError('CONNECTION_LOSS')
  })
  const result = await new ZooKeeperIsrStore({ client: overtaken }, 1, monotonicClock).change(AT, { ...CHANGE, isr: [1], zkVersion: 1 })
  expect(result).toMatchObject({ conflict: true, stored: { leader: 3, zkVersion: 2 } })
})

test('after the session has ended nothing is written, with a later one neither', async () => {
  const ended = await connect()
  const session = { client: ended }
  const late = new ZooKeeperIsrStore(session, 1, monotonicClock)
  await ended.close()
  expect(late.isReachable).toBe(false)
  await expect(late.change(AT, CHANGE)).rejects.toThrow(ZooKeeperError)
  expect((await client.get(PATH)).stat.version).toBe(0)
})

test('one notification names the partitions whose sets changed', async () => {
  await store.announce([AT, { topic: 'u', partition: 7 }])
  const { children } = await client.children(isrChangeZnode.parent)
  expect(children).toEqual(['isr_change_0000000000'])
  const path = `${isrChangeZnode.parent}/${children[0]}`
  const { data } = await client.get(path)
  expect(data!.toString()).toBe('{"version":1,"partitions":[{"topic":"t","partition":0},{"topic":"u","partition":7}]}')
  expect(isrChangeZnode.decode(path, data!)).toEqual([AT, { topic: 'u', partition: 7 }])
})

test('a topic is told from its namesakes by when its znode was made', async () => {
  await client.makePath('/cluster/id')
  await client.makePath('/brokers/topics/again')
  const of = zooKeeperIncarnations({ client })
  const first = await of('again')
  await client.delete('/brokers/topics/again', -1)
  expect(await of('again')).toBeUndefined()
  await client.makePath('/brokers/topics/again')
  const second = await of('again')
  expect(second!.cluster).toBe(first!.cluster)
  expect(second!.topic).toBeGreaterThan(first!.topic)
})

test('a leader that stood still does not take its followers for late', async () => {
  const clock = new ManualClock()
  let checks = 0
  const upkeep = new ReplicaUpkeep({
    partitions: { checkFollowers: () => void checks++ },
    notifications: new IsrNotifications(clock, () => Promise.resolve()),
    followers: { configChanged: () => Promise.resolve() },
    lagTimeMaxMs: () => 10_000,
    clock,
    logger: silentLogger,
  })
  await clock.advance(5000)
  await clock.stall(11_000)
  expect(checks).toBe(1)
  await clock.advance(5000)
  expect(checks).toBe(2)
  upkeep.stop()
})

test('changes are announced after five seconds of quiet, a minute after the last word at the latest, and again when that failed', async () => {
  const clock = new ManualClock()
  const announced: string[] = []
  let fails = 0
  const notifications = new IsrNotifications(clock, (partitions) => {
    if (fails-- > 0) return Promise.reject(new Error('no connection'))
    announced.push(`${clock.nowMs()}: ${partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(' ')}`)
    return Promise.resolve()
  })
  let checks = 0
  const upkeep = new ReplicaUpkeep({
    partitions: { checkFollowers: () => void checks++ },
    followers: { configChanged: () => Promise.resolve() },
    notifications,
    lagTimeMaxMs: () => 30_000,
    clock,
    logger: silentLogger,
  })
  notifications.note({ topic: 'a', partition: 0 })
  notifications.note({ topic: 'a', partition: 0 })
  await clock.advance(4000)
  notifications.note({ topic: 'b', partition: 1 })
  await clock.advance(11_000)
  expect([announced, checks]).toEqual([['10000: a-0 b-1'], 1])
  // A change every two seconds: never quiet.
  for (let i = 0; i < 40; i++) {
    notifications.note({ topic: 'c', partition: i % 2 })
    await clock.advance(2000)
  }
  expect(announced.slice(1)).toEqual(['72500: c-0 c-1'])
  fails = 2
  await clock.advance(20_000)
  expect(announced.slice(2)).toEqual(['105000: c-1 c-0'])
  upkeep.stop()
  notifications.note({ topic: 'd', partition: 0 })
  await clock.advance(60_000)
  await settle()
  expect(announced.length).toBe(3)
})
