import { describe, expect, test } from 'vitest'
import { BrokerConfig, brokerKeys, SOURCE } from '../../../src/broker/config/broker-config.ts'
import { brokerProperties } from '../../../src/broker/config/file.ts'
import { parseJaas, plainUsers } from '../../../src/broker/config/jaas.ts'
import { topicKeys } from '../../../src/broker/config/keys/topic.ts'
import { advertisedOf, interBrokerListenerOf, listenersOf } from '../../../src/broker/config/listeners.ts'
import { checkTogether } from '../../../src/broker/config/together.ts'
import { parseConnect } from '../../../src/broker/config/zookeeper-login.ts'
import { brokerIdOf } from '../../../src/broker/metadata/broker-identity.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { TopicConfig } from '../../../src/broker/config/topic-config.ts'

const MINIMAL = { 'zookeeper.connect': 'localhost:2181' }
const config = (values: Record<string, string> = {}) => BrokerConfig.parse(new Map(Object.entries({ ...MINIMAL, ...values })))

describe('the configuration of a broker', () => {
  test('gives parsed values and Kafka\u2019s defaults', () => {
    expect(config({ 'num.partitions': ' 7 ', 'log.dirs': '/a, /b' }).get('num.partitions')).toBe(7)
    expect(config().get('socket.request.max.bytes')).toBe(104_857_600)
    expect(config().get('log.cleanup.policy')).toEqual(['delete'])
  })

  test.each([
    [{ 'num.partitions': 'x' }, 'Invalid value x for configuration num.partitions: Not a number of type INT'],
    [{ 'num.partitions': '0' }, 'num.partitions must be at least 1'],
    [{ 'auto.create.topics.enable': 'yes' }, 'Expected value to be either true or false'],
    [{ 'broker.id': '3000000000' }, 'it must be between -2147483648 and 2147483647'],
    [{ 'zookeeper.ssl.ocsp.enable': 'true' }, 'zookeeper.ssl.ocsp.enable=true is refused: certificates are not looked up by OCSP'],
    [{ 'offsets.commit.required.acks': '1' }, 'a commit is answered only when every in-sync replica has it'],
    [{ 'log.cleanup.policy': 'delete,shrink' }, 'must be one of compact, delete, not shrink'],
  ])('refuses %o in words', (values, message) => {
    expect(() => config(values as unknown as Record<string, string>)).toThrow(message)
  })

  test('needs zookeeper.connect', () => {
    expect(() => BrokerConfig.parse(new Map())).toThrow('Missing required configuration "zookeeper.connect"')
  })

  test.each(['zk:abc', 'zk:0', 'zk:70000', 'zk1:1,', 'zk1;zk2:1', 'zk1 zk2'])('refuses zookeeper.connect=%s', (text) => {
    expect(() => parseConnect(text)).toThrow('must be HOST:PORT')
  })

  test.each<[Record<string, string>, string]>([
    [{ listeners: 'SASL_PLAINTEXT://h:1' }, 'no listener uses security.inter.broker.protocol=PLAINTEXT; set inter.broker.listener.name'],
    [{ 'inter.broker.listener.name': 'FOO' }, 'inter.broker.listener.name=FOO is not one of the listeners PLAINTEXT'],
    [{ listeners: 'PLAINTEXT://0.0.0.0:9092' }, 'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0'],
    [
      {
        listeners: 'PLAINTEXT://h:1,OUT://h:2',
        'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,OUT:PLAINTEXT',
        'advertised.listeners': 'OUT://h:2',
      },
      'advertised.listeners must have PLAINTEXT too',
    ],
    [{ 'replica.fetch.wait.max.ms': '40000' }, 'replica.fetch.wait.max.ms=40000 must be at most replica.socket.timeout.ms (30000)'],
    [{ 'replica.lag.time.max.ms': '0' }, 'must be at most replica.lag.time.max.ms (0), or followers fall out of sync'],
    [{ 'offsets.topic.compression.codec': '9' }, 'offsets.topic.compression.codec=9 must be 0 (none), 1 (gzip)'],
    [{ 'log.retention.hours': '0' }, 'log.retention.hours=0 would delete every record at once'],
  ])('refuses %o, which do not go together', (values, message) => {
    expect(() => checkTogether(config(values))).toThrow(message)
  })

  test('takes a broker.id from 0 to reserved.broker.max.id', async () => {
    const nobody = {} as ZooKeeperClient
    expect(await brokerIdOf(config({ 'broker.id': '7' }), nobody, undefined)).toBe(7)
    await expect(brokerIdOf(config({ 'broker.id': '-5' }), nobody, undefined)).rejects.toThrow('broker.id=-5 must be 0 or more')
    await expect(brokerIdOf(config({ 'broker.id': '5000' }), nobody, undefined)).rejects.toThrow('at most reserved.broker.max.id (1000)')
  })

  test('never shows a refused password', () => {
    expect(() => config({ 'delegation.token.master.key': 'hush' })).toThrow(/^delegation\.token\.master\.key is refused/)
  })

  test('accepts a default that is written out', () => {
    expect(config({ 'offsets.commit.required.acks': '-1', 'zookeeper.set.acl': 'false' }).get('zookeeper.set.acl')).toBe(false)
  })

  test('warns of keys without effect and of keys that nobody knows', () => {
    expect(
      config({ 'num.io.threads': '8', 'no.such.key': '1', 'listener.name.internal.scram-sha-512.sasl.jaas.config': 'x' }).warnings(),
    ).toEqual([
      'num.io.threads is accepted without effect: Threads that process requests; one event loop does it here.',
      'no.such.key is not a key of a broker; it is ignored',
    ])
  })

  test('puts run-time values over the file, this broker\u2019s over all brokers\u2019, and says where a value comes from', () => {
    const dynamic = config({ 'log.retention.ms': '1' }).withDynamic(
      new Map([['log.retention.ms', '2']]),
      new Map([['log.retention.ms', '3']]),
    )
    expect(dynamic.get('log.retention.ms')).toBe(3)
    expect(dynamic.synonymsOf('log.retention.ms').map(({ text, source }) => [text, source])).toEqual([
      ['3', SOURCE.DYNAMIC_BROKER],
      ['2', SOURCE.DYNAMIC_DEFAULT_BROKER],
      ['1', SOURCE.STATIC_BROKER],
    ])
  })

  test('takes a listener\u2019s own value first', () => {
    const values = {
      'sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.internal.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.internal.plain.sasl.jaas.config': 'j',
    }
    expect(config(values).getForListener('INTERNAL', 'sasl.enabled.mechanisms')).toEqual(['SCRAM-SHA-512'])
    expect(config(values).getForListener('OTHER', 'sasl.enabled.mechanisms')).toEqual(['PLAIN'])
    expect(config(values).getForListener('INTERNAL', 'sasl.jaas.config', 'PLAIN')).toBe('j')
  })

  test('documents every key', () => {
    for (const [name, key] of Object.entries({ ...brokerKeys, ...topicKeys }))
      expect([name, key.documentation.length]).toEqual([name, expect.toSatisfy((n: number) => n > 5)])
  })
})

