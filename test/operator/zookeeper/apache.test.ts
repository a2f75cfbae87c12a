import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { Unreachable, type Contact, type OwnerRecord } from '../../../src/operator/kafka/contact.ts'
import { KafkaContacts, type Entrance } from '../../../src/operator/kafka/contacts.ts'
import { OPERATOR_USER } from '../../../src/operator/names.ts'
import type { AclBinding } from '../../../src/security/acl.ts'
import { credentialOfPassword, formatCredential, verifyPassword } from '../../../src/security/scram.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { startApacheKafka, startApacheZooKeeper, type ApacheServer } from '../../support/apache.ts'
import { lacks } from '../../support/needs.ts'
import { eventually, freePort, waitForPort } from '../../support/net.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

const MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule'
const key = { namespace: 'ns', name: 'ant' }

describe.skipIf(lacks('java', 'maven'))('the contact to a Kafka cluster, on Apache Kafka 2.6.3 and its ZooKeeper', () => {
  let zookeeper: ApacheServer
  let kafka: ApacheServer
  let contacts: KafkaContacts
  let direct: ZooKeeperClient
  let contact: Contact
  let entrance: Entrance

  beforeAll(async () => {
    zookeeper = await startApacheZooKeeper('zookeeper-3.5.9')
    direct = await zooKeeperAt(zookeeper.port)
    const credential = formatCredential(await credentialOfPassword('SCRAM-SHA-512', 'secret'))
    await direct.makePath('/config/users')
    await direct.create(
      `/config/users/${OPERATOR_USER}`,
      Buffer.from(JSON.stringify({ version: 1, config: { 'SCRAM-SHA-512': credential } })),
    )
    const port = await freePort()
    const saslPort = await freePort()
    kafka = await startApacheKafka({
      zookeeper: zookeeper.connect,
      port,
      extra: [
        `listeners=PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`,
        'sasl.enabled.mechanisms=SCRAM-SHA-512',
        `listener.name.sasl_plaintext.scram-sha-512.sasl.jaas.config=${MODULE} required;`,
        'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
        `super.users=User:${OPERATOR_USER};User:ANONYMOUS`,
      ],
    })
    await waitForPort(saslPort)
    entrance = {
      brokers: [{ host: '127.0.0.1', port: saslPort }],
      zookeeper: { servers: [{ host: '127.0.0.1', port: zookeeper.port }] },
      passwords: ['secret'],
    }
    contacts = new KafkaContacts({
      clock: monotonicClock,
      logger: silentLogger,
      entrance: () => Promise.resolve(entrance),
      home: () => Promise.resolve('home'),
    })
    contact = await contacts.get(key)
  })
  afterAll(async () => {
    await direct?.close()
    await contacts?.close()
    await kafka?.kill()
    await zookeeper?.kill()
  })

  test('tells the cluster id and the controller', async () => {
    const { clusterId } = await contact.describeCluster()
    expect(clusterId).toMatch(/^[\w-]{22}$/)
    // It listens before the controller has told it who that is.
    await eventually(async () => (await contact.describeCluster()).controllerId === 0)
  })

  test('makes topics, lets them grow and changes single keys of their configuration', async () => {
    const { admin } = contact
    const names = Array.from({ length: 20 }, (_, index) => `t${index}`)
    const created = await Promise.all(
      names.map((name) => admin.createTopics([{ name, partitions: 2, replicationFactor: 1, config: { 'retention.ms': '1000' } }])),
    )
    expect(created.flatMap((refusals) => [...refusals.values()].filter(Boolean))).toEqual([])
    expect((await admin.createTopics([{ name: 't0' }])).get('t0')?.error).toBe('TOPIC_ALREADY_EXISTS')
    expect((await admin.createTopics([{ name: 'wide', replicationFactor: 3 }])).get('wide')?.error).toBe('INVALID_REPLICATION_FACTOR')
    expect((await admin.createTopics([{ name: 'odd', config: { 'retention.ms': 'x' } }])).get('odd')?.error).toBe('INVALID_CONFIG')
    expect((await admin.describeTopics(['t3', 'absent'])).get('t3')).toEqual({
      name: 't3',
      partitions: 2,
      replicationFactor: 1,
      isUniform: true,
    })
    expect((await admin.describeTopics(['absent'])).size).toBe(0)

    expect((await admin.createPartitions([{ name: 't3', partitions: 5 }])).get('t3')).toBeUndefined()
    expect((await admin.createPartitions([{ name: 't3', partitions: 1 }])).get('t3')?.error).toBe('INVALID_PARTITIONS')

    const changes = [
      { key: 'retention.ms', value: null },
      { key: 'cleanup.policy', value: 'compact' },
    ]
    expect((await admin.alterTopicConfigs([{ topic: 't3', changes }])).get('t3')).toBeUndefined()
    const configs = (await admin.describeTopicConfigs(['t3'])).get('t3')
    if (!(configs instanceof Map)) throw new Error('no configuration')
    expect(configs.get('cleanup.policy')).toEqual({ value: 'compact', isTopicOverride: true })
    expect(configs.get('retention.ms')?.isTopicOverride).toBe(false)

    expect((await admin.deleteTopics(['t3', 'absent'])).get('absent')?.error).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })

  test('makes and takes away ACL bindings', async () => {
    const of = (resourceName: string, operation: 'READ' | 'WRITE'): AclBinding => ({
      resourceType: 'TOPIC',
      resourceName,
      patternType: 'PREFIXED',
      principal: 'User:app',
      host: '*',
      operation,
      permission: 'ALLOW',
    })
    const filter = {
      resourceType: 'ANY',
      resourceName: null,
      patternType: 'ANY',
      principal: 'User:app',
      host: null,
      operation: 'ANY',
      permission: 'ANY',
    } as const
    await contact.acls.create([of('a', 'READ'), of('a', 'WRITE'), of('b', 'READ')])
    expect(await contact.acls.describe(filter)).toHaveLength(3)
    await contact.acls.delete([of('a', 'WRITE'), of('c', 'READ')])
    const left = await contact.acls.describe(filter)
    expect(left).toHaveLength(2)
    expect(left).toEqual(expect.arrayContaining([of('a', 'READ'), of('b', 'READ')]))
  })

  test("keeps records beside Kafka's own znodes, whatever the names", async () => {
    const { records } = contact
    const record: OwnerRecord = { owner: { namespace: 'ns', name: 'x', uid: 'u' }, deletionPolicy: 'Delete', bindings: ['b'] }
    expect(await records.list('acls')).toEqual([])
    expect(await records.get('acls', 'User:*')).toBeUndefined()
    await records.put('acls', 'User:*', record)
    await records.put('acls', 'User:a/b', { ...record, deletionPolicy: 'Retain' })
    await records.put('acls', 'User:*', { ...record, bindings: [] })
    expect((await records.list('acls')).toSorted()).toEqual(['User:*', 'User:a/b'])
    expect(await records.get('acls', 'User:*')).toEqual({ ...record, bindings: [] })
    await records.delete('acls', 'User:*')
    await records.delete('acls', 'User:*')
    expect(await records.list('acls')).toEqual(['User:a/b'])
  })

  test('reads what a login is checked against', async () => {
    const credential = await contact.scramCredential(OPERATOR_USER, 'SCRAM-SHA-512')
    expect(credential && (await verifyPassword('SCRAM-SHA-512', 'secret', credential))).toBe(true)
    expect(credential && (await verifyPassword('SCRAM-SHA-512', 'other', credential))).toBe(false)
    expect(await contact.scramCredential(OPERATOR_USER, 'SCRAM-SHA-256')).toBeUndefined()
    expect(await contact.scramCredential('nobody', 'SCRAM-SHA-512')).toBeUndefined()
  })

  test('a wrong password and no brokers are both out of reach, and the time of it is counted', async () => {
    let now: Entrance | undefined = { ...entrance, passwords: ['wrong'] }
    const options = { clock: monotonicClock, logger: silentLogger, entrance: () => Promise.resolve(now) }
    const others = new KafkaContacts({ ...options, home: () => Promise.resolve('elsewhere') })
    await expect(others.get(key)).rejects.toThrow(Unreachable)
    await expect(others.get(key)).rejects.toThrow('write the passwords that were in its Secret into it again')
    now = undefined
    await expect(others.get(key)).rejects.toThrow('no broker serves')
    expect(others.unreachableMs(key)).toBeGreaterThan(0)
    now = { ...entrance, passwords: ['wrong', 'secret'] }
    expect(await others.get(key)).toBeDefined()
    expect(others.unreachableMs(key)).toBe(0)
    await others.close()
  })

  test('an operator whose password was lost lets itself in by ZooKeeper, where no other operator shares the login', async () => {
    const password = async () => (await contact.scramCredential(OPERATOR_USER, 'SCRAM-SHA-512'))!
    let now = { ...entrance, passwords: ['lost'] }
    const options = { clock: monotonicClock, logger: silentLogger, entrance: () => Promise.resolve(now) }
    const anew = new KafkaContacts({ ...options, home: () => Promise.resolve('home') })
    await expect(anew.get(key)).rejects.toThrow('is refused')
    expect(await verifyPassword('SCRAM-SHA-512', 'secret', await password())).toBe(true)
    await direct.delete('/sofakafka/operator/homes/elsewhere', -1)
    await (await anew.get(key)).describeCluster()
    expect(await verifyPassword('SCRAM-SHA-512', 'lost', await password())).toBe(true)
    now = entrance
    // A contact that was tried a moment ago is given out as it is.
    await eventually(async () => {
      await anew.get(key)
      return verifyPassword('SCRAM-SHA-512', 'secret', await password())
    })
    await anew.close()
  }, 30_000)
})
