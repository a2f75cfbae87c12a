import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/broker/context.ts'
import { ControlGate } from '../../../src/broker/cluster/control-gate.ts'
import { handleLeaderAndIsr } from '../../../src/broker/handlers/04-leader-and-isr.ts'
import { handleStopReplica } from '../../../src/broker/handlers/05-stop-replica.ts'
import type { MetadataCache } from '../../../src/broker/metadata/cache.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { errorName, KafkaError } from '../../../src/protocol/errors.ts'
import { batchOf } from '../../log/support.ts'
import { settle } from '../../support/manual-clock.ts'
import { fetched, ReplicaLab } from './support/replica-lab.ts'

const BROKER_EPOCH = 40n

/** A broker as the controller sees it. */
class Controlled {
  readonly lab: ReplicaLab
  readonly gate: ControlGate
  brokerEpoch = BROKER_EPOCH

  constructor(lab: ReplicaLab) {
    this.lab = lab
    this.gate = new ControlGate({ replicas: lab.table, cache: {} as MetadataCache, brokerEpoch: () => this.brokerEpoch })
  }
  static async open(): Promise<Controlled> {
    return new Controlled(await ReplicaLab.open())
  }

  get #context(): Context {
    const admin = { control: this.gate, configs: { forgetTopic: () => {} } }
    return { authorize: () => {}, broker: { brokerId: 1, logger: silentLogger, admin } } as unknown as Context
  }

  /** The errors of the partitions; the request's own is thrown. */
  async leaderAndIsr(
    state: { leader?: number; leaderEpoch?: number; replicas?: number[]; isr?: number[]; isNew?: boolean },
    from: { controllerEpoch?: number; brokerEpoch?: bigint } = {},
  ): Promise<string[]> {
    const partition = {
      partitionIndex: 0,
      controllerEpoch: 1,
      leader: 1,
      leaderEpoch: 5,
      isr: [1, 2],
      zkVersion: 7,
      replicas: [1, 2],
      addingReplicas: [],
      removingReplicas: [],
      isNew: false,
      ...state,
    }
    const request = {
      controllerId: 2,
      controllerEpoch: 1,
      brokerEpoch: BROKER_EPOCH,
      ...from,
      ungroupedPartitionStates: [],
      topicStates: [{ topicName: 't', partitionStates: [partition] }],
      liveLeaders: [],
    }
    const reply = (await handleLeaderAndIsr(request as unknown as Parameters<typeof handleLeaderAndIsr>[0], this.#context)) as {
      partitionErrors: { errorCode: number }[]
    }
    return reply.partitionErrors.map(({ errorCode }) => errorName(errorCode))
  }

  async stopReplica(
    state: { leaderEpoch: number; deletePartition: boolean },
    from: { controllerEpoch?: number; brokerEpoch?: bigint } = {},
  ): Promise<string[]> {
    const request = {
      controllerId: 2,
      controllerEpoch: 1,
      brokerEpoch: BROKER_EPOCH,
      deletePartitions: false,
      ungroupedPartitions: [],
      topics: [],
      topicStates: [{ topicName: 't', partitionStates: [{ partitionIndex: 0, ...state }] }],
      ...from,
    }
    const reply = (await handleStopReplica(request as unknown as Parameters<typeof handleStopReplica>[0], this.#context)) as {
      partitionErrors: { errorCode: number }[]
    }
    return reply.partitionErrors.map(({ errorCode }) => errorName(errorCode))
  }

  /** What a refused request must leave as it is. */
  state() {
    const partition = this.lab.table.get('t', 0)
    return {
      files: this.lab.machine.disk.list('/logs').map(({ name }) => name),
      role: partition && { ...partition.leadership, isLeader: partition.isLeader, isFollower: partition.isFollower },
      calls: [...this.lab.followers.calls],
    }
  }
}
const thrown = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'NONE',
    (error: unknown) => (error instanceof KafkaError ? error.error : String(error)),
  )

