import { afterAll, beforeAll, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { AclAdmin } from '../../../src/client/acl-admin.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../../src/client/connection.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { leaderAndIsr } from '../../../src/protocol/api/04-leader-and-isr.ts'
import { stopReplica } from '../../../src/protocol/api/05-stop-replica.ts'
import { updateMetadata } from '../../../src/protocol/api/06-update-metadata.ts'
import { controlledShutdown } from '../../../src/protocol/api/07-controlled-shutdown.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { batchOf } from '../../support/batches.ts'
import { eventually, freePort } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'

const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const TOPIC = 'replicated'
let zookeeper: OurZooKeeper
let brokers: OurBroker[] = []

/** PLAIN among brokers, on a listener of their own, with a user of their own. */
const startBroker = async (id: number): Promise<OurBroker> => {
  const [port, internal] = [await freePort(), await freePort()]
  const extra = [
    `listeners=CLIENTS://127.0.0.1:${port},BROKERS://127.0.0.1:${internal}`,
    'listener.security.protocol.map=CLIENTS:SASL_PLAINTEXT,BROKERS:SASL_PLAINTEXT',
    'inter.broker.listener.name=BROKERS',
    'sasl.enabled.mechanisms=PLAIN',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    `listener.name.brokers.plain.sasl.jaas.config=${PLAIN} required username="broker" password="b-secret" user_broker="b-secret";`,
    `listener.name.clients.plain.sasl.jaas.config=${PLAIN} required user_admin="a-secret" user_mallory="m-secret";`,
    'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
    'super.users=User:broker;User:admin',
    'min.insync.replicas=2',
    'controlled.shutdown.enable=false',
  ]
  return { ...(await startOurBroker({ id, zookeeper: zookeeper.connect, extra })), port, saslPort: internal }
}
const as = (username: string, password: string) => ({ mechanism: 'PLAIN', username, password }) as const
const connect = (port: number, login: ReturnType<typeof as>): Promise<KafkaConnection> =>
  KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'test', clock: monotonicClock, timeoutMs: 20_000, sasl: login })
const adminClient = (): ClusterClient =>
  new ClusterClient({
    bootstrap: brokers.map(({ port }) => ({ host: '127.0.0.1', port })),
    clientId: 'admin',
    clock: monotonicClock,
    logger: silentLogger,
    sasl: as('admin', 'a-secret'),
  })

beforeAll(async () => {
  zookeeper = await startOurZooKeeper()
  brokers = await Promise.all([startBroker(0), startBroker(1)])
})
afterAll(async () => {
  await Promise.all(brokers.map((broker) => broker.stop()))
  await zookeeper?.stop()
})

test('brokers log in to each other: the controller tells them what to do, and followers fetch', async () => {
  const client = adminClient()
  await eventually(async () => (await client.brokers()).brokers.length === 2)
  const made = await new Admin(client).createTopics([{ name: TOPIC, partitions: 1, replicationFactor: 2 }])
  expect([...made.values()]).toEqual([undefined])
  const leader = await eventually(async () => {
    const [partition] = (await client.topics([TOPIC])).topics[0]!.partitions
    return partition?.isrNodes.length === 2 ? brokers[partition.leaderId] : undefined
  })
  const connection = await connect(leader.port, as('admin', 'a-secret'))
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: 0, records: batchOf(['a']) }] }]
  const { responses } = await connection.request(produce, { acks: -1, timeoutMs: 10_000, topics })
  expect(responses[0]!.partitions[0]).toMatchObject({ errorCode: 0, baseOffset: 0 })
  connection.close()
  client.close()
})

/** The requests of controllers and followers, with what a refused or stale one is answered. */
const ask = async (connection: KafkaConnection) => {
  const controller = { controllerId: 0, controllerEpoch: 0, brokerEpoch: -1n }
  const partition = { partitionIndex: 0, controllerEpoch: 0, leader: 0, leaderEpoch: 1000, isr: [0], zkVersion: 0, replicas: [0] }
  const leadership = { ...partition, addingReplicas: [], removingReplicas: [], isNew: false }
  const answers = [
    await connection.request(leaderAndIsr, {
      ...controller,
      topicStates: [{ topicName: TOPIC, partitionStates: [leadership] }],
      liveLeaders: [],
    }),
    await connection.request(stopReplica, {
      ...controller,
      topicStates: [{ topicName: TOPIC, partitionStates: [{ partitionIndex: 0, leaderEpoch: 1000, deletePartition: true }] }],
    }),
    await connection.request(updateMetadata, {
      ...controller,
      topicStates: [{ topicName: TOPIC, partitionStates: [{ ...partition, offlineReplicas: [] }] }],
      liveBrokers: [],
    }),
    await connection.request(controlledShutdown, { brokerId: 99, brokerEpoch: -1n }),
  ].map(({ errorCode }) => errorName(errorCode))
  const fetched = await connection.request(fetch, {
    replicaId: 1,
    maxWait: 0,
    minBytes: 0,
    topics: [{ name: TOPIC, fetchPartitions: [{ partitionIndex: 0, fetchOffset: 0, maxBytes: 1000 }] }],
  })
  return { answers, fetch: errorName(fetched.topics[0]!.partitions[0]!.errorCode) }
}

test('who may not act for the cluster is refused what controllers and followers ask, and changes nothing', async () => {
  const client = adminClient()
  const before = (await client.topics([TOPIC])).topics
  for (const { port } of brokers) {
    const mallory = await connect(port, as('mallory', 'm-secret'))
    expect(await ask(mallory)).toEqual({ answers: Array(4).fill('CLUSTER_AUTHORIZATION_FAILED'), fetch: 'TOPIC_AUTHORIZATION_FAILED' })
    mallory.close()
  }
  expect((await client.topics([TOPIC])).topics).toEqual(before)
  client.close()
})

test('an ACL for ClusterAction lets a principal act, as far as its epoch is not stale', async () => {
  const client = adminClient()
  await new AclAdmin(client).create([
    {
      principal: 'User:mallory',
      host: '*',
      operation: 'CLUSTER_ACTION',
      permission: 'ALLOW',
      resourceType: 'CLUSTER',
      resourceName: 'kafka-cluster',
      patternType: 'LITERAL',
    },
  ])
  const before = (await client.topics([TOPIC])).topics
  const [partition] = before[0]!.partitions
  const mallory = await connect(brokers[partition!.leaderId]!.port, as('mallory', 'm-secret'))
  const answer = await eventually(async () => {
    const answer = await ask(mallory)
    return answer.answers[0] === 'CLUSTER_AUTHORIZATION_FAILED' ? undefined : answer
  })
  expect(answer.answers.slice(0, 3)).toEqual(Array(3).fill('STALE_CONTROLLER_EPOCH'))
  expect(answer.answers[3]).not.toBe('CLUSTER_AUTHORIZATION_FAILED')
  expect(answer.fetch).toBe('NONE')
  expect((await client.topics([TOPIC])).topics).toEqual(before)
  mallory.close()
  client.close()
})

test('the users of one listener are not those of another', async () => {
  await expect(connect(brokers[0]!.saslPort, as('mallory', 'm-secret'))).rejects.toThrow()
  await expect(connect(brokers[0]!.port, as('broker', 'b-secret'))).rejects.toThrow()
})
