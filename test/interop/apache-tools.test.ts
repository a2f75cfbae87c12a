import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../support/ours.ts'
import { ApacheTools } from '../support/tools.ts'

const TOPIC = 'kafka.admin.TopicCommand'
const CONFIG = 'kafka.admin.ConfigCommand'
const ACL = 'kafka.admin.AclCommand'
const PRODUCER = 'kafka.tools.ConsoleProducer'
const CONSUMER = 'kafka.tools.ConsoleConsumer'

describe.skipIf(lacks('java', 'maven'))('Apache\u2019s tools of 2.6.3 against three of our brokers', () => {
  let zookeeper: OurZooKeeper
  let brokers: OurBroker[] = []
  let tools: ApacheTools
  let plain: string
  let sasl: string
  const directory = temporaryDirectory('tools')

  const loginFile = (user: string, password: string, mechanism = 'SCRAM-SHA-512'): string => {
    const path = join(directory, `${user}-${mechanism}-${password}.properties`)
    const jaas = `org.apache.kafka.common.security.scram.ScramLoginModule required username="${user}" password="${password}";`
    writeFileSync(path, `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=${mechanism}\nsasl.jaas.config=${jaas}\n`)
    return path
  }

  beforeAll(async () => {
    tools = new ApacheTools()
    zookeeper = await startOurZooKeeper()
    const sasl_ = { user: 'broker', password: 'broker-secret' }
    brokers = await Promise.all([0, 1, 2].map((id) => startOurBroker({ id, zookeeper: zookeeper.connect, sasl: sasl_ })))
    plain = brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
    sasl = brokers.map(({ saslPort }) => `127.0.0.1:${saslPort}`).join(',')
  })
  afterAll(async () => {
    tools?.stop()
    await Promise.all(brokers.map((broker) => broker.stop()))
    await zookeeper?.stop()
  })

  test('topics are made, shown, grown and deleted by bootstrap server', async () => {
    const at = ['--bootstrap-server', plain]
    await tools.ok(TOPIC, [
      ...at,
      '--create',
      '--topic',
      'orders',
      '--partitions',
      '6',
      '--replication-factor',
      '1',
      '--config',
      'retention.ms=600000',
    ])
    const described = await tools.ok(TOPIC, [...at, '--describe', '--topic', 'orders'])
    expect(described).toMatch(/PartitionCount: 6\s+ReplicationFactor: 1\s+Configs: .*retention\.ms=600000/)
    expect(new Set([...described.matchAll(/Leader: (\d)/g)].map((match) => match[1]))).toEqual(new Set(['0', '1', '2']))
    await tools.ok(TOPIC, [...at, '--alter', '--topic', 'orders', '--partitions', '8'])
    expect(await tools.ok(TOPIC, [...at, '--describe', '--topic', 'orders'])).toContain('PartitionCount: 8')
    expect((await tools.run(TOPIC, [...at, '--create', '--topic', 'orders'])).output).toContain("Topic 'orders' already exists.")
    expect((await tools.run(TOPIC, [...at, '--create', '--topic', 'four', '--replication-factor', '4'])).output).toContain(
      'Replication factor: 4 larger than available brokers: 3.',
    )
    await tools.ok(TOPIC, [...at, '--delete', '--topic', 'orders'])
    await eventually(async () => !(await tools.ok(TOPIC, [...at, '--list'])).includes('orders'))
  })

  test('topics are made and deleted by ZooKeeper', async () => {
    const at = ['--zookeeper', zookeeper.connect]
    const settings = ['--config', 'retention.ms=600000']
    await tools.ok(TOPIC, [...at, '--create', '--topic', 'by-zk', '--partitions', '3', '--replication-factor', '1', ...settings])
    await eventually(
      async () =>
        (await tools.ok(TOPIC, ['--bootstrap-server', plain, '--describe', '--topic', 'by-zk'])).match(/Leader: \d/g)?.length === 3,
    )
    for (const { port } of brokers) {
      const described = ['--bootstrap-server', `127.0.0.1:${port}`, '--describe', '--entity-type', 'topics', '--entity-name', 'by-zk']
      expect(await tools.ok(CONFIG, described)).toContain('retention.ms=600000')
    }
    await tools.ok(TOPIC, [...at, '--delete', '--topic', 'by-zk'])
    await eventually(async () => !(await tools.ok(TOPIC, [...at, '--list'])).includes('by-zk'), { what: 'by-zk is gone' })
  })

  test('configurations of topics and brokers are changed and shown with their source', async () => {
    const at = ['--bootstrap-server', plain]
    await tools.ok(TOPIC, [...at, '--create', '--topic', 'configured', '--partitions', '1', '--replication-factor', '1'])
    const topic = ['--entity-type', 'topics', '--entity-name', 'configured']
    const alter = [...at, ...topic, '--alter', '--add-config', 'segment.bytes=1048576,cleanup.policy=[compact,delete]']
    // The tool asks any broker, and not each has heard of the topic when it is made.
    await eventually(async () => (await tools.run(CONFIG, alter)).code === 0)
    const shown = await tools.ok(CONFIG, [...at, ...topic, '--describe'])
    expect(shown).toMatch(
      /segment\.bytes=1048576 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:segment\.bytes=1048576, DEFAULT_CONFIG:log\.segment\.bytes=1073741824\}/,
    )
    expect(shown).toContain('cleanup.policy=compact,delete')
    await tools.ok(CONFIG, [...at, ...topic, '--alter', '--delete-config', 'segment.bytes'])
    expect(await tools.ok(CONFIG, [...at, ...topic, '--describe'])).not.toContain('segment.bytes')
    expect((await tools.run(CONFIG, [...at, ...topic, '--alter', '--add-config', 'segment.bytes=1'])).output).toContain(
      "InvalidRequestException: Invalid config value for resource ConfigResource(type=TOPIC, name='configured'): Invalid value 1 for configuration segment.bytes",
    )
    expect((await tools.run(CONFIG, [...at, ...topic, '--alter', '--add-config', 'no.such=1'])).output).toContain(
      'InvalidConfigurationException: Unknown topic config name: no.such',
    )

    const broker = ['--entity-type', 'brokers', '--entity-name', '1']
    await tools.ok(CONFIG, [...at, ...broker, '--alter', '--add-config', 'log.retention.ms=12345'])
    expect(await tools.ok(CONFIG, [...at, ...broker, '--describe'])).toContain('log.retention.ms=12345')
    await tools.ok(CONFIG, [...at, '--entity-type', 'brokers', '--entity-default', '--alter', '--add-config', 'log.retention.ms=54321'])
    expect(await tools.ok(CONFIG, [...at, '--entity-type', 'brokers', '--entity-default', '--describe'])).toContain(
      'log.retention.ms=54321',
    )

    const ofEveryClient = ['--entity-type', 'users', '--entity-name', 'quota user', '--entity-type', 'clients', '--entity-default']
    await tools.ok(CONFIG, ['--zookeeper', zookeeper.connect, ...ofEveryClient, '--alter', '--add-config', 'producer_byte_rate=1024'])
    expect(await tools.ok(CONFIG, [...at, ...ofEveryClient, '--describe'])).toContain('producer_byte_rate=1024.0')
    expect((await tools.run(CONFIG, [...at, ...ofEveryClient, '--alter', '--add-config', 'producer_byte_rate=1'])).output).toContain(
      'The broker does not support ALTER_CLIENT_QUOTAS',
    )
  })

  test('records go through the console producer and consumer, also for a topic that nobody made', async () => {
    const lines = Array.from({ length: 1000 }, (_unused, index) => `record ${index}`)
    await tools.ok(PRODUCER, ['--bootstrap-server', plain, '--topic', 'automatic'], `${lines.join('\n')}\n`)
    const read = await tools.ok(CONSUMER, [
      '--bootstrap-server',
      plain,
      '--topic',
      'automatic',
      '--from-beginning',
      '--max-messages',
      '1000',
      '--timeout-ms',
      '20000',
    ])
    expect(
      read
        .split('\n')
        .filter((line) => line.startsWith('record'))
        .sort(),
    ).toEqual(lines.toSorted())
  })

  test('users of SCRAM made by ZooKeeper may do what ACLs allow, and get Kafka\u2019s errors for the rest', async () => {
    const users = ['--zookeeper', zookeeper.connect, '--entity-type', 'users', '--entity-name', 'alice']
    await tools.ok(CONFIG, [
      ...users,
      '--alter',
      '--add-config',
      'SCRAM-SHA-256=[iterations=4096,password=a256],SCRAM-SHA-512=[password=a512]',
    ])
    await tools.ok(TOPIC, ['--bootstrap-server', plain, '--create', '--topic', 'guarded', '--partitions', '1', '--replication-factor', '1'])
    await tools.ok(ACL, [
      '--bootstrap-server',
      plain,
      '--add',
      '--allow-principal',
      'User:alice',
      '--operation',
      'Write',
      '--topic',
      'guarded',
    ])
    await tools.ok(ACL, [
      '--bootstrap-server',
      plain,
      '--add',
      '--allow-principal',
      'User:alice',
      '--operation',
      'Read',
      '--topic',
      'guard',
      '--resource-pattern-type',
      'prefixed',
    ])
    expect(await tools.ok(ACL, ['--bootstrap-server', plain, '--list', '--topic', 'guarded', '--resource-pattern-type', 'match'])).toMatch(
      /patternType=LITERAL[\s\S]*operation=WRITE[\s\S]*patternType=PREFIXED[\s\S]*operation=READ|patternType=PREFIXED[\s\S]*patternType=LITERAL/,
    )
    const as = (file: string) => ['--producer.config', file]
    const produce = (file: string, topic: string) => tools.run(PRODUCER, ['--bootstrap-server', sasl, '--topic', topic, ...as(file)], 'x\n')
    await eventually(async () => !(await produce(loginFile('alice', 'a512'), 'guarded')).output.includes('ERROR'), { timeoutMs: 20_000 })
    expect((await produce(loginFile('alice', 'a256', 'SCRAM-SHA-256'), 'guarded')).output).not.toContain('ERROR')
    expect((await produce(loginFile('alice', 'wrong'), 'guarded')).output).toContain(
      'Authentication failed during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512',
    )
    expect((await produce(loginFile('alice', 'a512'), 'automatic')).output).toContain('Not authorized to access topics: [automatic]')
    const consume = [
      '--bootstrap-server',
      sasl,
      '--topic',
      'guarded',
      '--partition',
      '0',
      '--offset',
      '0',
      '--max-messages',
      '2',
      '--timeout-ms',
      '10000',
    ]
    // The refused producer goes on in the same JVM for a moment, and its log lines come between.
    const read = await tools.ok(CONSUMER, [...consume, '--consumer.config', loginFile('alice', 'a512')])
    expect(read.split('\n').filter((line) => line === 'x')).toHaveLength(2)
    await tools.ok(ACL, [
      '--bootstrap-server',
      plain,
      '--remove',
      '--force',
      '--allow-principal',
      'User:alice',
      '--operation',
      'Write',
      '--topic',
      'guarded',
    ])
    await eventually(async () =>
      (await produce(loginFile('alice', 'a512'), 'guarded')).output.includes('Not authorized to access topics: [guarded]'),
    )
  })

  test('ACLs made by ZooKeeper, as old tools do, are honoured', async () => {
    const at = ['--authorizer-properties', `zookeeper.connect=${zookeeper.connect}`]
    await tools.ok(ACL, [...at, '--add', '--deny-principal', 'User:mallory', '--operation', 'All', '--topic', '*'])
    expect(
      await eventually(async () =>
        (await tools.ok(ACL, ['--bootstrap-server', plain, '--list', '--topic', '*'])).match(/principal=User:mallory.*permissionType=DENY/),
      ),
    ).toBeTruthy()
  })
})
