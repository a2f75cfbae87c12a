import { afterAll, beforeAll, expect, test } from 'vitest'
import { acls, users, type Acl } from '../../../src/api/index.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { OPERATIONS, operationsOf, pascalCase, type AclBinding, type Operation, type ResourceType } from '../../../src/security/acl.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { FakeContacts, type FakeKafka } from '../support/fake-kafka.ts'
import { makeNamespace } from '../support/lab.ts'
import { acl, user } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const place = new OperatorLab()
const { put, read, readyOf, becomes, isGone, servedCluster } = place
beforeAll(() => place.start(startEmbeddedLab))
afterAll(() => place.stop())

const binding = (more: Partial<AclBinding>): AclBinding => ({
  resourceType: 'TOPIC',
  resourceName: 'T1',
  patternType: 'LITERAL',
  principal: 'User:app',
  host: '*',
  operation: 'READ',
  permission: 'ALLOW',
  ...more,
})
const rule = (operations: string[], more: Record<string, unknown> = {}) => ({
  resource: { type: 'Topic', name: 'T1' },
  operations,
  ...more,
})
const bindingsOf = (kafka: FakeKafka, principal: string): string[] =>
  [...kafka.bindings.values()]
    .filter((one) => one.principal === principal)
    .map((one) => `${one.permission} ${one.operation} ${one.resourceType} ${one.patternType} ${one.resourceName} ${one.host}`)
    .sort()
const look = (object: Acl) =>
  place.kube.patch(acls, keyOf(object), 'merge', { metadata: { annotations: { look: String(performance.now()) } } })
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

const TYPES: [string, ResourceType][] = [
  ['Topic', 'TOPIC'],
  ['Group', 'GROUP'],
  ['Cluster', 'CLUSTER'],
  ['TransactionalId', 'TRANSACTIONAL_ID'],
  ['DelegationToken', 'DELEGATION_TOKEN'],
]
/** What AclEntry.supportedOperations of Kafka 2.6 has for the type, and All, which stands for all of them. */
const operationsFor = (type: ResourceType): Operation[] => ['ALL', ...operationsOf(type)]

test.each(TYPES)('every operation of Kafka 2.6 on a %s is taken, and no other', async (type, wireType) => {
  const { namespace, kafka } = await servedCluster()
  const resource = type === 'Cluster' ? { type } : { type, name: 'x' }
  const allowed = operationsFor(wireType)
  const object = acl('all', namespace, { rules: [{ resource, operations: allowed.map(pascalCase) }] })
  await put(object)
  await becomes(object, 'Ready')
  const name = type === 'Cluster' ? 'kafka-cluster' : 'x'
  expect(bindingsOf(kafka, 'User:app')).toEqual(allowed.map((operation) => `ALLOW ${operation} ${wireType} LITERAL ${name} *`).sort())
  const others = (Object.keys(OPERATIONS) as Operation[]).filter((one) => !['UNKNOWN', 'ANY', ...allowed].includes(one))
  for (const operation of others) {
    const wrong = acl('wrong', namespace, {
      principal: undefined,
      user: 'other',
      rules: [{ resource, operations: [pascalCase(operation)] }],
    })
    await expect(put(wrong), operation).rejects.toThrow('there are the operations')
  }
})

test('a rule becomes bindings for its pattern, host and permission, also for a principal without a User', async () => {
  const { namespace, kafka } = await servedCluster()
  const rules = [
    rule(['Read', 'Write'], { resource: { type: 'Topic', name: 'orders.', patternType: 'Prefixed' } }),
    rule(['Read'], { host: '10.1.2.3' }),
    rule(['Read'], { permission: 'Deny', host: '2001:db8::1' }),
    rule(['Read'], { host: '10.1.2.3' }),
  ]
  const object = acl('a', namespace, { user: undefined, principal: 'User:CN=app,O=ant', rules })
  await put(object)
  await becomes(object, 'Ready')
  expect(bindingsOf(kafka, 'User:CN=app,O=ant')).toEqual([
    'ALLOW READ TOPIC LITERAL T1 10.1.2.3',
    'ALLOW READ TOPIC PREFIXED orders. *',
    'ALLOW WRITE TOPIC PREFIXED orders. *',
    'DENY READ TOPIC LITERAL T1 2001:db8::1',
  ])
  expect((await read(object)).status).toMatchObject({ principal: 'User:CN=app,O=ant', bindings: 4 })
})

test('rules made by hand stay, also those that the resource once had and somebody made again; its own come back', async () => {
  const { namespace, kafka } = await servedCluster()
  const theirs = binding({ resourceName: 'T9' })
  await kafka.acls.create([theirs, binding({ operation: 'DESCRIBE' })])
  const object = acl('app', namespace, { rules: [rule(['Read', 'Describe'])] })
  await put(object)
  await becomes(object, 'Ready')
  await kafka.acls.delete([binding({})])
  await look(object)
  await eventually(() => bindingsOf(kafka, 'User:app').length === 3)
  await put(acl('app', namespace, { rules: [rule(['Write'])] }))
  await eventually(() => bindingsOf(kafka, 'User:app').join().includes('WRITE'))
  await eventually(() => bindingsOf(kafka, 'User:app').length === 2)
  await kafka.acls.create([binding({})])
  await look(object)
  await settle()
  expect(bindingsOf(kafka, 'User:app')).toContain('ALLOW READ TOPIC LITERAL T1 *')
  await place.kube.delete(acls, keyOf(object))
  await isGone(object)
  expect(bindingsOf(kafka, 'User:app')).toEqual(['ALLOW READ TOPIC LITERAL T1 *', 'ALLOW READ TOPIC LITERAL T9 *'])
})