describe('a request that is out of date changes nothing:', () => {
  const stale: [string, string, (broker: Controlled) => Promise<unknown>][] = [
    ['LeaderAndIsr of the same leader epoch', 'STALE_CONTROLLER_EPOCH', async (b) => (await b.leaderAndIsr({ leader: 2 }))[0]],
    [
      'LeaderAndIsr of an older leader epoch',
      'STALE_CONTROLLER_EPOCH',
      async (b) => (await b.leaderAndIsr({ leader: 2, leaderEpoch: 4 }))[0],
    ],
    ['LeaderAndIsr of a former controller', 'STALE_CONTROLLER_EPOCH', (b) => b.leaderAndIsr({ leaderEpoch: 6 }, { controllerEpoch: 0 })],
    ['LeaderAndIsr for a former life', 'STALE_BROKER_EPOCH', (b) => b.leaderAndIsr({ leaderEpoch: 6 }, { brokerEpoch: 39n })],
    [
      'LeaderAndIsr of a partition that is not for this broker',
      'UNKNOWN_TOPIC_OR_PARTITION',
      async (b) => (await b.leaderAndIsr({ leaderEpoch: 6, leader: 2, replicas: [2, 3], isr: [2] }))[0],
    ],
    [
      'StopReplica of the same leader epoch',
      'FENCED_LEADER_EPOCH',
      async (b) => (await b.stopReplica({ leaderEpoch: 5, deletePartition: true }))[0],
    ],
    [
      'StopReplica of an older leader epoch',
      'FENCED_LEADER_EPOCH',
      async (b) => (await b.stopReplica({ leaderEpoch: 4, deletePartition: true }))[0],
    ],
    [
      'StopReplica of a former controller',
      'STALE_CONTROLLER_EPOCH',
      (b) => b.stopReplica({ leaderEpoch: -2, deletePartition: true }, { controllerEpoch: 0 }),
    ],
    [
      'StopReplica for a former life',
      'STALE_BROKER_EPOCH',
      (b) => b.stopReplica({ leaderEpoch: -2, deletePartition: true }, { brokerEpoch: 39n }),
    ],
  ]
  test.each(stale)('%s is %s', async (_what, error, send) => {
    const broker = await Controlled.open()
    await broker.leaderAndIsr({})
    const before = broker.state()
    const answered = await send(broker).catch((cause: unknown) => (cause as KafkaError).error)
    expect(answered).toBe(error)
    expect(broker.state()).toEqual(before)
  })

  test('a partition that is not for this broker is not made here either', async () => {
    const broker = await Controlled.open()
    expect(await broker.leaderAndIsr({ leader: 2, replicas: [2, 3], isr: [2] })).toEqual(['UNKNOWN_TOPIC_OR_PARTITION'])
    expect(broker.state()).toMatchObject({ role: undefined, calls: [] })
    expect(broker.state().files.filter((name) => name.startsWith('t-'))).toEqual([])
  })
})

test('a broker epoch that this broker has not read yet, and an unknown one, are taken', async () => {
  const broker = await Controlled.open()
  expect(await broker.leaderAndIsr({}, { brokerEpoch: 41n })).toEqual(['NONE'])
  expect(await broker.leaderAndIsr({ leaderEpoch: 6 }, { brokerEpoch: -1n })).toEqual(['NONE'])
})

test.each([-2, -1, 6])('StopReplica with leader epoch %i stops the replica and deletes its log', async (leaderEpoch) => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({ leader: 2 })
  expect(await broker.stopReplica({ leaderEpoch, deletePartition: true })).toEqual(['NONE'])
  expect(broker.lab.followers.calls.at(-1)).toBe('unfollow t-0')
  expect([broker.lab.table.get('t', 0), broker.lab.logs.get('t', 0)]).toEqual([undefined, undefined])
})

test('StopReplica deletes a log that no request has named since the start', async () => {
  const before = await ReplicaLab.open()
  await before.lead()
  await before.logs.close()
  await before.start()
  const broker = new Controlled(before)
  expect([broker.lab.table.get('t', 0), broker.lab.logs.get('t', 0) === undefined]).toEqual([undefined, false])
  expect(await broker.stopReplica({ leaderEpoch: -2, deletePartition: true })).toEqual(['NONE'])
  expect(broker.lab.logs.get('t', 0)).toBeUndefined()
})

test('a replica that was stopped but not deleted remembers its epoch and serves nobody', async () => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({})
  expect(await broker.stopReplica({ leaderEpoch: 6, deletePartition: false })).toEqual(['NONE'])
  const partition = broker.lab.table.get('t', 0)!
  expect([partition.isLeader, partition.isFollower, partition.leaderEpoch]).toEqual([false, false, 5])
  expect(await broker.leaderAndIsr({})).toEqual(['STALE_CONTROLLER_EPOCH'])
  expect(await broker.leaderAndIsr({ leaderEpoch: 7 })).toEqual(['NONE'])
  expect(partition.isLeader).toBe(true)
})

test('the fetcher is stopped before a follower leads, and before it follows in another epoch', async () => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({ leader: 2 })
  await broker.leaderAndIsr({ leader: 2, leaderEpoch: 6 })
  const { promise, resolve } = Promise.withResolvers<void>()
  broker.lab.followers.held = promise
  const leads = broker.leaderAndIsr({ leaderEpoch: 7 })
  await settle()
  const partition = broker.lab.table.get('t', 0)!
  expect([partition.isLeader, partition.leaderEpoch]).toEqual([false, 6])
  resolve()
  await leads
  expect([partition.isLeader, partition.leaderEpoch]).toEqual([true, 7])
  expect(broker.lab.followers.calls).toEqual([
    'unfollow t-0',
    'follow t-0 of 2 in 5',
    'unfollow t-0',
    'follow t-0 of 2 in 6',
    'unfollow t-0',
  ])
  expect(broker.lab.roles).toEqual(['t-0 does not lead', 't-0 does not lead', 't-0 leads'])
})

