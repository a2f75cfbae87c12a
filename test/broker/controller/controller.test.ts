import { afterEach, describe, expect, test } from 'vitest'
import { configZnode } from '../../../src/broker/metadata/znodes/config.ts'
import { controllerEpochZnode } from '../../../src/broker/metadata/znodes/controller.ts'
import { isrChangeZnode } from '../../../src/broker/metadata/znodes/isr-change.ts'
import { logDirEventZnode } from '../../../src/broker/metadata/znodes/log-dir-event.ts'
import { brokerIdZnode } from '../../../src/broker/metadata/znodes/broker-id.ts'
import { topicZnode } from '../../../src/broker/metadata/znodes/topic.ts'
import { FakeCluster } from './fake-cluster.ts'
import { until } from './fake-broker.ts'

let cluster: FakeCluster
const start = async (ids: number[], properties?: Record<string, string>) => {
  cluster = await FakeCluster.start(ids, properties)
  return cluster
}
afterEach(() => cluster.stop())

const apis = (id: number) => cluster.broker(id).received.map(({ api }) => api)

describe('a topic', () => {
  test('is led by the first live replica, with the live ones in sync, and everybody hears of it', async () => {
    await start([1, 2, 3])
    for (const broker of cluster.brokers.values()) broker.received = []
    await cluster.create('t', { 0: [2, 3, 9], 1: [9, 1, 2], 2: [9] })
    expect(await cluster.untilState('t', 0, { leader: 2 })).toMatchObject({ isr: [2, 3], leaderEpoch: 0, controllerEpoch: 1 })
    expect(await cluster.untilState('t', 1, { leader: 1 })).toMatchObject({ isr: [1, 2], leaderEpoch: 0 })
    await cluster.broker(2).until('hears of its roles', () => cluster.broker(2).roles.size === 2)
    expect(cluster.broker(2).roles.get('t-0')).toMatchObject({ leader: 2, isNew: true, replicas: [2, 3, 9], zkVersion: 0 })
    for (const id of [1, 2, 3]) await cluster.broker(id).until('hears of both', () => cluster.broker(id).metadata.size === 2)
    expect(apis(2)).toEqual(['LeaderAndIsr', 'LeaderAndIsr', 'UpdateMetadata'])
    expect(apis(3)).toEqual(['LeaderAndIsr', 'UpdateMetadata'])
    expect(await cluster.state('t', 2)).toBeUndefined()
    await cluster.add(9)
    expect(await cluster.untilState('t', 2, { leader: 9 })).toMatchObject({ isr: [9], leaderEpoch: 0 })
  })

  test('grows', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [1] })
    const before = await cluster.untilState('t', 0, { leader: 1 })
    await cluster.grow('t', { 0: [2], 1: [2, 1] })
    await cluster.untilState('t', 1, { leader: 2, isr: [2, 1] })
    // What stands there of an older partition is not the business of growth.
    expect(await cluster.state('t', 0)).toEqual(before)
  })

  test('whose znodes a dead controller left half made gets its leader', async () => {
    await start([1])
    await cluster.zookeeper.create('/brokers/topics/half', Buffer.from('{"version":2,"partitions":{"0":[1]}}'))
    await cluster.zookeeper.create('/brokers/topics/half/partitions', null).catch(() => {})
    await cluster.untilState('half', 0, { leader: 1 })
  })

  test('with a znode that cannot be read does not stop the others', async () => {
    await start([1, 2])
    await cluster.zookeeper.create('/brokers/topics/bad', Buffer.from('no json'))
    await cluster.create('good', { 0: [2] })
    await cluster.untilState('good', 0, { leader: 2 })
    await cluster.broker(1).die()
    await cluster.untilControlled()
    await cluster.create('better', { 0: [2] })
    await cluster.untilState('better', 0, { leader: 2 })
  })
})