describe('listeners', () => {
  const two = {
    listeners: 'INTERNAL://0.0.0.0:9092,PLAIN://[::1]:0',
    'listener.security.protocol.map': 'INTERNAL:SASL_PLAINTEXT,PLAIN:PLAINTEXT',
    'inter.broker.listener.name': 'internal',
  }

  test('are read with their protocols', () => {
    expect(listenersOf(config(two))).toEqual([
      { name: 'INTERNAL', host: '0.0.0.0', port: 9092, protocol: 'SASL_PLAINTEXT' },
      { name: 'PLAIN', host: '::1', port: 0, protocol: 'PLAINTEXT' },
    ])
    expect(interBrokerListenerOf(config(two)).name).toBe('INTERNAL')
    expect(listenersOf(config())).toEqual([{ name: 'PLAINTEXT', host: '', port: 9092, protocol: 'PLAINTEXT' }])
  })

  test('are advertised by the given addresses, else by their own', () => {
    const advertised = config({ ...two, 'advertised.listeners': 'INTERNAL://b0:9092,PLAIN://:0' })
    expect(advertisedOf(advertised, 'here', () => 5)).toMatchObject([
      { host: 'b0', port: 9092 },
      { host: 'here', port: 5 },
    ])
    expect(() => advertisedOf(config(two), 'here', () => 5)).toThrow('nonroutable meta-address')
    expect(advertisedOf(config(), 'here', () => 5)).toMatchObject([{ host: 'here', port: 9092 }])
  })

  test.each([
    [{ listeners: 'X://:9093' }, 'no protocol is given for listener X'],
    [{ listeners: 'PLAINTEXT:9092' }, 'must be NAME://HOST:PORT'],
    [{ listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }, 'PLAINTEXT stands twice'],
  ])('refuses %o in words', (values, message) => {
    expect(() => listenersOf(config(values as unknown as Record<string, string>))).toThrow(message)
  })
})