test('what an Acl owns is known after a lost status, another operator of the same Kubernetes, and an end between two writes', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = acl('app', namespace, { rules: [rule(['Read', 'Write'])] })
  await put(object)
  await becomes(object, 'Ready')
  await place.operator.stop()
  await place.kube.patch(acls, keyOf(object), 'merge', { status: null }, { subresource: 'status' })
  await put(acl('app', namespace, { rules: [rule(['Describe'])] }))
  // The bindings are changed, the last record is not written: as if the operator ended there.
  const { put: write } = kafka.records
  let isKilled = false
  kafka.records.put = async (kind, name, record) => {
    if (kind === 'acls' && record.bindings?.length === 1) {
      isKilled = true
      throw new Error('the operator ended')
    }
    await write(kind, name, record)
  }
  place.operator = await place.startOperator()
  await eventually(() => isKilled)
  await place.operator.stop()
  kafka.records.put = write
  place.operator = await place.startOperator()
  await eventually(async () => (await read(object)).status?.bindings === 1)
  expect(bindingsOf(kafka, 'User:app')).toEqual(['ALLOW DESCRIBE TOPIC LITERAL T1 *'])
  expect(kafka.recorded.get('acls/User:app')?.bindings).toHaveLength(1)
})

test('two Acls for one principal: the older has it, and the other says to put the rules together', async () => {
  const { namespace, kafka } = await servedCluster()
  const [first, second] = [acl('first', namespace), acl('second', namespace, { rules: [rule(['Write'])] })]
  await put(first)
  await becomes(first, 'Ready')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await put(second)
  await becomes(second, 'ResourceConflict')
  expect((await readyOf(second))?.message).toBe(
    `User:app belongs to the older Acl ${namespace}/first: put all rules of a principal into one Acl`,
  )
  expect(bindingsOf(kafka, 'User:app')).toEqual(['ALLOW READ TOPIC LITERAL T1 *'])
})

test('the end of a User leaves what its Acl allows', async () => {
  const { namespace, kafka } = await servedCluster()
  const [login, rights] = [user('app', namespace), acl('app', namespace)]
  for (const one of [login, rights]) await put(one)
  for (const one of [login, rights]) await becomes(one, 'Ready')
  await place.kube.delete(users, keyOf(login))
  await isGone(login)
  expect(kafka.users.has('app')).toBe(false)
  expect(bindingsOf(kafka, 'User:app')).toEqual(['ALLOW READ TOPIC LITERAL T1 *'])
})

test('two operators of two Kubernetes clusters on one Kafka cluster leave one another alone', async () => {
  const elsewhere = new OperatorLab(new FakeContacts('elsewhere', place.contacts.kafkas))
  await elsewhere.start(startEmbeddedLab)
  try {
    const here = await servedCluster()
    await makeNamespace(elsewhere.kube, here.namespace)
    const there = await elsewhere.servedCluster('ant', {}, here.namespace)
    expect(there.kafka).toBe(here.kafka)
    const { kafka, namespace } = here
    const mine = acl('app', namespace, { rules: [rule(['Read', 'Write'])] })
    const theirs = acl('app', namespace, { rules: [rule(['Write', 'Describe'])] })
    await place.put(mine)
    await elsewhere.put(theirs)
    await place.becomes(mine, 'Ready')
    await elsewhere.becomes(theirs, 'Ready')
    await settle()
    kafka.writes = []
    for (const one of [place, elsewhere]) await one.kube.patch(acls, keyOf(mine), 'merge', { metadata: { annotations: { look: 'again' } } })
    await settle()
    expect(kafka.writes).toEqual([])
    expect(bindingsOf(kafka, 'User:app').map((text) => text.split(' ')[1])).toEqual(['DESCRIBE', 'READ', 'WRITE'])
    await place.put(acl('app', namespace, { rules: [rule(['Read'])] }))
    await eventually(async () => (await place.read(mine)).status?.bindings === 1)
    expect(bindingsOf(kafka, 'User:app').map((text) => text.split(' ')[1])).toEqual(['DESCRIBE', 'READ', 'WRITE'])
    await place.kube.delete(acls, keyOf(mine))
    await place.isGone(mine)
    expect(bindingsOf(kafka, 'User:app').map((text) => text.split(' ')[1])).toEqual(['DESCRIBE', 'WRITE'])
    await elsewhere.kube.delete(acls, keyOf(theirs))
    await elsewhere.isGone(theirs)
    expect(bindingsOf(kafka, 'User:app')).toEqual([])
  } finally {
    await elsewhere.stop()
  }
})
