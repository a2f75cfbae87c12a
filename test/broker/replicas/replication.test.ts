import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import type { KafkaConnection } from '../../../src/client/connection.ts'
import { batchOf, valuesOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { connectTo, HandController } from './support/hand-controller.ts'

const extra = ['replica.lag.time.max.ms=1500', 'replica.fetch.wait.max.ms=100', 'log.flush.offset.checkpoint.interval.ms=60000']
let zookeeper: OurZooKeeper
let controller: HandController
let brokers: OurBroker[]
const broker = (id: number): OurBroker => brokers.find((one) => one.id === id)!

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  controller = await HandController.start(zookeeper.port, [1, 2, 3])
  brokers = await Promise.all([1, 2, 3].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra, isAlone: true })))
  await controller.createTopic({ leader: 1, leaderEpoch: 0, isr: [1, 2, 3] })
  await controller.tell(brokers, { isNew: true })
}, 60_000)

afterAll(async () => {
  // A clean stop would wait for a controller that does not answer.
  for (const one of brokers ?? []) await one.program.kill('SIGKILL')
  await Promise.all((brokers ?? []).map((one) => one.stop()))
  await controller?.zookeeper.close()
  await zookeeper?.stop()
}, 60_000)

const send = async (connection: KafkaConnection, values: string[], acks = -1): Promise<number> => {
  const request = {
    transactionalId: null,
    acks,
    timeoutMs: 10_000,
    topics: [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf(values, { timestamp: Date.now() }) }] }],
  }
  const { responses } = await connection.request(produce, request, { version: 8 })
  return responses[0]!.partitions[0]!.errorCode
}

const readAll = async (connection: KafkaConnection): Promise<string[]> => {
  const wanted = { partitionIndex: 0, currentLeaderEpoch: -1, fetchOffset: 0, logStartOffset: -1, maxBytes: 10_000_000 }
  const request = {
    replicaId: -1,
    maxWait: 0,
    minBytes: 0,
    maxBytes: 10_000_000,
    isolationLevel: 0,
    sessionId: 0,
    epoch: -1,
    topics: [{ name: 't', fetchPartitions: [wanted] }],
    forgotten: [],
    rackId: '',
  }
  const { topics } = await connection.request(fetch, request as never, { version: 11 })
  return valuesOf(topics[0]!.partitions[0]!.records)
}

const isr = async (): Promise<number[]> => [...(await controller.state()).isr].sort((a, b) => a - b)
const isrBecomes = (expected: number[]): Promise<true> => eventually(async () => String(await isr()) === String(expected))
const logOf = (id: number): Buffer => readFileSync(join(broker(id).logDir, 't-0', '00000000000000000000.log'))
const numbered = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, index) => `v${from + index}`)

test(
  'three brokers: a killed follower leaves the in-sync set and comes back, a killed leader loses nothing',
  { timeout: 60_000 },
  async () => {
    let leader = await connectTo(broker(1))
    for (const value of numbered(0, 20)) expect(await send(leader, [value])).toBe(0)
    expect(await readAll(leader)).toEqual(numbered(0, 20))

    // A follower dies: what comes now waits for the lag time, then is acknowledged by those who are left.
    await broker(3).program.kill('SIGKILL')
    expect(await send(leader, ['v20'])).toBe(0)
    expect(await isr()).toEqual([1, 2])
    expect(await send(leader, numbered(21, 40))).toBe(0)

    await broker(3).restart('SIGKILL')
    expect([...(await controller.tell([broker(3)], { alive: brokers }))]).toEqual([[3, 0]])
    await isrBecomes([1, 2, 3])
    expect(logOf(3)).toEqual(logOf(1))

    // The leader dies with a record that only it has.
    for (const id of [2, 3]) broker(id).program.signal('SIGSTOP')
    expect(await send(leader, ['only here'], 1)).toBe(0)
    leader.close()
    await broker(1).program.kill('SIGKILL')
    for (const id of [2, 3]) broker(id).program.signal('SIGCONT')
    await controller.elect(2, [2, 3])
    await controller.tell([broker(2), broker(3)])
    leader = await connectTo(broker(2))
    for (const value of numbered(40, 60)) expect(await send(leader, [value])).toBe(0)

    // The old leader follows, and cuts off what nobody else has.
    await broker(1).restart('SIGKILL')
    await controller.tell(brokers)
    await isrBecomes([1, 2, 3])
    const all = await readAll(leader)
    expect(all.filter((value) => value !== 'only here')).toEqual(numbered(0, 60))
    expect(logOf(1)).toEqual(logOf(2))
    expect(logOf(3)).toEqual(logOf(2))
    leader.close()
  },
)
