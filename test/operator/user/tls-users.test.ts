import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusters } from '../../../src/api/index.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster, user } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const place = new OperatorLab()
beforeAll(() => place.start(startEmbeddedLab), 60_000)
afterAll(() => place.stop())

const ONE = { brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }] }
const PLAIN = { name: 'internal', port: 9092 }
const MTLS = { name: 'mtls', port: 9093, tls: { enabled: true }, authentication: { type: 'TLS' } }
const SASL = { name: 'sasl', port: 9094, tls: { enabled: true }, authentication: { mechanisms: ['SCRAM-SHA-256'] } }

const clusterWith = async (...listeners: Record<string, unknown>[]) => {
  const namespace = await makeNamespace(place.kube)
  const object = cluster('ant', namespace, { ...ONE, listeners })
  await place.put(object)
  await eventually(async () => (await place.read(object)).status?.listeners, { what: 'a status' })
  await place.kube.patch(clusters, keyOf(object), 'merge', { status: { clusterId: 'fake' } }, { subresource: 'status' })
  return { namespace, object }
}
const secretOf = (namespace: string, name: string) => place.kube.get(resources.secrets, { namespace, name })
const text = (secret: resources.Secret | undefined, key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString()

test('a TLS user gets a certificate of the clients authority, which stays until another one is asked for', async () => {
  const { namespace } = await clusterWith(PLAIN, MTLS)
  const app = user('app', namespace, { username: 'orders-app', authentication: { type: 'TLS' } })
  await place.put(app)
  await place.becomes(app, 'Ready')
  const secret = (await secretOf(namespace, 'app'))!
  const own = new X509Certificate(text(secret, 'user.crt'))
  const clientsCa = new X509Certificate(text(await secretOf(namespace, 'ant-clients-ca'), 'ca.crt'))
  expect([own.subject, own.verify(clientsCa.publicKey), own.keyUsage]).toEqual(['CN=orders-app', true, ['1.3.6.1.5.5.7.3.2']])
  expect(text(secret, 'ca.crt')).toBe(text(await secretOf(namespace, 'ant-cluster-ca'), 'ca.crt'))
  expect(text(secret, 'bootstrap.servers')).toBe(`ant-mtls-bootstrap.${namespace}.svc:9093`)
  expect([text(secret, 'security.protocol'), text(secret, 'username'), secret.data!['password']]).toEqual(['SSL', 'orders-app', undefined])
  createSecureContext({ pfx: Buffer.from(secret.data!['user.p12']!, 'base64'), passphrase: text(secret, 'user.password') })

  await place.restartOperator()
  await place.kube.patch(clusters, { namespace, name: 'ant' }, 'merge', { metadata: { annotations: { look: 'again' } } })
  await place.put({ ...app, metadata: { ...app.metadata, annotations: { look: 'again' } } })
  expect((await secretOf(namespace, 'app'))!.metadata.resourceVersion).toBe(secret.metadata.resourceVersion)

  await place.put({ ...app, metadata: { ...app.metadata, annotations: { 'sofakafka.io/rotate-password': '1' } } })
  const other = await eventually(async () => {
    const now = await secretOf(namespace, 'app')
    return text(now, 'user.crt') === text(secret, 'user.crt') ? undefined : now
  })
  expect(text(other, 'user.key')).not.toBe(text(secret, 'user.key'))
  expect(text(other, 'ca.password')).toBe(text(secret, 'ca.password'))
})

test('a TLS user of a Cluster without a listener for it is told so, and goes on when there is one', async () => {
  const { namespace, object } = await clusterWith(PLAIN)
  const app = user('app', namespace, { authentication: { type: 'TLS' } })
  await place.put(app)
  const stalled = await place.becomes(app, 'ListenerNotFound')
  expect(stalled.status?.conditions?.[0]?.message).toContain('has authentication.type TLS: add one')
  await place.put(cluster('ant', namespace, { ...ONE, listeners: [PLAIN, MTLS] }))
  await place.becomes(app, 'Ready')
  expect(object.metadata.name).toBe('ant')
})

test('a user with a password is sent to the listener that takes it, with what to trust there', async () => {
  const { namespace } = await clusterWith(MTLS, SASL, PLAIN)
  const inside = user('inside', namespace)
  const outside = user('outside', namespace, { authentication: { type: 'SCRAM-SHA-256' } })
  await Promise.all([place.put(inside), place.put(outside)])
  await Promise.all([place.becomes(inside, 'Ready'), place.becomes(outside, 'Ready')])
  const [first, second] = [await secretOf(namespace, 'inside'), await secretOf(namespace, 'outside')]
  expect([text(first, 'bootstrap.servers').split(':')[1], text(first, 'security.protocol'), text(first, 'ca.crt')]).toEqual([
    '9092',
    'SASL_PLAINTEXT',
    '',
  ])
  expect([text(second, 'bootstrap.servers').split(':')[1], text(second, 'security.protocol')]).toEqual(['9094', 'SASL_SSL'])
  expect(text(second, 'ca.crt')).toContain('BEGIN CERTIFICATE')
})
