import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clusters, type Cluster } from '../../../src/api/index.ts'
import { monotonicClock } from '../../../src/base/clock.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { certificatesIn } from '../../../src/security/certificates.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { makeNamespace } from '../support/lab.ts'
import { cluster, user } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const DAY_MS = 86_400_000
const place = new OperatorLab()
let nowMs = Date.now()

beforeAll(async () => {
  await place.start(startEmbeddedLab)
  await place.operator.stop()

  place.operator = await place.startOperator({
    hasLeaderElection: false,
    clocks: { monotonic: monotonicClock, wall: { nowMs: () => nowMs } },
  })
  await place.operator.leading
}, 60_000)
afterAll(() => place.stop())

const LISTENER = { name: 'mtls', port: 9093, tls: { enabled: true }, authentication: { type: 'TLS' } }
const make = async () => {
  const namespace = await makeNamespace(place.kube)
  const object = cluster('ant', namespace, { brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }], listeners: [LISTENER] })
  await place.put(object)
  await eventually(async () => (await place.read(object)).status?.listeners?.[0]?.certificates, { what: 'authorities in the status' })
  await place.kube.patch(clusters, keyOf(object), 'merge', { status: { clusterId: 'fake' } }, { subresource: 'status' })
  const app = user('app', namespace, { authentication: { type: 'TLS' } })
  await place.put(app)
  await place.becomes(app, 'Ready')
  const text = async (name: string, key: string): Promise<string> =>
    Buffer.from((await place.kube.get(resources.secrets, { namespace, name }))?.data?.[key] ?? '', 'base64').toString()
  /** Lets days go by, and the Cluster be looked at; its User follows. */
  const look = async (days: number): Promise<void> => {
    nowMs += days * DAY_MS
    const changed = (before: Record<string, string> | undefined) => ({ metadata: { annotations: { ...before, look: String(nowMs) } } })
    await place.kube.patch(clusters, keyOf(object), 'merge', changed(object.metadata.annotations))
  }
  return { namespace, object, text, look }
}

const isSignedBy = (pem: string, authorities: string): boolean =>
  certificatesIn(authorities).some((each) => new X509Certificate(certificatesIn(pem)[0]!).verify(new X509Certificate(each).publicKey))

test('authorities are trusted first, then sign for brokers and users, then are alone; no pod is touched', async () => {
  const { namespace, object, text, look } = await make()
  const [clusterCa, clientsCa] = [await text('ant-cluster-ca', 'ca.crt'), await text('ant-clients-ca', 'ca.crt')]
  const [brokers, app] = [await text('ant-kafka-certificates', 'mtls.pem'), await text('app', 'user.crt')]
  const set = await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })

  const versions = async () =>
    (await place.kube.list(resources.secrets, { namespace })).items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
  const atRest = await versions()
  await look(100)
  await eventually(async () => (await place.read(object)).metadata.annotations?.['look'] === String(nowMs))
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await versions()).toEqual(atRest)

  await look(236)
  const announced = await eventually(async () =>
    certificatesIn(await text('app', 'ca.crt')).length === 2 ? text('app', 'ca.crt') : undefined,
  )
  expect(announced.startsWith(clusterCa)).toBe(true)
  expect(await text('ant-kafka-certificates', 'mtls.pem')).toBe(brokers)
  expect(certificatesIn(await text('ant-kafka-certificates', 'clients-ca.crt'))).toHaveLength(2)
  expect(await text('app', 'user.crt')).toBe(app)

  await look(15)
  await eventually(async () => (await text('ant-kafka-certificates', 'mtls.pem')) !== brokers, {
    what: "the brokers' certificate made anew",
  })
  await eventually(async () => (await text('app', 'user.crt')) !== app, { what: "the user's certificate made anew" })
  const [newBrokers, newApp] = [await text('ant-kafka-certificates', 'mtls.pem'), await text('app', 'user.crt')]
  expect([isSignedBy(newBrokers, clusterCa), isSignedBy(newBrokers, announced)]).toEqual([false, true])
  expect([isSignedBy(newApp, clientsCa), isSignedBy(newApp, await text('ant-kafka-certificates', 'clients-ca.crt'))]).toEqual([false, true])
  expect(isSignedBy(app, await text('ant-kafka-certificates', 'clients-ca.crt'))).toBe(true)

  await look(15)
  await eventually(async () => certificatesIn(await text('ant-cluster-ca', 'ca.crt')).length === 1, { what: 'the former authority gone' })
  expect(await text('ant-kafka-certificates', 'mtls.pem')).toBe(newBrokers)
  const after = await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })
  expect(after?.metadata.generation).toBe(set?.metadata.generation)
  const { items } = await place.kube.list(resources.events, { namespace })
  expect(items.map(({ note }) => note)).toContainEqual(expect.stringContaining('ant cluster-ca: the next one is trusted from now on'))
}, 60_000)

test('both authorities are renewed when the annotation asks for it, once for each value', async () => {
  const { object, text, look } = await make()
  const annotated = { ...object, metadata: { ...object.metadata, annotations: { 'sofakafka.io/renew-certificates': 'a' } } } as Cluster
  await place.put(annotated)
  await eventually(async () => certificatesIn(await text('ant-clients-ca', 'ca.crt')).length === 2)
  const once = await text('ant-cluster-ca', 'ca.crt')
  await look(16)
  await eventually(async () => !(await text('ant-cluster-ca', 'ca.crt')).startsWith(once.slice(0, 200)))
  await look(1)
  expect(certificatesIn(await text('ant-cluster-ca', 'ca.crt'))).toHaveLength(2)
}, 60_000)

test('keys that somebody deleted are made anew at once, and what they signed stays trusted', async () => {
  const { namespace, text } = await make()
  const before = await text('ant-cluster-ca', 'ca.crt')
  await place.kube.delete(resources.secrets, { namespace, name: 'ant-cluster-ca-key' })
  const after = await eventually(async () =>
    certificatesIn(await text('ant-cluster-ca', 'ca.crt')).length === 2 ? text('ant-cluster-ca', 'ca.crt') : undefined,
  )
  expect(after.endsWith(before)).toBe(true)
  await eventually(async () => isSignedBy(await text('ant-kafka-certificates', 'mtls.pem'), after.slice(0, after.length - before.length)))
}, 60_000)
