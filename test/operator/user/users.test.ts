import { afterAll, beforeAll, expect, test } from 'vitest'
import { users, type User } from '../../../src/api/index.ts'
import { events, secrets, secretsMetadata, type Secret } from '../../../src/kube/resources.ts'
import { Informer } from '../../../src/kube/informer.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { credentialOfPassword, verifyPassword, type ScramMechanism } from '../../../src/security/scram.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import type { FakeKafka } from '../support/fake-kafka.ts'
import { user } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'
import { scrape, valueOf } from '../support/scrape.ts'

const place = new OperatorLab()
const { put, readyOf, becomes, isGone, servedCluster } = place
beforeAll(() => place.start(startEmbeddedLab))
afterAll(() => place.stop())

const base64 = (text: string): string => Buffer.from(text).toString('base64')
const secretOf = async (object: User): Promise<Secret> => (await place.kube.get(secrets, keyOf(object)))!
const textOf = (secret: Secret, key: string): string => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
const passwordOf = async (object: User): Promise<string> => textOf(await secretOf(object), 'password')
const logsIn = async (kafka: FakeKafka, name: string, password: string, mechanism: ScramMechanism = 'SCRAM-SHA-512'): Promise<boolean> => {
  const credential = kafka.users.get(name)?.get(mechanism)
  return credential !== undefined && verifyPassword(mechanism, password, credential)
}
const annotate = (object: User, annotations: Record<string, string | null>) =>
  place.kube.patch(users, keyOf(object), 'merge', { metadata: { annotations } })
const given = (name: string, namespace: string, data: Record<string, string>) =>
  place.kube.patch(secrets, { namespace, name }, 'apply', { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, data })
const settle = () => new Promise((resolve) => setTimeout(resolve, 150))

test.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  '%s: a password is made once, and stays through looks, lost status and restarts',
  async (type) => {
    const { namespace, kafka } = await servedCluster()
    const object = user('app', namespace, { authentication: { type } })
    await put(object)
    await becomes(object, 'Ready')
    const password = await passwordOf(object)
    expect(password).toMatch(/^[\w-]{43}$/)
    expect(await logsIn(kafka, 'app', password, type)).toBe(true)
    expect([...kafka.users.get('app')!.keys()]).toEqual([type])
    const { resourceVersion } = (await secretOf(object)).metadata
    await settle()
    kafka.writes = []
    const looks = type === 'SCRAM-SHA-512' ? 100 : 5
    for (let look = 0; look < looks; look++) await annotate(object, { look: String(look) })
    await place.restartOperator()
    await place.kube.patch(users, keyOf(object), 'merge', { status: null }, { subresource: 'status' })
    await annotate(object, { look: 'last' })
    await becomes(object, 'Ready')
    await settle()
    expect((await secretOf(object)).metadata.resourceVersion).toBe(resourceVersion)
    expect(kafka.writes).toEqual([])
  },
)

/** How many objects the operator has read one by one, and how often it has looked at Users. */
const readsAndLooks = async () => {
  const series = await scrape(place.operator)
  const reads = series.filter(({ name, labels }) => name === 'sofakafka_operator_kubernetes_requests_total' && labels['method'] === 'GET')
  return {
    reads: reads.reduce((sum, { value }) => sum + value, 0),
    looks: valueOf(series, 'sofakafka_operator_reconciliations_successful_total', { kind: 'User' }),
  }
}

test('a User that was found in order costs no read of its Secret, and what changed in Kafka is put right all the same', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put(object)
  await becomes(object, 'Ready')
  const password = await passwordOf(object)
  const look = async (mark: string): Promise<number> => {
    const before = await readsAndLooks()
    await annotate(object, { mark })
    await eventually(async () => (await readsAndLooks()).looks > before.looks)
    return (await readsAndLooks()).reads - before.reads
  }
  // What the watches tell of the making may still lead to a look or two.
  await eventually(async () => (await look(String(Math.random()))) === 0, { everyMs: 200 })
  kafka.users.get('app')!.set('SCRAM-SHA-512', await credentialOfPassword('SCRAM-SHA-512', 'of somebody else'))
  expect(await look('credential')).toBeGreaterThan(0)
  await eventually(() => logsIn(kafka, 'app', password))
  expect(await look('again')).toBe(0)
  await kafka.records.delete('users', 'app')
  expect(await look('record')).toBeGreaterThan(0)
  expect(await kafka.records.get('users', 'app')).toMatchObject({ mechanism: 'SCRAM-SHA-512' })
  await place.kube.delete(secrets, keyOf(object))
  await eventually(async () => (await secretOf(object)) && (await logsIn(kafka, 'app', await passwordOf(object))))
  expect(await passwordOf(object)).not.toBe(password)
})

test('an annotation has another password made, once for each value', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put({ ...object, metadata: { ...object.metadata, annotations: { 'sofakafka.io/rotate-password': '0' } } } as User)
  await becomes(object, 'Ready')
  const old = await passwordOf(object)
  await annotate(object, { 'sofakafka.io/rotate-password': '2026-11-21' })
  const next = await eventually(async () => ((await passwordOf(object)) === old ? undefined : passwordOf(object)))
  await eventually(() => logsIn(kafka, 'app', next))
  expect(await logsIn(kafka, 'app', old)).toBe(false)
  expect(textOf(await secretOf(object), 'sasl.jaas.config')).toContain(next)
  await place.restartOperator()
  await annotate(object, { 'sofakafka.io/rotate-password': null })
  await annotate(object, { 'sofakafka.io/rotate-password': '2026-11-21' })
  await settle()
  expect(await passwordOf(object)).toBe(next)
  const told = (await place.kube.list(events, { namespace })).items.filter(({ regarding }) => regarding?.kind === 'User')
  expect(told.map(({ note }) => note)).toContain('another password in the Secret app')
  expect(JSON.stringify(told)).not.toContain(next)
})

