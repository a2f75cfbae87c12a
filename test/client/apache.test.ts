import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import type { SaslLogin } from '../../src/client/login.ts'
import { createTopics } from '../../src/protocol/api/index.ts'
import { type ApacheServer, startApacheKafka, startApacheZooKeeper } from '../support/apache.ts'
import { runJava } from '../support/java.ts'
import { freePort } from '../support/net.ts'
import { lacks } from '../support/needs.ts'

describe.skipIf(lacks('java', 'maven'))('against Apache Kafka 2.6.3', () => {
  let zookeeper: ApacheServer
  let kafka: ApacheServer
  let saslPort: number
  const clients: ClusterClient[] = []
  const client = (sasl?: SaslLogin) => {
    const made = new ClusterClient({
      bootstrap: [{ host: '127.0.0.1', port: sasl ? saslPort : kafka.port }],
      clientId: 'test',
      clock: monotonicClock,
      logger: silentLogger,
      timeoutMs: 10_000,
      ...(sasl ? { sasl } : {}),
    })
    clients.push(made)
    return made
  }

  beforeAll(async () => {
    zookeeper = await startApacheZooKeeper()
    saslPort = await freePort()
    const port = await freePort()
    const module = 'org.apache.kafka.common.security'
    kafka = await startApacheKafka({
      zookeeper: zookeeper.connect,
      port,
      extra: [
        `listeners=PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`,
        'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
        `listener.name.sasl_plaintext.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required user_ann="secret";`,
        `listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;`,
        `listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;`,
      ],
    })
    const users = 'SCRAM-SHA-256=[iterations=4096,password=s1],SCRAM-SHA-512=[password=s2]'
    await runJava('kafka-2.6.3', 'kafka.admin.ConfigCommand', [
      '--zookeeper',
      zookeeper.connect,
      '--alter',
      '--entity-type',
      'users',
      '--entity-name',
      'bob',
      '--add-config',
      users,
    ])
  })
  afterAll(async () => {
    for (const made of clients) made.close()
    await kafka?.stop()
    await zookeeper?.stop()
  })

  test('finds brokers and controller, creates a topic and sees it', async () => {
    const it = client()
    expect(await it.brokers()).toMatchObject({ controllerId: 0, brokers: [{ nodeId: 0, port: kafka.port }] })
    const created = await it.controller(createTopics, {
      topics: [{ name: 'made', numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 5000,
    })
    expect(created.topics).toMatchObject([{ name: 'made', errorCode: 0, numPartitions: 3 }])
    const { topics } = await it.topics(['made', 'absent'])
    expect(topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length])).toEqual([
      ['made', 0, 3],
      ['absent', 3, 0],
    ])
  })

  test.each([
    ['PLAIN', 'ann', 'secret'],
    ['SCRAM-SHA-256', 'bob', 's1'],
    ['SCRAM-SHA-512', 'bob', 's2'],
  ] as const)('logs in by %s, and is refused with a wrong password', async (mechanism, username, password) => {
    expect((await client({ mechanism, username, password }).brokers()).brokers).toHaveLength(1)
    await expect(client({ mechanism, username, password: 'wrong' }).brokers()).rejects.toMatchObject({
      error: 'SASL_AUTHENTICATION_FAILED',
    })
  })
})
