import { describe, expect, test } from 'vitest'
import { BrokerConfig } from '../../../src/broker/config/broker-config.ts'
import { parseJaas } from '../../../src/broker/config/jaas.ts'
import { withServerLogins } from '../../../src/broker/config/server-logins.ts'
import { parseJaasFile } from '../../../src/broker/config/jaas-file.ts'
import { zooKeeperLogin } from '../../../src/broker/config/zookeeper-login.ts'
import { protectedAcl } from '../../../src/broker/metadata/znodes/protection.ts'
import { CREATOR_ALL_ACL, OPEN_ACL, READ_ACL } from '../../../src/zookeeper/types.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'

const KEY = 'java.security.auth.login.config'
const DIGEST = 'org.apache.zookeeper.server.auth.DigestLoginModule'

const login = (jaas: string | undefined, properties: Record<string, string> = {}) => {
  const disk = new MemoryDisk()
  disk.makeDirectory('/etc')
  if (jaas !== undefined) disk.open('/etc/jaas.conf', 'create').writeSync([Buffer.from(jaas)], 0)
  const file = jaas === undefined ? {} : { [KEY]: '/etc/jaas.conf' }
  return zooKeeperLogin(BrokerConfig.parse(new Map(Object.entries({ 'zookeeper.connect': 'h:1', ...file, ...properties }))), disk)
}

describe('a JAAS file', () => {
  test('is read section by section, with comments, quotes and several modules', () => {
    const text = `
      // for brokers
      KafkaServer { a.B required username="x y" password="p\\"q;}"; a.C optional key=value; };
      /* and for
         ZooKeeper */
      Client { ${DIGEST} REQUIRED username=kafka
        password="s" ; };`
    expect([...parseJaasFile('k', 'f', text)]).toEqual([
      [
        'KafkaServer',
        [
          { module: 'a.B', options: new Map(Object.entries({ username: 'x y', password: 'p"q;}' })) },
          { module: 'a.C', options: new Map([['key', 'value']]) },
        ],
      ],
      ['Client', [{ module: DIGEST, options: new Map(Object.entries({ username: 'kafka', password: 's' })) }]],
    ])
  })

  test.each([
    ['Client { a.B required username="u" password="secret" };', 'line 1: the name of an option, or ";"'],
    ['Client {\n a.B password="secret"; };', 'line 2: one of required'],
    ['Client { a.B required password="secret"; }', 'line 1: ";" must stand there'],
    ['Client { a.B required password="secret; };', 'line 1: a character stands where none may'],
    ['Client { a.B required password "secret"; };', 'line 1: "=" must stand there'],
  ])('that cannot be read is refused by its line, without what it holds: %s', (text, reason) => {
    const refusal = () => parseJaasFile('k', 'file', text)
    expect(refusal).toThrow(reason)
    expect(refusal).not.toThrow('secret')
  })
})

describe('the login to ZooKeeper', () => {
  test('is that of the section Client, or of the one that zookeeper.sasl.clientconfig names', () => {
    const jaas = `Client { ${DIGEST} required username="a" password="b"; }; Other { ${DIGEST} required username="c" password="d"; };`
    expect(login(jaas)).toEqual({ username: 'a', password: 'b' })
    expect(login(jaas, { 'zookeeper.sasl.clientconfig': 'Other' })).toEqual({ username: 'c', password: 'd' })
  })

  test('is none without a file, or without its section', () => {
    expect(login(undefined)).toBeUndefined()
    expect(login('KafkaServer { a.B required; };')).toBeUndefined()
  })

  test.each<[string, string | undefined, Record<string, string>, RegExp]>([
    [
      'zookeeper.set.acl without a file',
      undefined,
      { 'zookeeper.set.acl': 'true' },
      /zookeeper\.set\.acl=true needs a login .* is not set: write/,
    ],
    ['zookeeper.set.acl without the section', 'X { a.B required; };', { 'zookeeper.set.acl': 'true' }, /section Client .* is missing/],
    ['a file that is not there', undefined, { [KEY]: '/nowhere' }, /\/nowhere: the file cannot be read/],
    [
      'zookeeper.sasl.client=false beside a section',
      `Client { ${DIGEST} required username="a" password="b"; };`,
      { 'zookeeper.sasl.client': 'false' },
      /contradicts/,
    ],
    [
      'Kerberos',
      'Client { com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true; };',
      {},
      /Krb5LoginModule; served is .*DIGEST-MD5/,
    ],
    ['a login without a password', `Client { ${DIGEST} required username="a"; };`, {}, /must give username="..." and password/],
  ])('is refused in words: %s', (_what, jaas, properties, reason) => {
    expect(() => login(jaas, properties)).toThrow(reason)
  })
})

describe('the section KafkaServer', () => {
  const SCRAM = 'org.apache.kafka.common.security.scram.ScramLoginModule'
  const PLAIN = 'org.apache.kafka.common.security.plain.PlainLoginModule'
  const own = 'listener.name.two.plain.sasl.jaas.config'
  const properties = new Map(
    Object.entries({
      'zookeeper.connect': 'h:1',
      [KEY]: '/etc/jaas.conf',
      listeners: 'ONE://:1,TWO://:2,THREE://:3',
      'listener.security.protocol.map': 'ONE:SASL_PLAINTEXT,TWO:SASL_PLAINTEXT,THREE:PLAINTEXT',
      'inter.broker.listener.name': 'ONE',
      [own]: 'a.Own required;',
    }),
  )
  const read = (jaas: string) => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/etc')
    disk.open('/etc/jaas.conf', 'create').writeSync([Buffer.from(jaas)], 0)
    return withServerLogins(properties, disk)
  }

  test('is the login of SASL listeners that have none of their own, a section of the listener before it', () => {
    const found = read(`
      KafkaServer { ${SCRAM} required username="b" password="p\\"q\\\\"; ${PLAIN} required user_x="y"; };
      one.KafkaServer { ${PLAIN} required username="o" password="1" user_o="1"; };`)
    const added = new Map([...found].filter(([key]) => !properties.has(key)))
    const scram = { module: SCRAM, options: new Map(Object.entries({ username: 'b', password: 'p"q\\' })) }
    expect(new Map([...added].map(([key, text]) => [key, parseJaas(key, text)]))).toEqual(
      new Map([
        [
          'listener.name.one.plain.sasl.jaas.config',
          { module: PLAIN, options: new Map(Object.entries({ username: 'o', password: '1', user_o: '1' })) },
        ],
        ['listener.name.two.scram-sha-256.sasl.jaas.config', scram],
        ['listener.name.two.scram-sha-512.sasl.jaas.config', scram],
      ]),
    )
    expect(found.get(own)).toBe('a.Own required;')
  })

  test('is not needed', () => {
    expect(read(`Client { ${DIGEST} required username="a" password="b"; };`)).toEqual(properties)
  })
})

test('protected znodes are readable by everyone unless they hold secrets', () => {
  const readable = [...CREATOR_ALL_ACL, ...READ_ACL]
  expect(protectedAcl('/brokers/ids/1')).toEqual(readable)
  expect(protectedAcl('/config/topics/t')).toEqual(readable)
  expect(protectedAcl('/config/users/u/clients/c')).toEqual(CREATOR_ALL_ACL)
  expect(protectedAcl('/config/brokers')).toEqual(CREATOR_ALL_ACL)
  expect(protectedAcl('/consumers')).toEqual(OPEN_ACL)
  expect(protectedAcl('/consumers/g')).toEqual(readable)
})