describe('topics that appear together', () => {
  const znodeOf = (topic: string) => {
    const assignment = { replicas: new Map([[0, [2]]]), adding: new Map(), removing: new Map() }
    return { type: 'create', path: topicZnode.path(topic), data: topicZnode.encode(assignment) } as const
  }

  test('are told to each broker together', async () => {
    await start([1, 2])
    for (const broker of cluster.brokers.values()) broker.received = []
    const topics = Array.from({ length: 60 }, (_unused, n) => `t${n}`)
    await cluster.zookeeper.multi(topics.map(znodeOf))
    for (const id of [1, 2]) await cluster.broker(id).until('hears of all', () => cluster.broker(id).metadata.size === topics.length)
    expect(cluster.broker(2).roles.size).toBe(topics.length)
    // All znodes are read before the first state is written: those that came before that write, and the rest.
    expect(apis(2).filter((api) => api === 'LeaderAndIsr').length).toBeLessThanOrEqual(2)
    expect(apis(1).length).toBeLessThanOrEqual(2)
  })

  test('are led but for the one whose state somebody wrote badly', async () => {
    await start([1, 2])
    const bad = ['/brokers/topics/bad/partitions', '/brokers/topics/bad/partitions/0', '/brokers/topics/bad/partitions/0/state']
    await cluster.zookeeper.multi([
      znodeOf('bad'),
      ...bad.map((path) => ({ type: 'create', path, data: Buffer.from('no json') }) as const),
      ...['x', 'y', 'z'].map(znodeOf),
    ])
    for (const topic of ['x', 'y', 'z']) await cluster.untilState(topic, 0, { leader: 2 })
    await cluster.broker(2).until('hears of them', () => cluster.broker(2).roles.size === 3)
  })
})

describe('a broker that fails', () => {
  test('loses leaderships and leaves in-sync sets; the epoch rises by one; only what changed is told', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [3, 1, 2], 1: [1, 3, 2], 2: [1, 2], 3: [3] })
    for (const partition of [0, 1, 2, 3]) await cluster.untilState('t', partition, { leaderEpoch: 0 })
    await cluster.untilControlled()
    for (const broker of cluster.brokers.values()) broker.received = []
    await cluster.broker(3).die()
    await cluster.untilState('t', 0, { leader: 1, isr: [1, 2], leaderEpoch: 1 })
    await cluster.untilState('t', 1, { leader: 1, isr: [1, 2], leaderEpoch: 1 })
    await cluster.untilState('t', 3, { leader: -1, isr: [3], leaderEpoch: 1 })
    expect(await cluster.state('t', 2)).toMatchObject({ leader: 1, leaderEpoch: 0, version: 0 })
    await cluster.untilControlled()
    const led = cluster.broker(2).received.filter(({ api }) => api === 'LeaderAndIsr')
    expect(led).toHaveLength(1)
    expect(cluster.broker(2).liveBrokers).toEqual([1, 2])
    expect(cluster.broker(2).metadata.get('t-3')).toBe(-1)
    expect([...cluster.broker(2).roles.values()].map(({ leaderEpoch }) => leaderEpoch)).toEqual([1, 1, 0])
  })

  test('and comes back follows, gets what only it can lead, and knows everybody first', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [2, 1], 1: [2] })
    await cluster.untilState('t', 1, { leader: 2 })
    await cluster.broker(2).die()
    await cluster.untilState('t', 0, { leader: 1, isr: [1] })
    await cluster.untilState('t', 1, { leader: -1, isr: [2], leaderEpoch: 1 })
    cluster.broker(2).received = []
    await cluster.add(2)
    await cluster.untilState('t', 1, { leader: 2, isr: [2], leaderEpoch: 2 })
    expect(await cluster.state('t', 0)).toMatchObject({ leader: 1, isr: [1] })
    await cluster.broker(2).until('has both roles', () => cluster.broker(2).roles.size === 2)
    expect(apis(2).slice(0, 2)).toEqual(['UpdateMetadata', 'LeaderAndIsr'])
    await cluster.broker(1).until('knows both', () => cluster.broker(1).liveBrokers.length === 2)
  })

  test('and registers anew before anybody has noticed, failed and started', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [2, 1] })
    await cluster.untilState('t', 0, { leader: 2, leaderEpoch: 0 })
    const two = cluster.broker(2)
    const { data } = await two.zookeeper.get(brokerIdZnode.path(2))
    // One transaction: no watch can see the absence.
    await two.zookeeper.multi([
      { type: 'delete', path: brokerIdZnode.path(2), version: -1 },
      { type: 'create', path: brokerIdZnode.path(2), data, mode: 'ephemeral' },
    ])
    two.brokerEpoch = (await two.zookeeper.exists(brokerIdZnode.path(2)))!.czxid
    two.roles.clear()
    await cluster.untilState('t', 0, { leader: 1, isr: [1], leaderEpoch: 1 })
    await two.until('follows in its new life', () => two.roles.get('t-0')?.leader === 1)
    const epochs = two.received.filter(({ api }) => api === 'LeaderAndIsr').map(({ request }) => request.brokerEpoch)
    expect(BigInt(epochs.at(-1)!)).toBe(two.brokerEpoch)
  })

  test('leaves a partition offline when nobody in sync is left, until the topic allows an unclean leader', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [2, 1] })
    await cluster.untilState('t', 0, { leader: 2 })
    await cluster.changeIsr('t', 0, [2])
    await cluster.broker(2).die()
    await cluster.untilState('t', 0, { leader: -1, isr: [2] })
    const term = (await cluster.untilControlled()).controller!.term!
    expect(term.figures()).toMatchObject({ offlinePartitions: 1, uncleanElections: 0 })
    term.uncleanElectionMayBeAllowed('t')
    await term.settled()
    expect(await cluster.state('t', 0)).toMatchObject({ leader: -1 })
    const config = new Map([['unclean.leader.election.enable', 'true']])
    await cluster.zookeeper.set(configZnode.path('topics', 't'), configZnode.encode(config), -1)
    term.uncleanElectionMayBeAllowed('t')
    await cluster.untilState('t', 0, { leader: 1, isr: [1] })
    expect(term.figures()).toMatchObject({ offlinePartitions: 0, uncleanElections: 1 })
  })
})

