import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { createTopics } from '../../../src/protocol/api/19-create-topics.ts'
import { metadata } from '../../../src/protocol/api/03-metadata.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import type { KafkaConnection } from '../../../src/client/connection.ts'
import { batchOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { connectTo } from './support/hand-controller.ts'
import { readValues } from './support/values.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const extra = [
  'replica.lag.time.max.ms=2000',
  'replica.fetch.wait.max.ms=100',
  'zookeeper.session.timeout.ms=1500',
  'auto.create.topics.enable=false',
]
const IDS = [1, 2, 3]
let zookeeper: OurZooKeeper
let client: ZooKeeperClient
let brokers: OurBroker[]
const broker = (id: number): OurBroker => brokers.find((one) => one.id === id)!
const others = (id: number): number[] => IDS.filter((other) => other !== id)

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  client = await zooKeeperAt(zookeeper.port)
  brokers = await Promise.all(IDS.map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra })))
}, 60_000)

afterAll(async () => {
  // Three clean stops at a time would wait for one another.
  for (const one of brokers ?? []) await one.program.kill('SIGKILL')
  await Promise.all((brokers ?? []).map((one) => one.stop()))
  await client?.close()
  await zookeeper?.stop()
}, 60_000)

type Seen = { leader: number; isr: number[] }
const stateOf = async (id: number): Promise<Seen & { controller: number; brokers: number[] }> => {
  const connection = await connectTo(broker(id))
  try {
    const reply = await connection.request(metadata, { topics: [{ name: 't' }] })
    const found = reply.topics[0]?.partitions[0]
    const [leader, isr] = [found?.leaderId ?? -1, found?.isrNodes ?? []]
    const seen = reply.brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b)
    return { leader, isr: isr.toSorted((a, b) => a - b), controller: reply.controllerId, brokers: seen }
  } finally {
    connection.close()
  }
}
const seenBy = (id: number, expected: Partial<Seen>): Promise<Seen> =>
  eventually(async () => {
    const state = await stateOf(id)
    const isAsExpected = Object.entries(expected).every(([key, value]) => String(state[key as keyof Seen]) === String(value))
    return isAsExpected && state
  })

/** Everyone learns of it later, by the controller. */
const storedIsr = (expected: number[]): Promise<true> =>
  eventually(async () => {
    const { data } = await client.get(partitionStateZnode.path('t', 0))
    const isr = partitionStateZnode.decode('t', 0, data!).isr.toSorted((a, b) => a - b)
    return String(isr) === String(expected)
  })

/** Sends until it is acknowledged, to whoever leads. */
class Producer {
  #connection: KafkaConnection | undefined
  readonly sent: string[] = []

  async send(count: number, alive: readonly number[]): Promise<void> {
    for (let i = 0; i < count; i++) {
      const value = `v${this.sent.length}`
      await eventually(async () => (await this.#try(value, alive)) === 0, { timeoutMs: 20_000 })
      this.sent.push(value)
    }
  }

  async #try(value: string, alive: readonly number[]): Promise<number> {
    try {
      const known = await eventually(async () => (await stateOf(alive[0]!)).leader)
      if (!alive.includes(known)) return -1
      this.#connection ??= await connectTo(broker(known))
      const topics = [{ name: 't', partitions: [{ partitionIndex: 0, records: batchOf([value]) }] }]
      const reply = await this.#connection.request(produce, { transactionalId: null, acks: -1, timeoutMs: 10_000, topics }, { version: 8 })
      const code = reply.responses[0]!.partitions[0]!.errorCode
      if (code !== 0) this.#forget()
      return code
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  #forget(): void {
    this.#connection?.close()
    this.#connection = undefined
  }
  close(): void {
    this.#forget()
  }
}
const logOf = (id: number): Buffer => readFileSync(join(broker(id).logDir, 't-0', '00000000000000000000.log'))

test('brokers with their own controller: killed and stopped in turn, they lose nothing', { timeout: 110_000 }, async () => {
  const { controller } = await eventually(async () => {
    const state = await stateOf(1)
    return state.controller >= 0 && state.brokers.length === 3 && state
  })
  const admin = await connectTo(broker(controller))
  const topic = { name: 't', numPartitions: -1, replicationFactor: -1, configs: [], assignments: [{ partitionIndex: 0, brokerIds: IDS }] }
  const made = await admin.request(createTopics, { topics: [topic], timeoutMs: 10_000, validateOnly: false })
  expect(made.topics[0]!.errorCode).toBe(0)
  admin.close()
  await seenBy(2, { leader: 1, isr: IDS })
  const producer = new Producer()
  await producer.send(10, IDS)

  // Whoever leads is killed; the others elect, the dead one comes back into the set.
  for (const victim of [1, 2]) {
    await broker(victim).program.kill('SIGKILL')
    await producer.send(10, others(victim))
    await broker(victim).restart('SIGKILL')
    await storedIsr(IDS)
    await producer.send(5, IDS)
  }
  // A clean stop hands over.
  await broker(3).restart('SIGTERM')
  // The controller hears of it by a notification, and tells everyone.
  await seenBy(1, { isr: IDS })
  await producer.send(10, IDS)
  producer.close()

  // Broker 1 may still believe in the former leader, and a new one knows the high watermark only when its followers have asked.
  const read = async (): Promise<string[]> => readValues(await connectTo(broker((await stateOf(1)).leader)))
  const values = await eventually(async () => {
    const values = await read()
    return new Set(values).size >= producer.sent.length && values
  }).catch(read)
  // What was sent again after an unknown outcome may stand twice.
  expect([...new Set(values)]).toEqual(producer.sent)
  await eventually(() => IDS.every((id) => logOf(id).equals(logOf(1))))
})
