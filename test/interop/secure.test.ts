import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { monotonicClock, wallClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { AclAdmin } from '../../src/client/acl-admin.ts'
import { Admin } from '../../src/client/admin.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { describeLogDirs } from '../../src/protocol/api/35-describe-log-dirs.ts'
import { startEmbeddedZooKeeper } from '../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../src/embedded-zookeeper/zoo-cfg.ts'
import type { Acl } from '../../src/zookeeper/types.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { type ApacheServer, removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { batchOf } from '../support/batches.ts'
import { runJava } from '../support/java.ts'
import { MemoryDisk } from '../support/memory-disk.ts'
import { lacks } from '../support/needs.ts'
import { eventually, freePort } from '../support/net.ts'
import { type OurBroker, Program, startOurBroker } from '../support/ours.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

const BROKER = { username: 'broker', password: 'broker-secret' }
const ZK = { username: 'kafka', password: 'kafka-secret' }
const DIGEST = 'org.apache.zookeeper.server.auth.DigestLoginModule'
const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'

const brokerLines = (clientJaas: string) => [
  'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,INTERNAL:SASL_PLAINTEXT',
  'inter.broker.listener.name=INTERNAL',
  'sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN',
  'sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512',
  `listener.name.internal.scram-sha-512.sasl.jaas.config=${SCRAM} required username="${BROKER.username}" password="${BROKER.password}";`,
  `listener.name.internal.scram-sha-256.sasl.jaas.config=${SCRAM} required;`,
  'listener.name.internal.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_plain="p";',
  'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
  `super.users=User:${BROKER.username};User:ANONYMOUS`,
  'zookeeper.set.acl=true',
  'controlled.shutdown.enable=false',
  `java.security.auth.login.config=${clientJaas}`,
]

/** Every path below the chroot with its ACL; sequence numbers, ids of sessions and brokers left out. */
const aclsOf = async (zookeeper: ZooKeeperClient): Promise<Map<string, readonly Acl[]>> => {
  const found = new Map<string, readonly Acl[]>()
  const walk = async (path: string): Promise<void> => {
    found.set(path.replace(/\d{10}$/, '#'), (await zookeeper.getAcl(path)).acl)
    for (const child of (await zookeeper.children(path)).children) await walk(path === '/' ? `/${child}` : `${path}/${child}`)
  }
  await walk('/')
  return found
}

describe.skipIf(lacks('java', 'maven'))('a ZooKeeper with logins', () => {
  const directory = temporaryDirectory('secure')
  const clientJaas = join(directory, 'client.jaas')
  const jvm = [`-Djava.security.auth.login.config=${clientJaas}`]
  const clients: { close(): unknown }[] = []
  const credentials = join(directory, 'credentials')
  let zookeeper: ApacheServer
  let apache: ApacheServer
  let ours: OurBroker

  const connect = async (
    chroot: string,
    login: { username: string; password: string } | null = ZK,
    port = zookeeper.port,
  ): Promise<ZooKeeperClient> => {
    const client = await zooKeeperAt(port, { chroot, connectTimeoutMs: 10_000, ...(login ? { saslDigest: login } : {}) })
    clients.push(client)
    return client
  }
  const clientOf = (port: number, sasl?: { username: string; password: string }): ClusterClient => {
    const client = new ClusterClient({
      bootstrap: [{ host: '127.0.0.1', port }],
      clientId: 'secure',
      clock: monotonicClock,
      logger: silentLogger,
      ...(sasl ? { sasl: { mechanism: 'SCRAM-SHA-512', ...sasl } } : {}),
    })
    clients.push(client)
    return client
  }
  /** Makes a topic with settings and ACLs, and gives the ACLs of all znodes. */
  const administer = async (port: number, tree: ZooKeeperClient): Promise<Map<string, readonly Acl[]>> => {
    const client = clientOf(port)
    await eventually(async () => (await client.brokers()).controllerId === 1)
    const topic = { name: 'topic', partitions: 2, replicationFactor: 1, config: { 'retention.ms': '60000' } }
    expect([...(await new Admin(client).createTopics([topic])).values()]).toEqual([undefined])
    const binding = { principal: 'User:u', host: '*', operation: 'READ', permission: 'ALLOW', resourceType: 'TOPIC' } as const
    await new AclAdmin(client).create([
      { ...binding, resourceName: 'topic', patternType: 'LITERAL' },
      { ...binding, resourceName: 'to', patternType: 'PREFIXED' },
    ])
    await eventually(async () => (await tree.exists('/brokers/topics/topic/partitions/1/state')) !== undefined)
    const acls = await aclsOf(tree)
    // The chroot itself was made by this test for Apache.
    acls.delete('/')
    return acls
  }
  const startApache = async (chroot: string, id: number): Promise<ApacheServer> => {
    const [plain, internal] = [await freePort(), await freePort()]
    return startApacheKafka({
      zookeeper: `${zookeeper.connect}${chroot}`,
      id,
      port: plain,
      extra: [`listeners=PLAINTEXT://127.0.0.1:${plain},INTERNAL://127.0.0.1:${internal}`, ...brokerLines(clientJaas)],
      jvm,
    })
  }
  const startOurs = async (chroot: string, id: number, at = zookeeper.connect): Promise<OurBroker> => {
    const [plain, internal] = [await freePort(), await freePort()]
    const extra = [
      `listeners=PLAINTEXT://127.0.0.1:${plain},INTERNAL://127.0.0.1:${internal}`,
      `sofakafka.scram.bootstrap.dir=${credentials}`,
      ...brokerLines(clientJaas),
    ]
    return { ...(await startOurBroker({ id, zookeeper: `${at}${chroot}`, extra })), port: plain, saslPort: internal }
  }

  beforeAll(async () => {
    mkdirSync(credentials)
    writeFileSync(join(credentials, BROKER.username), BROKER.password)
    writeFileSync(clientJaas, `Client {\n  ${DIGEST} required\n  username="${ZK.username}" password="${ZK.password}";\n};\n`)
    const serverJaas = join(directory, 'server.jaas')
    writeFileSync(serverJaas, `Server { ${DIGEST} required user_${ZK.username}="${ZK.password}"; };\n`)
    zookeeper = await startApacheZooKeeper('zookeeper-3.5.9', {
      extra: ['authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider'],
      jvm: [`-Djava.security.auth.login.config=${serverJaas}`],
    })
    // Apache's broker needs its own user before its controller can log in to it.
    const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) => `${mechanism}=[password=${BROKER.password}]`).join(',')
    const open = await connect('')
    await open.makePath('/apache')
    const arguments_ = ['--zookeeper', `${zookeeper.connect}/apache`, '--alter', '--add-config', scram]
    await runJava('kafka-2.6.3', 'kafka.admin.ConfigCommand', [...arguments_, '--entity-type', 'users', '--entity-name', BROKER.username], {
      jvm,
    })
    apache = await startApache('/apache', 1)
    ours = await startOurs('/ours', 1)
  })
  afterAll(async () => {
    for (const client of clients) await client.close()
    await ours?.stop()
    await apache?.kill()
    await zookeeper?.kill()
    removeDirectory(directory)
  })

  test('protects the znodes that the same administration makes as Apache Kafka does', async () => {
    const [theirs, own] = [await connect('/apache'), await connect('/ours')]
    const expected = await administer(apache.port, theirs)
    const actual = await administer(ours.port, own)
    expect(Object.fromEntries(actual)).toEqual(Object.fromEntries(expected))
    expect(actual.get('/controller')).toEqual([
      { perms: 31, scheme: 'sasl', id: ZK.username },
      { perms: 1, scheme: 'world', id: 'anyone' },
    ])
    expect((await own.getAcl('/config/users/broker')).acl).toEqual([{ perms: 31, scheme: 'sasl', id: ZK.username }])

    const embedded = await startEmbeddedZooKeeper({
      config: parseZooConfig('dataDir=/zk\nclientPort=0\nclientPortAddress=127.0.0.1\n', {
        saslUsers: new Map([[ZK.username, ZK.password]]),
      }),
      disk: new MemoryDisk(),
      clocks: { monotonic: monotonicClock, wall: wallClock },
      logger: silentLogger,
    })
    const onEmbedded = await startOurs('/ours', 1, `127.0.0.1:${embedded.port}`)
    const tree = await connect('/ours', ZK, embedded.port)
    expect(Object.fromEntries(await administer(onEmbedded.port, tree))).toEqual(Object.fromEntries(expected))
    await onEmbedded.stop()
    await tree.close()
    await embedded.stop()
  })

  test('shows nobody else the users, and lets nobody else write', async () => {
    const stranger = await connect('/ours', null)
    await expect(stranger.get('/config/users/broker')).rejects.toMatchObject({ error: 'NO_AUTH' })
    await expect(stranger.set('/brokers/topics/topic', Buffer.from('{}'), -1)).rejects.toMatchObject({ error: 'NO_AUTH' })
    await expect(stranger.create('/brokers/ids/7', null)).rejects.toMatchObject({ error: 'NO_AUTH' })
    await expect(stranger.delete('/controller', -1)).rejects.toMatchObject({ error: 'NO_AUTH' })
    expect((await stranger.get('/brokers/topics/topic')).data).not.toBeNull()
  })

  test('refuses a broker with a wrong password, in words that name the file', async () => {
    const wrong = join(directory, 'wrong.jaas')
    writeFileSync(wrong, `Client { ${DIGEST} required username="kafka" password="not it"; };`)
    const file = join(directory, 'wrong.properties')
    const lines = ['broker.id=9', 'listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(directory, 'wrong')}`]
    writeFileSync(file, [...lines, `zookeeper.connect=${zookeeper.connect}/ours`, `java.security.auth.login.config=${wrong}`].join('\n'))
    const program = new Program(['broker', file])
    expect(await program.exited).not.toBe(0)
    expect(program.output).toContain(`section Client of ${wrong}`)
    expect(program.output).not.toContain('not it')
  })

  test('is told about log directories as by Apache Kafka', async () => {
    const describe = async (port: number) => {
      const connection = await KafkaConnection.open({ host: '127.0.0.1', port, clientId: 'dirs', clock: monotonicClock, timeoutMs: 10_000 })
      const records = batchOf(['a', 'b'])
      const sent = [{ name: 'topic', partitions: [{ partitionIndex: 0, records }] }]
      const { responses } = await connection.request(produce, { acks: -1, timeoutMs: 10_000, topics: sent })
      expect(responses[0]!.partitions[0]!.errorCode).toBe(0)
      const wanted = [
        { topic: 'topic', partitionIndex: [0, 1, 9] },
        { topic: 'unknown', partitionIndex: [0] },
      ]
      const { results } = await connection.request(describeLogDirs, { topics: wanted })
      const all = await connection.request(describeLogDirs, { topics: null })
      connection.close()
      const mine = ({ name }: { name: string }) => name === 'topic'
      return [results, all.results].map((found) =>
        found.map(({ errorCode, topics }) => ({
          errorCode,
          topics: topics.filter(mine).map(({ name, partitions }) => ({
            name,
            partitions: partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex),
          })),
        })),
      )
    }
    const theirs = await describe(apache.port)
    expect(theirs[0]![0]!.topics[0]!.partitions).toHaveLength(2)
    expect(await describe(ours.port)).toEqual(theirs)
  })

  /** Waits until both brokers of a cluster lead partitions of a new topic, as far as the one at `port` knows. */
  const shareATopic = async (port: number, tree: ZooKeeperClient): Promise<void> => {
    const client = clientOf(port)
    await eventually(async () => (await client.brokers()).brokers.length === 2, { what: 'both are known' })
    const made = await new Admin(client).createTopics([{ name: 'shared', partitions: 4, replicationFactor: 2 }])
    expect([...made.values()]).toEqual([undefined])
    await eventually(
      async () => {
        const { partitions } = (await client.topics(['shared'])).topics[0]!
        return new Set(partitions.map(({ leaderId }) => leaderId)).size === 2 && partitions.every(({ isrNodes }) => isrNodes.length === 2)
      },
      { what: 'both lead, and follow each other' },
    )
    expect((await tree.getAcl('/brokers/ids/2')).acl).toEqual((await tree.getAcl('/brokers/ids/1')).acl)
  }

  test('takes a broker of ours beside one of Apache on its protected tree, with SCRAM between the two', async () => {
    const beside = await startOurs('/apache', 2)
    await shareATopic(beside.port, await connect('/apache')).finally(() => beside.stop())
  })

  test('takes a broker of Apache beside one of ours on our protected tree', async () => {
    const beside = await startApache('/ours', 2)
    await shareATopic(ours.port, await connect('/ours')).finally(() => beside.kill())
  })
})