test('an operator that ended between the Secret and Kafka gives Kafka the password that the Secret has', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put(object)
  await becomes(object, 'Ready')
  const old = await passwordOf(object)
  kafka.isReachable = false
  await annotate(object, { 'sofakafka.io/rotate-password': 'now' })
  const next = await eventually(async () => ((await passwordOf(object)) === old ? undefined : passwordOf(object)))
  await becomes(object, 'BrokersUnreachable')
  expect(await logsIn(kafka, 'app', next)).toBe(false)
  await place.operator.stop()
  kafka.isReachable = true
  place.operator = await place.startOperator()
  await becomes(object, 'Ready')
  expect(await logsIn(kafka, 'app', next)).toBe(true)
  expect(await passwordOf(object)).toBe(next)
})

test('a given password is taken, followed when its Secret is edited, and asked for in words while it is missing', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace, { authentication: { password: { secretKeyRef: { name: 'given', key: 'pw' } } } })
  await put(object)
  await becomes(object, 'SecretNotFound')
  expect((await readyOf(object))?.message).toBe('the Secret given with a key pw is not there, or the key is empty: make it')
  await given('given', namespace, { other: base64('x') })
  await settle()
  await becomes(object, 'SecretNotFound')
  await given('given', namespace, { pw: base64('by hand\n') })
  await becomes(object, 'SecretInvalid')
  expect((await readyOf(object))?.message).toContain('write the password without (printf %s, not echo)')
  await given('given', namespace, { pw: base64('by hand') })
  await becomes(object, 'Ready')
  expect(await logsIn(kafka, 'app', 'by hand')).toBe(true)
  const startedMs = performance.now()
  await given('given', namespace, { pw: base64('another') })
  await eventually(() => logsIn(kafka, 'app', 'another'))
  expect(performance.now() - startedMs).toBeLessThan(10_000)
  expect(await logsIn(kafka, 'app', 'by hand')).toBe(false)
  await eventually(async () => (await passwordOf(object)) === 'another')
})

test('the password that somebody writes into the Secret of a User is what Kafka has from then on', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put(object)
  await becomes(object, 'Ready')
  await place.kube.patch(secrets, keyOf(object), 'merge', { data: { password: base64('mine') } })
  await eventually(() => logsIn(kafka, 'app', 'mine'))
  await eventually(async () => textOf(await secretOf(object), 'sasl.jaas.config').includes('"mine"'))
  await place.kube.delete(secrets, keyOf(object))
  await eventually(async () => (await place.kube.get(secrets, keyOf(object))) && (await logsIn(kafka, 'app', await passwordOf(object))))
})

test('another mechanism replaces the login of the one before, also when the operator ended in between', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put(object)
  await becomes(object, 'Ready')
  const { deleteScramUser } = kafka.admin
  kafka.admin.deleteScramUser = () => Promise.reject(new Error('the operator ended'))
  await put(user('app', namespace, { authentication: { type: 'SCRAM-SHA-256' } }))
  await eventually(() => kafka.users.get('app')?.has('SCRAM-SHA-256'))
  kafka.admin.deleteScramUser = deleteScramUser
  await place.restartOperator()
  await eventually(() => !kafka.users.get('app')?.has('SCRAM-SHA-512'))
  expect(await logsIn(kafka, 'app', await passwordOf(object), 'SCRAM-SHA-256')).toBe(true)
})

test('with deletionPolicy Retain the login and the Secret stay, and the same User made again has the same password', async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace, { deletionPolicy: 'Retain' })
  await put(object)
  await becomes(object, 'Ready')
  const password = await passwordOf(object)
  await place.kube.delete(users, keyOf(object))
  await isGone(object)
  expect(await logsIn(kafka, 'app', password)).toBe(true)
  await put(object)
  await becomes(object, 'Ready')
  expect(await passwordOf(object)).toBe(password)
})

test("a login that another operator's User has too stays until that one goes", async () => {
  const { namespace, kafka } = await servedCluster()
  const object = user('app', namespace)
  await put(object)
  await becomes(object, 'Ready')
  await kafka.recordsOf('elsewhere').put('users', 'app', kafka.recorded.get('users/app')!)
  await place.kube.delete(users, keyOf(object))
  await isGone(object)
  expect(kafka.users.has('app')).toBe(true)
  expect(kafka.recorded.has('users/app')).toBe(false)
})

test('of Secrets that nobody refers to nothing but the metadata is ever read', async () => {
  const { namespace } = await servedCluster()
  for (let index = 0; index < 5; index++) await given(`foreign${index}`, namespace, { blob: base64('x'.repeat(500_000)) })
  const informer = new Informer({
    kube: place.kube,
    resource: secretsMetadata,
    clock: monotonicClock,
    logger: silentLogger,
    namespace,
  }).start()
  await informer.synced
  await given('foreign5', namespace, { blob: base64('x'.repeat(500_000)) })
  await eventually(() => informer.list().filter(({ metadata }) => metadata.name.startsWith('foreign')).length === 6)
  expect(JSON.stringify(informer.list()).length).toBeLessThan(5000)
  await informer.stop()
})