test('without a leader a follower stays what it is, and a leader steps down', async () => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({ leader: 2 })
  expect(await broker.leaderAndIsr({ leader: -1, leaderEpoch: 6 })).toEqual(['NONE'])
  const partition = broker.lab.table.get('t', 0)!
  expect([partition.isFollower, partition.leaderEpoch]).toEqual([true, 5])
  await broker.leaderAndIsr({ leader: 1, leaderEpoch: 7 })
  expect(await broker.leaderAndIsr({ leader: -1, leaderEpoch: 8 })).toEqual(['NONE'])
  expect([partition.isLeader, partition.leaderEpoch]).toEqual([false, 7])
  expect(await broker.leaderAndIsr({ leader: 1, leaderEpoch: 8 })).toEqual(['NONE'])
  expect(partition.isLeader).toBe(true)
})

describe('a broker that lost its registration', () => {
  test('leads nothing, refuses what was meant for its former life, and leads the same epoch again for its next one', async () => {
    const broker = await Controlled.open()
    await broker.leaderAndIsr({})
    const partition = broker.lab.table.get('t', 0)!
    broker.gate.fence()
    expect(partition.isLeader).toBe(false)
    expect(await thrown(broker.leaderAndIsr({ leaderEpoch: 6 }))).toBe('STALE_BROKER_EPOCH')
    expect(partition.isLeader).toBe(false)
    broker.brokerEpoch = 50n
    expect(await broker.leaderAndIsr({}, { brokerEpoch: 50n })).toEqual(['NONE'])
    expect(partition.isLeader).toBe(true)
    expect(await broker.leaderAndIsr({}, { brokerEpoch: 50n })).toEqual(['STALE_CONTROLLER_EPOCH'])
  })

  test('does not carry through a leadership that began before', async () => {
    const broker = await Controlled.open()
    await broker.leaderAndIsr({ leader: 2 })
    const { promise, resolve } = Promise.withResolvers<void>()
    broker.lab.followers.held = promise
    const leads = broker.leaderAndIsr({ leaderEpoch: 6 })
    await settle()
    broker.gate.fence()
    resolve()
    expect(await leads).toEqual(['STALE_BROKER_EPOCH'])
    expect(broker.lab.table.get('t', 0)!.isLeader).toBe(false)
  })
})

test('a leader epoch is on the medium before the first append in it', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead()
  await partition.append(batchOf(1), { origin: 'client', requiredAcks: 1 })
  const { promise, resolve } = Promise.withResolvers<void>()
  const persist = partition.log.persistEpochs.bind(partition.log)
  partition.log.persistEpochs = async () => {
    await promise
    await persist()
  }
  const leads = lab.lead({ leaderEpoch: 6 })
  await settle()
  let isAppended = false
  const appended = Promise.resolve(partition.append(batchOf(1), { origin: 'client', requiredAcks: 1 })).then(() => (isAppended = true))
  await settle()
  expect([isAppended, partition.log.logEndOffset]).toEqual([false, 1])
  const written = () => lab.machine.disk.readFile('/logs/t-0/leader-epoch-checkpoint').toString()
  expect(written()).toBe('0\n1\n5 0\n')
  resolve()
  await leads
  expect(written()).toBe('0\n2\n5 0\n6 1\n')
  await appended
  expect(partition.log.logEndOffset).toBe(2)
})

test('a leader whose epoch cannot be written does not lead', async () => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({ leader: 2 })
  broker.lab.machine.memory.fail('open', { path: /leader-epoch-checkpoint/, code: 'EIO', times: Infinity })
  broker.lab.machine.memory.fail('write', { path: /leader-epoch-checkpoint/, code: 'EIO', times: Infinity })
  expect(await broker.leaderAndIsr({ leaderEpoch: 6 })).toEqual(['KAFKA_STORAGE_ERROR'])
  expect(broker.lab.table.get('t', 0)!.isLeader).toBe(false)
})

test('the replicas of a failed directory serve and follow no more', async () => {
  const broker = await Controlled.open()
  await broker.leaderAndIsr({ leader: 2 })
  const partition = broker.lab.table.get('t', 0)!
  await broker.lab.table.offline(partition.log.logDir)
  expect(broker.lab.followers.calls.at(-1)).toBe('unfollow t-0')
  expect(() => partition.checkLeader(-1)).toThrow(KafkaError)
  expect(await broker.leaderAndIsr({ leaderEpoch: 6 })).toEqual(['KAFKA_STORAGE_ERROR'])
  expect(await broker.stopReplica({ leaderEpoch: -2, deletePartition: true })).toEqual(['KAFKA_STORAGE_ERROR'])
})

test('a leader that stays leader keeps what it knows of its followers, but gives them the lag time anew', async () => {
  const lab = await ReplicaLab.open()
  const partition = await lab.lead({ isr: [1, 2], replicas: [1, 2] })
  await partition.append(batchOf(3), { origin: 'client', requiredAcks: 1 })
  fetched(partition, lab, 2, 2)
  await lab.clock.advance(1000)
  await lab.lead({ leaderEpoch: 6, isr: [1, 2], replicas: [1, 2, 3] })
  expect([...partition.followerStates()]).toMatchObject([
    { brokerId: 2, logEndOffset: 2, lastCaughtUpMs: 1000 },
    { brokerId: 3, logEndOffset: -1, lastCaughtUpMs: -Infinity },
  ])
})