describe('a new controller', () => {
  test('has the next epoch, introduces the brokers first, and repairs what happened meanwhile', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [1, 2, 3], 1: [2, 3, 1] })
    await cluster.untilState('t', 1, { leader: 2 })
    await cluster.untilControlled()
    for (const broker of cluster.brokers.values()) broker.received = []
    await cluster.broker(1).die()
    await cluster.untilState('t', 0, { leader: 2, isr: [2, 3], leaderEpoch: 1, controllerEpoch: 2 })
    await cluster.untilState('t', 1, { leader: 2, isr: [2, 3], leaderEpoch: 1 })
    await cluster.untilControlled()
    for (const id of [2, 3]) {
      const ofNew = cluster.broker(id).received.filter(({ request }) => request.controllerEpoch === 2)
      expect(ofNew.map(({ api }) => api).slice(0, 3)).toEqual(['UpdateMetadata', 'LeaderAndIsr', 'UpdateMetadata'])
      expect(cluster.broker(id).metadata).toEqual(new Map([['t-0', 2], ['t-1', 2]])) // oxfmt-ignore
    }
  })

  test('knows every partition from the moment that it says it is the controller, even if it has just started', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [1, 2], 1: [2, 1], 2: [2] })
    for (const partition of [0, 1, 2]) await cluster.untilState('t', partition, { leaderEpoch: 0 })
    await cluster.untilControlled()
    await cluster.broker(2).die()
    await cluster.broker(1).die()
    cluster.broker(2).received = []
    await cluster.add(2)
    expect((await cluster.untilControlled()).id).toBe(2)
    const ofOffice = cluster.broker(2).received.flatMap(({ api, request }) => (api === 'UpdateMetadata' ? [request] : []))
    expect(ofOffice[0]!.controllerId).toBe(2)
    expect(ofOffice[0]!.topicStates.map(({ topicName, partitionStates }) => [topicName, partitionStates.length])).toEqual([['t', 3]])
  })

  test('fences the old one, which wakes after its session and changes nothing', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [3, 1, 2] })
    await cluster.untilState('t', 0, { leader: 3 })
    const zombie = cluster.broker(1).controller!.term!
    // The old controller does not read its socket: it believes itself in office while another one is elected.
    const socket = cluster.broker(1).zookeeper
    const epoch = Number((await cluster.zookeeper.get(controllerEpochZnode.path)).data)
    await cluster.zookeeper.set(controllerEpochZnode.path, controllerEpochZnode.encode(epoch + 1), -1)
    const before = await cluster.state('t', 0)
    const moved = zombie.controlledShutdown(3, -1n)
    await expect(moved).rejects.toMatchObject({ error: 'NOT_CONTROLLER' })
    expect(await cluster.state('t', 0)).toEqual(before)
    await zombie.ended
    expect(socket.state).toBe('CONNECTED')
    const next = await cluster.untilControlled()
    expect(next.controller!.term).not.toBe(zombie)
    await cluster.create('u', { 0: [3] })
    expect((await cluster.untilState('u', 0, { leader: 3 })).controllerEpoch).toBeGreaterThan(epoch + 1)
  })

  test('sees that a leader was away while there was no controller, and does not let it go on in its epoch', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [1, 2, 3], 1: [2, 1, 3], 2: [1] })
    for (const partition of [0, 1, 2]) await cluster.untilState('t', partition, { leaderEpoch: 0 })
    await cluster.untilControlled()
    for (const id of [2, 3]) await cluster.broker(id).controller!.stop()
    await cluster.kill(1)
    await cluster.add(1, { isCandidate: false })
    cluster.broker(3).stand()
    await cluster.untilControlled()
    expect(await cluster.state('t', 0)).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 })
    expect(await cluster.state('t', 1)).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 })
    expect(await cluster.state('t', 2)).toMatchObject({ leader: 1, isr: [1], leaderEpoch: 1 })
    await cluster.broker(1).until('hears its part', () => cluster.broker(1).roles.size === 3)
    expect(cluster.broker(1).roles.get('t-0')).toMatchObject({ leader: 2, leaderEpoch: 1 })
    // Nothing more happens to what a controller has seen.
    await cluster.broker(3).controller!.stop()
    cluster.broker(2).stand()
    await cluster.untilControlled()
    expect(await cluster.state('t', 0)).toMatchObject({ leader: 2, isr: [2, 3], leaderEpoch: 1 })
  })

  test('finishes what a lost connection left unknown', async () => {
    await start([1, 2])
    await cluster.create('t', Object.fromEntries(Array.from({ length: 250 }, (_unused, n) => [n, [2, 1]])))
    await cluster.untilState('t', 249, { leader: 2 })
    await cluster.untilControlled()
    await cluster.broker(2).die()
    // Some of the writes may be lost with this connection, some applied.
    for (const connection of cluster.connectionsOf(cluster.broker(1))) connection.destroy()
    for (const partition of [0, 120, 249]) await cluster.untilState('t', partition, { leader: 1, isr: [1], leaderEpoch: 1 })
    await cluster.untilControlled()
    const roles = [...cluster.broker(1).roles.values()]
    expect(roles.filter(({ leader, leaderEpoch }) => leader === 1 && leaderEpoch === 1)).toHaveLength(250)
    expect([...cluster.broker(1).metadata.values()].every((leader) => leader === 1)).toBe(true)
  })
})

