import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusters } from '../../../src/api/index.ts'
import { monotonicClock, type WallClock } from '../../../src/base/clock.ts'
import { parseProperties } from '../../../src/base/properties.ts'
import { events, pods, secrets, statefulSets } from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { credentialOfPassword, verifyPassword } from '../../../src/security/scram.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import type { FakeKafka } from '../support/fake-kafka.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const place = new OperatorLab()
let aheadMs = 0
const wall: WallClock = { nowMs: () => Date.now() + aheadMs }
const restart = async (): Promise<void> => {
  await place.operator.stop()
  place.operator = await place.startOperator({ clocks: { monotonic: monotonicClock, wall } })
  await place.operator.leading
}
beforeAll(async () => {
  await place.start(startEmbeddedLab)
  await restart()
})
afterAll(() => place.stop())

/** A Cluster whose pods this test makes, since nothing else does here. */
const served = async () => {
  aheadMs = 0
  const namespace = await makeNamespace(place.kube)
  const object = cluster('ant', namespace, { brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }] })
  const kafka = place.contacts.kafka({ namespace, name: 'ant' })
  kafka.partitions.brokers = [{ id: 0, rack: null }]
  await place.put(object)
  for (const name of ['ant-zookeeper', 'ant-kafka']) {
    const set = await eventually(() => place.kube.get(statefulSets, { namespace, name }))
    const { metadata, spec } = set.spec.template
    const containers = spec.containers.map(({ name: container, image }) => ({ name: container, image }))
    await place.kube.create(pods, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: `${name}-0`, namespace },
      spec: { containers },
    })
  }
  await place.playNodes(namespace, 2)
  await place.becomes(object, 'Ready')
  for (const user of ['sofakafka-operator', 'sofakafka-broker']) {
    const credential = await credentialOfPassword('SCRAM-SHA-512', (await read(namespace))[user]!)
    kafka.users.set(user, new Map([['SCRAM-SHA-512', credential]]))
  }
  return { namespace, object, kafka }
}
const read = async (namespace: string): Promise<Record<string, string>> => {
  const { data = {} } = (await place.kube.get(secrets, { namespace, name: 'ant-credentials' })) ?? {}
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}
const annotate = (namespace: string, annotations: Record<string, string>) =>
  place.kube.patch(clusters, { namespace, name: 'ant' }, 'merge', { metadata: { annotations } })
const takes = async (kafka: FakeKafka, user: string, password: string): Promise<boolean> => {
  const credential = kafka.users.get(user)?.get('SCRAM-SHA-512')
  return credential !== undefined && verifyPassword('SCRAM-SHA-512', password, credential)
}
const settle = () => new Promise((resolve) => setTimeout(resolve, 300))

test('other passwords are written down first, used when every broker has them, and no pod is touched', async () => {
  const { namespace, object, kafka } = await served()
  const before = await read(namespace)
  const uids = async () => (await place.kube.list(pods, { namespace })).items.map(({ metadata }) => metadata.uid)
  const podsBefore = await uids()
  await annotate(namespace, { 'sofakafka.io/rotate-credentials': '1' })
  const during = await eventually(async () => {
    const now = await read(namespace)
    return now['next.sofakafka-broker'] ? now : undefined
  })
  expect(during).toMatchObject(Object.fromEntries(['sofakafka-operator', 'sofakafka-broker'].map((user) => [user, before[user]])))
  const login = (data: Record<string, string>) => Object.fromEntries(parseProperties(data['login.properties']!))
  expect(login(during)).toEqual({ password: before['sofakafka-broker'], 'next.password': during['next.sofakafka-broker'] })
  await restart()
  await annotate(namespace, { look: '1' })
  await settle()
  expect(await read(namespace)).toEqual(during)
  expect(await takes(kafka, 'sofakafka-broker', before['sofakafka-broker']!)).toBe(true)

  aheadMs = 181_000
  await annotate(namespace, { look: '2' })
  const after = await eventually(async () => {
    const now = await read(namespace)
    return now['next.sofakafka-broker'] ? undefined : now
  })
  for (const user of ['sofakafka-operator', 'sofakafka-broker']) {
    expect(after[user]).toBe(during[`next.${user}`])
    expect(await takes(kafka, user, after[user]!)).toBe(true)
  }
  expect(login(after)).toEqual({ password: after['sofakafka-broker'] })
  await settle()
  kafka.writes = []
  await restart()
  await annotate(namespace, { look: '3' })
  await settle()
  expect(await read(namespace)).toEqual(after)
  expect(kafka.writes).toEqual([])
  expect(await uids()).toEqual(podsBefore)
  const told = JSON.stringify((await place.kube.list(events, { namespace })).items)
  for (const password of Object.values({ ...before, ...after })) expect(told).not.toContain(password)
  await place.becomes(object, 'Ready')
})

test('an operator that ended after Kafka took the next passwords writes them down as those of now', async () => {
  const { namespace, kafka } = await served()
  await annotate(namespace, { 'sofakafka.io/rotate-credentials': '1' })
  const during = await eventually(async () => {
    const now = await read(namespace)
    return now['next.sofakafka-operator'] ? now : undefined
  })
  for (const user of ['sofakafka-operator', 'sofakafka-broker'])
    await kafka.contact.admin.setScramPassword(user, 'SCRAM-SHA-512', during[`next.${user}`]!)
  aheadMs = 181_000
  await restart()
  await eventually(async () => (await read(namespace))['sofakafka-operator'] === during['next.sofakafka-operator'])
})

test('a Secret that was deleted is made again, and Kafka takes its password for the brokers when they must have it', async () => {
  const { namespace, object, kafka } = await served()
  const before = await read(namespace)
  await place.kube.delete(secrets, { ...keyOf(object), name: 'ant-credentials' })
  const after = await eventually(async () => {
    const now = await read(namespace)
    return now['sofakafka-broker'] ? now : undefined
  })
  expect(after['sofakafka-broker']).not.toBe(before['sofakafka-broker'])
  await settle()
  expect(await takes(kafka, 'sofakafka-broker', before['sofakafka-broker']!)).toBe(true)
  aheadMs = 181_000
  await annotate(namespace, { look: '1' })
  await eventually(() => takes(kafka, 'sofakafka-broker', after['sofakafka-broker']!))
})
