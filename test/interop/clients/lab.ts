import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { AclAdmin } from '../../../src/client/acl-admin.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { hasProducerId, magicOf } from '../../../src/protocol/records/record-batch.ts'
import type { AclBinding } from '../../../src/security/acl.ts'
import { startApacheKafka } from '../../support/apache.ts'
import { runJava } from '../../support/java.ts'
import { eventually, freePort } from '../../support/net.ts'
import { startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import type { Access, Mechanism } from './client.ts'

/** Topics and groups whose names begin so belong to the lab's user; others to nobody. */
export const OWN_PREFIX = 'own-'
export const FORBIDDEN_TOPIC = 'forbidden'
export const PARTITIONS = 3

/** A broker with a plain listener, one for SASL, and a user who may only touch what begins with OWN_PREFIX. */
export type Lab = {
  /** Everything is allowed. */
  plain: Access
  /** As the user, by a mechanism. */
  as(mechanism: Mechanism, password?: string): Access
  createTopic(name: string, config?: Record<string, string>): Promise<void>
  topicNames(): Promise<string[]>
  /** The magic of the records that a topic's partitions begin with, as they are stored. */
  storedMagic(topic: string): Promise<number[]>
  /** Of the first batch of each partition that has records: whether an idempotent producer wrote it. */
  storedIdempotence(topic: string): Promise<boolean[]>
  stop(): Promise<void>
}

/** The first is whom test/support/ours.ts knows with PLAIN, the second is made here. */
const PLAIN_USER = { username: 'plain', password: 'plain-secret' }
const SCRAM_USER = { username: 'orders-app', password: 'orders-secret' }

const ownBindings: AclBinding[] = [PLAIN_USER, SCRAM_USER].flatMap(({ username }) =>
  (['TOPIC', 'GROUP'] as const).map((resourceType) => ({
    resourceType,
    resourceName: OWN_PREFIX,
    patternType: 'PREFIXED' as const,
    principal: `User:${username}`,
    host: '*',
    operation: 'ALL' as const,
    permission: 'ALLOW' as const,
  })),
)

type LabBroker = { port: number; saslPort: number; stop(): Promise<unknown> }

/** Users of SCRAM by ZooKeeper: Apache Kafka 2.6 has no API for them. */
const createScramUser = (zookeeper: string): Promise<string> => {
  const { username, password } = SCRAM_USER
  const mechanisms = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((name) => `${name}=[iterations=4096,password=${password}]`).join(',')
  const entity = ['--entity-type', 'users', '--entity-name', username]
  return runJava('kafka-2.6.3', 'kafka.admin.ConfigCommand', ['--zookeeper', zookeeper, ...entity, '--alter', '--add-config', mechanisms])
}

/** Apache Kafka 2.6.3 in place of our broker, to see what clients say to it. */
const startApacheBroker = async (zookeeper: string): Promise<LabBroker> => {
  const [port, saslPort] = [await freePort(), await freePort()]
  const plainJaas = `org.apache.kafka.common.security.plain.PlainLoginModule required user_${PLAIN_USER.username}="${PLAIN_USER.password}";`
  const scramJaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  await createScramUser(zookeeper)
  const extra = [
    `listeners=PLAINTEXT://127.0.0.1:${port},CLIENTS://127.0.0.1:${saslPort}`,
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CLIENTS:SASL_PLAINTEXT',
    'sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512,PLAIN',
    `listener.name.clients.plain.sasl.jaas.config=${plainJaas}`,
    `listener.name.clients.scram-sha-256.sasl.jaas.config=${scramJaas}`,
    `listener.name.clients.scram-sha-512.sasl.jaas.config=${scramJaas}`,
    'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
    'super.users=User:ANONYMOUS',
  ]
  const { stop } = await startApacheKafka({ zookeeper, port, extra })
  return { port, saslPort, stop }
}

const startSofaBroker = (zookeeper: string): Promise<LabBroker> =>
  startOurBroker({ id: 0, zookeeper, sasl: { user: 'broker', password: 'broker-secret' } })

export const startLab = async (kind: 'ours' | 'apache' = 'ours'): Promise<Lab> => {
  const zookeeper = await startOurZooKeeper()
  const broker = await (kind === 'ours' ? startSofaBroker : startApacheBroker)(zookeeper.connect)
  const client = new ClusterClient({
    bootstrap: [{ host: '127.0.0.1', port: broker.port }],
    clientId: 'lab',
    clock: monotonicClock,
    logger: silentLogger,
  })
  const admin = new Admin(client)
  const createTopic = async (name: string, config: Record<string, string> = {}) => {
    const refusal = (await admin.createTopics([{ name, partitions: PARTITIONS, replicationFactor: 1, config }])).get(name)
    if (refusal) throw refusal
  }
  const topicNames = async () => (await client.topics(null)).topics.map(({ name }) => name!)
  const firstBytes = async (topic: string): Promise<Buffer[]> => {
    const fetchPartitions = [...Array(PARTITIONS).keys()].map((partitionIndex) => ({ partitionIndex, fetchOffset: 0, maxBytes: 1000 }))
    const { topics } = await client.anyBroker(fetch, { replicaId: -1, maxWait: 0, minBytes: 0, topics: [{ name: topic, fetchPartitions }] })
    return topics[0]!.partitions.flatMap(({ records }) => (records?.length ? [records] : []))
  }
  const storedMagic = async (topic: string) => (await firstBytes(topic)).map((records) => magicOf(records))
  const storedIdempotence = async (topic: string) => (await firstBytes(topic)).map((records) => hasProducerId(records))
  const as = (mechanism: Mechanism, password?: string): Access => {
    const user = mechanism === 'PLAIN' ? PLAIN_USER : SCRAM_USER
    return { bootstrap: `127.0.0.1:${broker.saslPort}`, login: { mechanism, ...user, ...(password !== undefined && { password }) } }
  }
  for (const mechanism of kind === 'ours' ? (['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const) : []) {
    await admin.setScramPassword(SCRAM_USER.username, mechanism, SCRAM_USER.password)
  }
  const acls = new AclAdmin(client)
  await acls.create(ownBindings)
  await createTopic(FORBIDDEN_TOPIC)
  const anyAcl = {
    resourceType: 'ANY',
    resourceName: null,
    patternType: 'ANY',
    principal: null,
    host: null,
    operation: 'ANY',
    permission: 'ANY',
  } as const
  await eventually(async () => (await acls.describe(anyAcl)).length === ownBindings.length, { what: 'the broker knows the ACLs' })
  return {
    plain: { bootstrap: `127.0.0.1:${broker.port}` },
    as,
    createTopic,
    topicNames,
    storedMagic,
    storedIdempotence,
    stop: async () => {
      client.close()
      await broker.stop()
      await zookeeper.stop()
    },
  }
}
