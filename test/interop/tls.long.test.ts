import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Admin } from '../../src/client/admin.ts'
import type { ClusterClient } from '../../src/client/cluster-client.ts'
import { PartitionAdmin } from '../../src/client/partition-admin.ts'
import { createTopics } from '../../src/protocol/api/19-create-topics.ts'
import { type JarSet, startJava } from '../support/java.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { LineClient } from './clients/line-client.ts'
import { javaBob, javaTls, LIFETIME_MS, type TlsBroker, TlsLab } from './tls-lab.ts'

const STRINGS = 'org.apache.kafka.common.serialization.String'
const SERIALIZERS = { 'key.serializer': `${STRINGS}Serializer`, 'value.serializer': `${STRINGS}Serializer` }
const DESERIALIZERS = { 'key.deserializer': `${STRINGS}Deserializer`, 'value.deserializer': `${STRINGS}Deserializer` }

describe.skipIf(lacks('java', 'maven'))('our brokers and one of Apache Kafka 2.6.3 that speak nothing but TLS', () => {
  let lab: TlsLab
  let brokers: TlsBroker[]
  let client: ClusterClient
  const programs: LineClient[] = []
  const start = (set: JarSet): LineClient => {
    const program = new LineClient(startJava(set, 'test/support/java/Client.java'))
    programs.push(program)
    return program
  }
  const isInSync = (topic: string, count: number) =>
    eventually(
      async () => {
        const replicas = await new PartitionAdmin(client).replicas([topic])
        return replicas.length > 0 && replicas.every(({ isr, leader }) => isr.length === count && leader >= 0)
      },
      { timeoutMs: 60_000 },
    )

  beforeAll(async () => {
    lab = await TlsLab.start()
    brokers = await Promise.all([lab.startOurs(1), lab.startOurs(2), lab.startApache(3)])
    client = lab.client()
    await eventually(async () => (await client.brokers()).brokers.length === 3, { timeoutMs: 60_000 })
    const topic = { name: 'mixed', partitions: 3, replicationFactor: 3, config: { 'min.insync.replicas': '3' } }
    expect([...(await new Admin(client).createTopics([topic])).values()]).toEqual([undefined])
    await isInSync('mixed', 3)
  }, 180_000)
  afterAll(async () => {
    for (const program of programs) program.stop()
    await lab.stop()
  })

  test.each(['kafka-clients-0.11.0.3', 'kafka-clients-2.6.3', 'kafka-clients-4.4.0'] as const)(
    'each leads partitions that the others follow, and serves %s by certificate and by password',
    { timeout: 120_000 },
    async (set) => {
      const java = start(set)
      const byCertificate = { 'bootstrap.servers': brokers[0]!.cert, ...javaTls(lab, 'orders') }
      const byPassword = { 'bootstrap.servers': brokers[1]!.pass, ...javaTls(lab), ...javaBob }
      const more = { ...SERIALIZERS, acks: 'all', 'enable.idempotence': 'false', 'test.no.headers': 'true' }
      await java.run('produce', ['mixed', 300, 1000], { ...byCertificate, ...more })
      const read = await java.run('read', ['mixed', 300], { ...byPassword, ...DESERIALIZERS, 'enable.auto.commit': 'false' })
      expect(read).toHaveLength(300)
    },
  )

  test('a Java client that shows no certificate, or one that nobody trusts, is told so', { timeout: 120_000 }, async () => {
    const java = start('kafka-clients-2.6.3')
    const properties = {
      'bootstrap.servers': brokers[0]!.cert,
      ...javaTls(lab),
      'request.timeout.ms': '5000',
      'default.api.timeout.ms': '5000',
    }
    await expect(java.run('list', [], properties)).rejects.toThrow(/SslAuthenticationException|TimeoutException/)
  })

  test.each(['kafka-clients-2.6.3', 'kafka-clients-4.4.0'] as const)(
    '%s repeats its login on the same connection',
    { timeout: 120_000 },
    async (set) => {
      const name = `again-${set.split('-').at(-1)}`
      // Led by ours alone, so that every connection with records is to one of ours.
      const topic = { name, numPartitions: -1, replicationFactor: -1, assignments: [{ partitionIndex: 0, brokerIds: [1] }], configs: [] }
      await client.controller(createTopics, { topics: [topic], timeoutMs: 10_000 })
      await isInSync(name, 1)
      const java = start(set)
      const count = async (metric: string) => {
        const texts = await Promise.all(brokers.slice(0, 2).map((broker) => broker.metrics()))
        return texts
          .map((text) => Number(new RegExp(`_${metric}\\{listener="PASS"\\} (\\d+)`).exec(text)?.[1] ?? 0))
          .reduce((sum, value) => sum + value, 0)
      }
      const expiredBefore = await count('expired_connections_killed_count')
      const again = await count('successful_reauthentication_total')
      const properties = { 'bootstrap.servers': `${brokers[0]!.pass},${brokers[1]!.pass}`, ...javaTls(lab), ...javaBob }
      // A consumer that waits for records which come only after several lifetimes of its login.
      const reading = java.run('read', [name, 10], { ...properties, ...DESERIALIZERS, 'enable.auto.commit': 'false' })
      await new Promise((resolve) => setTimeout(resolve, 4 * LIFETIME_MS))
      const writer = start(set)
      await writer.run('produce', [name, 10, 1000], { ...properties, ...SERIALIZERS, 'enable.idempotence': 'false' })
      expect(await reading).toHaveLength(10)
      expect(await count('successful_reauthentication_total')).toBeGreaterThan(again)
      expect(await count('expired_connections_killed_count')).toBe(expiredBefore)
    },
  )
})
