import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { createTopics } from '../../src/protocol/api/index.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import type { ForeignClient } from './clients/client.ts'
import { franzGoClient } from './clients/franz-go.ts'
import { javaClient } from './clients/line-client.ts'

const COUNT = 150_000
const IDS = [1, 2, 3]
const extra = [
  'zookeeper.session.timeout.ms=1500',
  'replica.lag.time.max.ms=3000',
  'min.insync.replicas=2',
  'auto.create.topics.enable=false',
  // The records' timestamps are what the test says.
  'log.retention.ms=-1',
]

describe.skipIf(lacks('kcat', 'java', 'maven', 'go'))('idempotent clients with their defaults, and three replicas', () => {
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[]
  let admin: ClusterClient
  const clients: ForeignClient[] = []
  /** Of the one that is not killed. */
  const bootstrap = (): string => `127.0.0.1:${brokers.at(-1)!.port}`

  beforeAll(async () => {
    zookeeper = await startOurZooKeeper()
    brokers = await Promise.all(IDS.map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, extra })))
    const hosts = brokers.map(({ port }) => ({ host: '127.0.0.1', port }))
    admin = new ClusterClient({ bootstrap: hosts, clientId: 'test', clock: monotonicClock, logger: silentLogger, timeoutMs: 15_000 })
    await eventually(async () => (await admin.brokers()).brokers.length === IDS.length, { timeoutMs: 20_000 })
    clients.push(javaClient('4.4.0'), franzGoClient())
  }, 40_000)
  afterAll(async () => {
    admin?.close()
    for (const client of clients) await client.stop()
    for (const broker of brokers ?? []) await broker.program.kill('SIGKILL')
    await Promise.all((brokers ?? []).map((broker) => broker.stop()))
    await zookeeper?.stop()
  })

  /** None while no broker tells of the topic. */
  const valuesIn = (topic: string): string[] => {
    const args = ['-b', bootstrap(), '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%s\n']
    const { status, stdout } = spawnSync('kcat', args, { encoding: 'utf8', timeout: 30_000, maxBuffer: 256 << 20 })
    return status === 0 ? stdout.split('\n').filter(Boolean) : []
  }

  test('each record is stored once while leaders are killed', { timeout: 110_000 }, async () => {
    const topics = clients.map((_client, index) => `once-${index}`)
    const assignments = IDS.map((_id, at) => ({ partitionIndex: at, brokerIds: [...IDS.slice(at), ...IDS.slice(0, at)] }))
    const wanted = topics.map((name) => ({ name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }))
    const made = await admin.controller(createTopics, { topics: wanted, timeoutMs: 15_000 })
    expect(made.topics.map(({ errorCode }) => errorCode)).toEqual([0, 0])
    const state = { sending: clients.length }
    const sent = clients.map((client, index) =>
      client.produce({ bootstrap: bootstrap() }, topics[index]!, { count: COUNT, baseMs: Date.now() }).finally(() => state.sending--),
    )
    await eventually(() => topics.every((topic) => valuesIn(topic).length > 0), { timeoutMs: 20_000, what: 'both have begun' })
    let kills = 0
    for (const broker of brokers.slice(0, 2)) {
      if (state.sending === 0) break
      kills++
      await broker.restart('SIGKILL')
    }
    await Promise.all(sent)
    for (const topic of topics) {
      let values: string[] = []
      await eventually(() => (values = valuesIn(topic)).length >= COUNT, { timeoutMs: 20_000, what: `all records of ${topic}` })
      expect({ topic, stored: values.length, different: new Set(values).size }).toEqual({ topic, stored: COUNT, different: COUNT })
    }
    expect(kills).toBeGreaterThan(0)
  })
})