describe('the configuration of a topic', () => {
  test('takes its own values over the broker\u2019s defaults, the finest unit first', () => {
    const broker = config({ 'log.retention.hours': '2', 'log.roll.ms': '5000', 'log.roll.hours': '1' })
    const topic = new TopicConfig(broker, new Map([['segment.bytes', '1000']]))
    expect(topic.get('segment.bytes')).toBe(1000)
    expect(topic.get('retention.ms')).toBe(7_200_000)
    expect(topic.get('segment.ms')).toBe(5000)
    expect(topic.describe('segment.bytes')[0]).toEqual({ name: 'segment.bytes', text: '1000', source: SOURCE.TOPIC })
    expect(topic.describe('retention.ms')[0]).toMatchObject({ text: '7200000', source: SOURCE.STATIC_BROKER })
    expect(topic.describe('flush.ms')[0]).toMatchObject({ text: '9223372036854775807', source: SOURCE.DEFAULT })
  })

  test.each([
    [{ 'no.such': '1' }, 'Unknown topic config name: no.such'],
    [{ 'segment.bytes': '13' }, 'segment.bytes must be at least 14'],
    [{ 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' }, 'conflict topic config setting'],
    [{ 'leader.replication.throttled.replicas': '1-2' }, 'PARTITION:BROKER'],
  ])('refuses %o in words', (values, message) => {
    expect(() => new TopicConfig(config(), new Map(Object.entries(values as unknown as Record<string, string>)))).toThrow(message)
  })
})

describe('the properties of a broker', () => {
  const read = (path: string) => (path === '/s/p' ? 'password=se\\:cret\n' : '')

  test('come from the file, then from overrides, and secrets from other files', () => {
    const text =
      'a=1\nconfig.providers=file\nconfig.providers.file.class=org.apache.kafka.common.config.provider.FileConfigProvider\nb=x${file:/s/p:password}y\n'
    expect(Object.fromEntries(brokerProperties(text, ['a=2', 'a=3=4'], read))).toMatchObject({ a: '3=4', b: 'xse:crety' })
  })

  test('name the reference that cannot be followed', () => {
    expect(() => brokerProperties('b=${file:/s/p:password}', [], read)).toThrow('set config.providers=file')
    expect(() => brokerProperties('b=1', ['nonsense'], read)).toThrow('write KEY=VALUE')
  })
})

describe('JAAS logins', () => {
  test('give the module, its options and the users of PLAIN', () => {
    const entry = parseJaas(
      'k',
      ' org.apache.kafka.common.security.plain.PlainLoginModule required username="a" password="p\\"q"\n user_bob="b;c" user_x=y ;',
    )
    expect(entry.module).toBe('org.apache.kafka.common.security.plain.PlainLoginModule')
    expect(entry.options.get('password')).toBe('p"q')
    expect(Object.fromEntries(plainUsers(entry))).toEqual({ bob: 'b;c', x: 'y' })
  })

  test('that cannot be read are refused without showing them', () => {
    expect(() => parseJaas('sasl.jaas.config', 'Module required password="secret"')).toThrow(
      /^sasl\.jaas\.config must read: MODULE required/,
    )
  })
})

test('replica.selector.class takes what is served without Java, and refuses other classes in words', () => {
  const parse = (name: string) =>
    BrokerConfig.parse(
      new Map([
        ['zookeeper.connect', 'z:2181'],
        ['replica.selector.class', name],
      ]),
    )
  const rackAware = 'org.apache.kafka.common.replica.RackAwareReplicaSelector'
  expect(parse(rackAware).get('replica.selector.class')).toBe(rackAware)
  expect(() => parse('com.example.Mine')).toThrow(`write ${rackAware}`)
})
