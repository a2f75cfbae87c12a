import { describe, expect, test } from 'vitest'
import { aclChangeZnode, ACL_STORES, aclZnode } from '../../../src/broker/metadata/znodes/acl.ts'
import { brokerIdZnode } from '../../../src/broker/metadata/znodes/broker-id.ts'
import { clusterIdZnode } from '../../../src/broker/metadata/znodes/cluster-id.ts'
import { configChangeZnode, configZnode, desanitize, sanitize } from '../../../src/broker/metadata/znodes/config.ts'
import { controllerEpochZnode, controllerZnode } from '../../../src/broker/metadata/znodes/controller.ts'
import { ZnodeError } from '../../../src/broker/metadata/znodes/json.ts'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { topicZnode } from '../../../src/broker/metadata/znodes/topic.ts'

const json = (bytes: Buffer): unknown => JSON.parse(bytes.toString('utf8'))

/** The texts are dumps of a cluster of Apache Kafka 2.6.3. */
describe('znodes read and write what Apache Kafka 2.6.3 has in them', () => {
  test('a broker', () => {
    const text =
      '{"listener_security_protocol_map":{"PLAINTEXT":"PLAINTEXT"},"endpoints":["PLAINTEXT://127.0.0.1:19091"],"rack":"r1","jmx_port":-1,"port":19091,"host":"127.0.0.1","version":4,"timestamp":"1795218944325"}'
    const broker = brokerIdZnode.decode(1, Buffer.from(text))
    expect(broker).toEqual({
      id: 1,
      rack: 'r1',
      timestampMs: 1_795_218_944_325,
      endpoints: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 19_091, protocol: 'PLAINTEXT' }],
    })
    expect(json(brokerIdZnode.encode(broker))).toEqual(JSON.parse(text))
  })

  test('a broker without a plain listener, and on IPv6', () => {
    const broker = {
      id: 1,
      rack: null,
      timestampMs: 1,
      endpoints: [{ name: 'INTERNAL', host: '::1', port: 9, protocol: 'SASL_PLAINTEXT' as const }],
    }
    const bytes = brokerIdZnode.encode(broker)
    expect(json(bytes)).toMatchObject({ host: null, port: -1, endpoints: ['INTERNAL://[::1]:9'] })
    expect(brokerIdZnode.decode(1, bytes)).toEqual(broker)
  })

  test('a topic and the state of a partition', () => {
    const topic = '{"version":2,"partitions":{"0":[1,2],"1":[2,1]},"adding_replicas":{},"removing_replicas":{}}'
    expect(json(topicZnode.encode(topicZnode.decode('t1', Buffer.from(topic))))).toEqual(JSON.parse(topic))
    const state = '{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1,2]}'
    expect(json(partitionStateZnode.encode(partitionStateZnode.decode('t1', 0, Buffer.from(state))))).toEqual(JSON.parse(state))
    expect(topicZnode.decode('old', Buffer.from('{"version":1,"partitions":{"0":[1]}}')).adding.size).toBe(0)
  })

  test('the controller, its epoch and the cluster id', () => {
    expect(controllerZnode.decode(Buffer.from('{"version":1,"brokerid":1,"timestamp":"1795218944427"}'))).toBe(1)
    expect(json(controllerZnode.encode(1, 1_795_218_944_427))).toEqual({ version: 1, brokerid: 1, timestamp: '1795218944427' })
    expect(controllerEpochZnode.decode(controllerEpochZnode.encode(7))).toBe(7)
    expect(clusterIdZnode.encode('HwrqNsuRSN-7FNUxlpuM3w').toString()).toBe('{"version":"1","id":"HwrqNsuRSN-7FNUxlpuM3w"}')
  })

  test('configurations and their notifications', () => {
    expect(configZnode.decode('topics', 't', Buffer.from('{"version":1,"config":{"retention.ms":"600000"}}'))).toEqual(
      new Map([['retention.ms', '600000']]),
    )
    expect(configChangeZnode.encode('topics/t').toString()).toBe('{"version":2,"entity_path":"topics/t"}')
    expect(configChangeZnode.decode('/p', Buffer.from('{"version":1,"entity_type":"topics","entity_name":"t"}'))).toBe('topics/t')
    expect(sanitize('al ice*@x')).toBe('al%20ice%2A%40x')
    expect(desanitize(sanitize("a'(b)!~%ü"))).toBe("a'(b)!~%ü")
  })

  test('ACLs and their notifications', () => {
    const [literal, prefixed] = ACL_STORES
    const tx = { resourceType: 'TRANSACTIONAL_ID', resourceName: 'tx', patternType: 'PREFIXED' } as const
    const t1 = { resourceType: 'TOPIC', resourceName: 't1', patternType: 'LITERAL' } as const
    expect([aclZnode.path(t1), aclZnode.path(tx)]).toEqual(['/kafka-acl/Topic/t1', '/kafka-acl-extended/prefixed/TransactionalId/tx'])
    const text = '{"version":1,"acls":[{"principal":"User:alice","permissionType":"Allow","operation":"Read","host":"*"}]}'
    const bindings = aclZnode.decode(t1, Buffer.from(text))
    expect(bindings).toEqual([{ ...t1, principal: 'User:alice', permission: 'ALLOW', operation: 'READ', host: '*' }])
    expect(json(aclZnode.encode(bindings))).toEqual(JSON.parse(text))
    expect(aclChangeZnode.encode(t1).toString()).toBe('TOPIC:t1')
    expect(json(aclChangeZnode.encode(tx))).toEqual({ version: 1, resourceType: 'TRANSACTIONAL_ID', name: 'tx', patternType: 'PREFIXED' })
    expect(aclChangeZnode.decode(literal, '/p', Buffer.from('GROUP:a:b'))).toEqual({
      resourceType: 'GROUP',
      resourceName: 'a:b',
      patternType: 'LITERAL',
    })
    expect(aclChangeZnode.decode(prefixed, '/p', aclChangeZnode.encode(tx))).toEqual(tx)
  })
})

test.each([
  () => topicZnode.decode('t', Buffer.from('')),
  () => topicZnode.decode('t', Buffer.from('[]')),
  () => topicZnode.decode('t', Buffer.from('{"partitions":{"x":[1]}}')),
  () => topicZnode.decode('t', Buffer.from('{"partitions":{"0":["1"]}}')),
  () => partitionStateZnode.decode('t', 0, Buffer.from('{"leader":1}')),
  () => controllerEpochZnode.decode(Buffer.from('x')),
  () => brokerIdZnode.decode(0, Buffer.from('{"version":4,"endpoints":["nonsense"]}')),
  () => aclZnode.decode({ resourceType: 'TOPIC', resourceName: 't', patternType: 'LITERAL' }, Buffer.from('{"version":2,"acls":[]}')),
])('a znode that does not read as it should is an error with its path (%#)', (decode) => {
  expect(decode).toThrow(ZnodeError)
  expect(decode).toThrow(/^\//)
})