describe('what brokers report', () => {
  test('a changed in-sync set is told to everybody, and the report is deleted', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [1, 2] })
    await cluster.untilState('t', 0, { leader: 1 })
    await cluster.untilControlled()
    await cluster.changeIsr('t', 0, [1])
    const isrOf = () =>
      cluster
        .broker(2)
        .received.flatMap(({ api, request }) =>
          api === 'UpdateMetadata' ? request.topicStates.flatMap(({ partitionStates }) => partitionStates.map(({ isr }) => isr)) : [],
        )
    await cluster.zookeeper.create(isrChangeZnode.sequencePrefix, isrChangeZnode.encode([{ topic: 't', partition: 0 }]), {
      mode: 'persistent-sequential',
    })
    await cluster.zookeeper.create(isrChangeZnode.sequencePrefix, Buffer.from('nonsense'), { mode: 'persistent-sequential' })
    await cluster.broker(2).until('hears of it', () => isrOf().some((isr) => isr.length === 1))
    await until('the reports are gone', async () => (await cluster.zookeeper.children(isrChangeZnode.parent)).children.length === 0)
    // A write that does not know the leader's fails, is read again and decided anew.
    await cluster.changeIsr('t', 0, [1, 2])
    await cluster.broker(2).die()
    await cluster.untilState('t', 0, { leader: 1, isr: [1] })
  })

  test('a failed log directory: its replicas are led elsewhere until the broker starts again', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [2, 1, 3], 1: [2, 3, 1] })
    await cluster.untilState('t', 1, { leader: 2 })
    cluster.broker(2).failed.add('t-0')
    await cluster.zookeeper.create(logDirEventZnode.sequencePrefix, logDirEventZnode.encode(2), { mode: 'persistent-sequential' })
    await cluster.untilState('t', 0, { leader: 1, isr: [1, 3], leaderEpoch: 1 })
    expect(await cluster.state('t', 1)).toMatchObject({ leader: 2, isr: [2, 3, 1], leaderEpoch: 0 })
    await cluster.untilControlled()
    await until('the report is gone', async () => (await cluster.zookeeper.children(logDirEventZnode.parent)).children.length === 0)
    await cluster.broker(1).die()
    await cluster.broker(3).die()
    await cluster.untilControlled()
    expect((await cluster.state('t', 0))!.leader).not.toBe(2)
    cluster.broker(2).failed.clear()
    await cluster.broker(2).die()
    await cluster.add(3)
    await cluster.untilState('t', 0, { leader: 3 })
  })

  test('other listeners of a broker are told to everybody', async () => {
    await start([1, 2])
    await cluster.untilControlled()
    const endpoints = (['PLAINTEXT', 'OTHER'] as const).map((name) => ({
      name,
      host: 'elsewhere',
      port: 1,
      protocol: 'PLAINTEXT' as const,
    }))
    const data = brokerIdZnode.encode({ id: 2, rack: null, timestampMs: 0, endpoints })
    cluster.broker(1).received = []
    await cluster.zookeeper.set(brokerIdZnode.path(2), data, -1)
    await cluster
      .broker(1)
      .until('hears of it', () =>
        cluster
          .broker(1)
          .received.some(
            ({ api, request }) => api === 'UpdateMetadata' && request.liveBrokers.find(({ id }) => id === 2)!.endpoints.length === 2,
          ),
      )
  })
})

