import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../../src/client/connection.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { batchOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'

const directory = mkdtempSync(join(tmpdir(), 'sofakafka-login-'))
const file = join(directory, 'login.properties')
let zookeeper: OurZooKeeper
let brokers: OurBroker[] = []

const start = (id: number): Promise<OurBroker> =>
  startOurBroker({
    id,
    zookeeper: zookeeper.connect,
    sasl: { user: 'broker', password: 'first' },
    extra: [`sofakafka.inter.broker.password.file=${file}`],
  })
beforeAll(async () => {
  writeFileSync(file, 'password=first\n')
  zookeeper = await startOurZooKeeper()
  brokers = await Promise.all([start(0), start(1)])
})
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await zookeeper?.stop()
  rmSync(directory, { recursive: true })
})

test('the password of the brokers is changed while they run and replicate, and one that starts then finds the others', async () => {
  const bootstrap = brokers.map(({ port }) => ({ host: '127.0.0.1', port }))
  const client = new ClusterClient({ bootstrap, clientId: 'admin', clock: monotonicClock, logger: silentLogger })
  const admin = new Admin(client)
  const replicate = async (topic: string, replicationFactor: number): Promise<void> => {
    await eventually(async () => (await client.brokers()).brokers.length >= replicationFactor)
    const config = { 'min.insync.replicas': String(replicationFactor) }
    expect((await admin.createTopics([{ name: topic, partitions: 1, replicationFactor, config }])).get(topic)).toBeUndefined()
    await eventually(async () => (await write(topic)) === 0, { timeoutMs: 20_000 })
  }
  const write = async (topic: string): Promise<number | undefined> => {
    const broker = brokers[(await client.topics([topic])).topics[0]?.partitions[0]?.leaderId ?? -1]
    if (!broker) return undefined
    const connection = await KafkaConnection.open({
      host: '127.0.0.1',
      port: broker.port,
      clientId: 'w',
      clock: monotonicClock,
      timeoutMs: 20_000,
    })
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, records: batchOf(['a']) }] }]
    const { responses } = await connection.request(produce, { acks: -1, timeoutMs: 10_000, topics })
    connection.close()
    return responses[0]!.partitions[0]!.errorCode
  }
  await replicate('before', 2)
  writeFileSync(file, 'password=first\nnext.password=second\n')
  await admin.setScramPassword('broker', 'SCRAM-SHA-512', 'second')
  expect(await write('before')).toBe(0)
  brokers.push(await start(2))
  await replicate('while', 3)
  writeFileSync(file, 'password=second\n')
  await replicate('after', 3)
  client.close()
}, 60_000)