describe('a broker that wants to stop', () => {
  test('loses its leaderships and memberships while it answers, and keeps what nobody else can lead', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [2, 1, 3], 1: [1, 2, 3], 2: [2], 3: [2, 3] })
    await cluster.untilState('t', 3, { leader: 2 })
    await cluster.changeIsr('t', 3, [2])
    const term = (await cluster.untilControlled()).controller!.term!
    cluster.broker(2).received = []
    expect(await term.controlledShutdown(2, cluster.broker(2).brokerEpoch)).toMatchObject([{ topic: 't', partition: 3 }])
    expect(await cluster.state('t', 0)).toMatchObject({ leader: 1, isr: [1, 3], leaderEpoch: 1 })
    expect(await cluster.state('t', 1)).toMatchObject({ leader: 1, isr: [1, 3], leaderEpoch: 1 })
    expect(await cluster.state('t', 2)).toMatchObject({ leader: 2, leaderEpoch: 0 })
    await term.settled()
    expect(cluster.broker(2).roles.get('t-0')).toMatchObject({ leader: 1 })
    expect(cluster.broker(2).roles.has('t-1')).toBe(false)
    expect(cluster.broker(2).disk.has('t-1')).toBe(true)
    expect(cluster.broker(1).leads('t', 0)).toBe(true)
    // It gets nothing new while it stops, and everything again when it is back.
    await cluster.create('u', { 0: [2, 3] })
    await cluster.untilState('u', 0, { leader: 3 })
    await cluster.broker(2).die()
    await cluster.add(2)
    await cluster.untilState('t', 3, { leader: 2 })
    await cluster.broker(2).until('follows again', () => cluster.broker(2).roles.get('t-1')?.leader === 1)
  })

  test('must be registered, and mean this registration', async () => {
    await start([1, 2])
    const term = (await cluster.untilControlled()).controller!.term!
    await expect(term.controlledShutdown(7, -1n)).rejects.toMatchObject({ error: 'BROKER_NOT_AVAILABLE' })
    const { brokerEpoch } = cluster.broker(2)
    await expect(term.controlledShutdown(2, brokerEpoch - 1n)).rejects.toMatchObject({ error: 'STALE_BROKER_EPOCH' })
    expect(await term.controlledShutdown(2, -1n)).toEqual([])
    expect(await term.controlledShutdown(2, brokerEpoch)).toEqual([])
  })
})

describe('a deletion', () => {
  test('removes replicas first, znodes last, and the name can be used again', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [1, 2], 1: [2, 1] })
    await cluster.untilState('t', 1, { leader: 2 })
    await cluster.untilControlled()
    await cluster.delete('t')
    await until('the topic is gone', async () => !(await cluster.exists('t')))
    expect((await cluster.zookeeper.children('/admin/delete_topics')).children).toEqual([])
    expect(await cluster.zookeeper.exists(configZnode.path('topics', 't'))).toBeUndefined()
    for (const id of [1, 2]) {
      expect(cluster.broker(id).disk).toEqual(new Set())
      expect(cluster.broker(id).metadata).toEqual(new Map())
    }
    await cluster.create('t', { 0: [2, 1] })
    expect(await cluster.untilState('t', 0, { leader: 2 })).toMatchObject({ leaderEpoch: 0, version: 0 })
    await cluster.broker(2).until('leads the new one', () => cluster.broker(2).leads('t', 0))
  })

  test('waits for absent brokers, survives a new controller, and deletes their replicas when they are back', async () => {
    await start([1, 2, 3])
    await cluster.create('t', { 0: [1, 2, 3] })
    await cluster.untilState('t', 0, { leader: 1 })
    await cluster.broker(3).until('has it', () => cluster.broker(3).disk.size === 1)
    await cluster.broker(3).die()
    await cluster.untilState('t', 0, { isr: [1, 2] })
    await cluster.delete('t')
    await until('the others have deleted it', () => [1, 2].every((id) => cluster.broker(id).disk.size === 0))
    const first = await cluster.untilControlled()
    expect(first.controller!.term!.figures()).toMatchObject({
      topicsToDelete: 1,
      topicsIneligibleToDelete: 1,
      replicasIneligibleToDelete: 1,
    })
    expect(await cluster.exists('t')).toBe(true)
    await first.die()
    await cluster.add(first.id)
    await cluster.untilControlled()
    expect(await cluster.exists('t')).toBe(true)
    expect([1, 2].every((id) => cluster.broker(id).disk.size === 0)).toBe(true)
    await cluster.add(3)
    await until('the topic is gone', async () => !(await cluster.exists('t')))
    expect(cluster.broker(3).disk).toEqual(new Set())
  })

  test('that a broker refuses is tried again when it is back', async () => {
    await start([1, 2])
    await cluster.create('t', { 0: [1, 2] })
    await cluster.untilState('t', 0, { leader: 1 })
    await cluster.broker(2).until('has it', () => cluster.broker(2).disk.size === 1)
    cluster.broker(2).failed.add('t-0')
    await cluster.delete('t')
    await cluster.broker(1).until('has deleted it', () => cluster.broker(1).disk.size === 0)
    const { controller } = await cluster.untilControlled()
    await until('it is known', () => controller!.term!.figures().topicsIneligibleToDelete === 1)
    expect(await cluster.exists('t')).toBe(true)
    cluster.broker(2).failed.clear()
    await cluster.broker(2).die()
    await cluster.add(2)
    await until('the topic is gone', async () => !(await cluster.exists('t')))
    expect(cluster.broker(2).disk).toEqual(new Set())
  })

  test('that is not allowed, or of no topic, is dropped', async () => {
    await start([1], { 'delete.topic.enable': 'false' })
    await cluster.create('t', { 0: [1] })
    await cluster.untilState('t', 0, { leader: 1 })
    await cluster.delete('t')
    await cluster.delete('nothing')
    await until('the requests are gone', async () => (await cluster.zookeeper.children('/admin/delete_topics')).children.length === 0)
    expect(await cluster.exists('t')).toBe(true)
  })
})

test('a new leader hears of it before those who are to follow it', async () => {
  await start([1, 2, 3])
  const hold = Promise.withResolvers<void>()
  cluster.broker(2).holds = hold.promise
  await cluster.create('t', { 0: [2, 3] })
  await cluster.untilState('t', 0, { leader: 2 })
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(cluster.broker(3).roles.size).toBe(0)
  hold.resolve()
  cluster.broker(2).holds = undefined
  await cluster.broker(3).until('follows', () => cluster.broker(3).roles.size === 1)
  // One that does not answer holds nobody up for long.
  const noAnswer = Promise.withResolvers<void>()
  cluster.broker(2).holds = noAnswer.promise
  await cluster.create('u', { 0: [2, 3] })
  await cluster.broker(3).until('follows', () => cluster.broker(3).roles.size === 2, 2000)
  expect(cluster.broker(2).roles.size).toBe(1)
  noAnswer.resolve()
})

test('a broker that does not answer is told in the end only what holds then', async () => {
  await start([1, 2])
  const hold = Promise.withResolvers<void>()
  cluster.broker(2).holds = hold.promise
  await cluster.create('t', { 0: [2, 1] })
  await cluster.untilState('t', 0, { leader: 2 })
  for (let n = 0; n < 20; n++) {
    await cluster.create(`u${n}`, { 0: [1, 2] })
    await cluster.untilState(`u${n}`, 0, { leader: 1 })
  }
  cluster.broker(2).received = []
  hold.resolve()
  cluster.broker(2).holds = undefined
  await cluster.broker(2).until('knows all', () => cluster.broker(2).roles.size === 21 && cluster.broker(2).metadata.size === 21)
  expect(cluster.broker(2).received.length).toBeLessThan(8)
})
