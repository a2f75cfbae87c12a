import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters, users } from '../../src/api/index.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import { pods, secrets } from '../../src/kube/resources.ts'
import { credentialOfPassword } from '../../src/security/scram.ts'
import { startEmbeddedLab } from '../operator/support/embedded-lab.ts'
import { installKinds } from '../operator/support/lab.ts'
import type { KubeLab } from '../support/control-plane.ts'
import { eventually, freePort } from '../support/net.ts'
import { type ForwardingServer, startForwardingServer } from '../support/port-forward-server.ts'
import { startTestBroker, type TestBroker } from '../support/test-broker.ts'
import { call, type Called, type CallOptions } from './support.ts'

const HOST = 'ant-kafka-0.ant-kafka-brokers.default.svc'
const PASSWORDS: Record<string, string> = { 'sofakafka-operator': 'operators-own-secret-word', app: 'apps-own-secret-word' }
const folder = mkdtempSync(join(tmpdir(), 'sofakafka-cli-'))
let lab: KubeLab
let kube: KubeClient
let broker: TestBroker
let api: ForwardingServer
const run = (args: string, options: CallOptions = {}): Promise<Called> =>
  call(args.split(' '), { kubeconfig: join(folder, 'kubeconfig'), ...options })
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const secret = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default', labels },
  data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)])),
})

/** What a Cluster consists of, made by hand: its one broker is in this process, and advertises a name that nothing here can resolve. */
const makeCluster = async (): Promise<void> => {
  const { apiVersion } = clusters
  const brokers = [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }]
  const metadata = { name: 'ant', namespace: 'default' }
  await kube.create(
    clusters as never,
    { apiVersion, kind: 'Cluster', metadata, spec: { zookeeper: { storage: { size: '1Gi' } }, brokers } } as never,
  )
  const labels = { 'sofakafka.io/cluster': 'ant', 'app.kubernetes.io/name': 'kafka', 'apps.kubernetes.io/pod-index': '0' }
  const env = [{ name: 'SOME_PASSWORD', value: 'in-a-variable' }]
  const containers = [{ name: 'kafka', image: 'sofakafka:1', env }]
  await kube.create(pods, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'ant-kafka-0', namespace: 'default', labels },
    spec: { containers },
  })
  const status = { phase: 'Running', podIP: '10.244.0.9', conditions: [{ type: 'Ready', status: 'True' }] }
  await kube.patch(pods, { namespace: 'default', name: 'ant-kafka-0' }, 'merge', { status }, { subresource: 'status' })
  await kube.create(
    secrets,
    secret('ant-credentials', { 'sofakafka-operator': PASSWORDS['sofakafka-operator']! }, { 'sofakafka.io/cluster': 'ant' }),
  )
  await kube.create(secrets, secret('app', { username: 'app', password: PASSWORDS['app']! }, { 'sofakafka.io/user': 'app' }))
  const user = {
    apiVersion,
    kind: 'User',
    metadata: { name: 'app', namespace: 'default' },
    spec: { clusterRef: { name: 'ant' }, authentication: { type: 'SCRAM-SHA-512' } },
  }
  await kube.create(users as never, user as never)
}

beforeAll(async () => {
  const credentials = new Map(
    await Promise.all(
      Object.entries(PASSWORDS).map(async ([name, password]) => [name, await credentialOfPassword('SCRAM-SHA-512', password)] as const),
    ),
  )
  lab = await startEmbeddedLab()
  kube = lab.client({ fieldManager: 'test' })
  const here = await freePort()
  broker = await startTestBroker({
    topics: { orders: 3 },
    scram: (mechanism, username) => (mechanism === 'SCRAM-SHA-512' ? credentials.get(username) : undefined),
    properties: {
      listeners: `PODS://127.0.0.1:0,HERE://127.0.0.1:${here}`,
      'advertised.listeners': `PODS://${HOST}:9091,HERE://127.0.0.1:${here}`,
      'listener.security.protocol.map': 'PODS:SASL_PLAINTEXT,HERE:PLAINTEXT',
      'inter.broker.listener.name': 'HERE',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '3',
      'group.initial.rebalance.delay.ms': '0',
    },
  })
  api = await startForwardingServer(
    (pod, port) => (pod === 'ant-kafka-0' && [9091, 9092].includes(port) ? { host: '127.0.0.1', port: broker.port } : undefined),
    lab.connection,
  )
  writeFileSync(join(folder, 'kubeconfig'), api.kubeconfig)
  await installKinds(kube)
  await makeCluster()
})
afterAll(async () => {
  await api.stop()
  await broker.end()
  await lab.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('through the API server, to a broker whose advertised name is known inside only', () => {
  test('records go in and come out, as the operator and as a User', async () => {
    expect(await run('produce orders -K : -H source=test', { input: 'a:1\nb:2\na:3\n' })).toMatchObject({
      code: 0,
      out: '',
      err: '3 records written to orders\n',
    })
    expect(await run('produce orders -p 2 -z gzip --user app', { input: 'no end of line' })).toMatchObject({
      code: 0,
      err: '1 record written to orders\n',
    })
    const { code, out, err } = await run('consume orders --from earliest --exit --format %k=%v;%h\\n')
    expect([code, err]).toEqual([0, '4 records\n'])
    expect(out.split('\n').sort()).toEqual(['', '=no end of line;', 'a=1;source=test', 'a=3;source=test', 'b=2;source=test'])
    expect(new Set(api.opened)).toEqual(new Set(['ant-kafka-0:9091', 'ant-kafka-0:9092']))
  })

  test('reading begins and ends where it is told to', async () => {
    const read = async (args: string) => (await run(`consume orders -p 2 --exit --format %v\\n ${args}`)).out
    const before = (await read('--from earliest')).split('\n').length - 1
    await run('produce orders -p 2', { input: 'x\ny\nz\n' })
    expect(await read(`--from ${before}`)).toBe('x\ny\nz\n')
    expect(await read(`--from ${before + 1} --max 1`)).toBe('y\n')
    expect(await read('--from -1h')).toContain('x\ny\nz\n')
    expect(await read('--from 2099-01-01')).toBe('')
    expect((await run('consume orders -p 7')).err).toContain('--partition 7: orders has the partitions 0 to 2')
    const unknown = await run('consume nothing --exit')
    expect([unknown.code, unknown.err]).toEqual([3, expect.stringContaining('Kafka says UNKNOWN_TOPIC_OR_PARTITION')])
    const keyless = await run('produce orders -K :', { input: 'a:1\nb\n' })
    expect([keyless.code, keyless.err]).toEqual([1, expect.stringContaining('(0 records confirmed; nothing after them was written)')])
    const json = (await run(`consume orders -p 2 --from ${before} -m 1 -o json`)).out
    expect(JSON.parse(json)).toMatchObject({ topic: 'orders', partition: 2, offset: before, value: 'x', key: null })
  })

  test('an endless reading ends when the user says so', async () => {
    const stop = new AbortController()
    const reading = run('consume orders', { signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 200))
    stop.abort()
    expect((await reading).code).toBe(0)
  })

  test('groups: lag, a reset that is shown first, members that stand in its way', { timeout: 30_000 }, async () => {
    const kafka = new Kafka({ brokers: [`127.0.0.1:${broker.ports.get('HERE')}`], clientId: 'reader', logLevel: logLevel.NOTHING })
    const [partitions, records] = [3, 5]
    for (let partition = 0; partition < partitions; partition++)
      await run(`produce orders -p ${partition}`, { input: Array.from({ length: records }, (_unused, index) => `r${index}\n`).join('') })
    const consumer = kafka.consumer({ groupId: 'reading', maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders' })
    await consumer.run({ eachMessage: () => Promise.resolve() })
    await eventually(async () => (await run('group list')).out.includes('Stable'))
    expect((await run('group reset reading --topic orders --to-earliest --execute')).err).toContain(
      'reading has members, and only they may commit; stop them first: ',
    )
    expect((await run('group delete reading --yes')).err).toContain('reading has members, stop them first')
    await consumer.disconnect()
    await run('group delete reading --yes')
    const shown = await run('group reset billing --topic orders:0,2 --to-earliest')
    expect(shown).toMatchObject({ code: 0, err: 'nothing was changed; write --execute to do it\n' })
    expect(shown.out).toMatch(
      /^GROUP +TOPIC +PARTITION +CURRENT-OFFSET +NEW-OFFSET +NOTE\nbilling +orders +0 +- +0\nbilling +orders +2 +- +0\n$/,
    )
    expect((await run('group describe billing')).code).toBe(3)
    expect(await run('group reset billing --topic orders:0,2 --to-earliest --execute')).toMatchObject({
      code: 0,
      err: '2 offsets of billing were set\n',
    })
    const group = JSON.parse((await run('group describe billing -o json')).out) as {
      totalLag: number
      partitions: { partition: number; lag: number; end: number }[]
    }
    expect(group.partitions.map(({ partition }) => partition)).toEqual([0, 2])
    for (const { lag, end } of group.partitions) expect(lag).toBe(end)
    await run('group reset billing --topic orders:0 --shift-by 2 --execute')
    const shifted = JSON.parse((await run('group describe billing -o json')).out) as typeof group
    expect(shifted.totalLag).toBe(group.totalLag - 2)
    expect((await run('consume orders -p 0 --from group:billing --exit --format %o')).out).toMatch(/^2/)
    const future = JSON.parse((await run('group reset billing --all-topics --to-time 2099-01-01 -o json')).out) as {
      items: { new: number }[]
    }
    expect(future.items.map((item) => item.new)).toEqual(group.partitions.map(({ end }) => end))
    expect((await run('group reset billing --topic orders:9 --to-latest')).err).toContain('orders has the partitions 0 to 2')
    expect((await run('group list -o name')).out).toBe('group/billing\n')
    expect((await run('__complete group describe b')).out).toContain('billing\tEmpty')
    expect((await run('group delete billing')).code).toBe(2)
    expect((await run('group delete billing --yes')).out).toBe('group/billing deleted\n')
  })

  test('a wrong password, and a user who is not there', async () => {
    await kube.patch(secrets, { namespace: 'default', name: 'app' }, 'merge', { data: { password: base64('wrong') } })
    const { code, err } = await run('group list --user app')
    expect(code).toBe(1)
    expect(err).toContain('SASL_AUTHENTICATION_FAILED')
    await kube.patch(secrets, { namespace: 'default', name: 'app' }, 'merge', { data: { password: base64(PASSWORDS['app']!) } })
    expect(await run('group list --user nobody')).toMatchObject({ code: 3 })
  })

  test('status counts what the brokers have', async () => {
    const { out } = await run('status -o json')
    expect(JSON.parse(out)).toMatchObject({
      brokers: [{ id: 0, registered: true, outOfSync: 0 }],
      partitions: { underReplicated: [], offline: [] },
    })
  })

  test('a bundle holds no secret, in whatever form', async () => {
    const { code, saved, out } = await run('diagnose -f b.tar.gz')
    expect([code, out]).toEqual([0, 'b.tar.gz\n'])
    const bundle = gunzipSync(saved.get('b.tar.gz')!).toString('latin1')
    for (const name of ['status.json', 'kubernetes/pods.yaml', 'kubernetes/secrets.yaml', 'resources/users.yaml', 'problems.txt'])
      expect(bundle).toContain(name)
    expect(bundle).toContain('ant-credentials')
    for (const password of [...Object.values(PASSWORDS), 'in-a-variable']) {
      expect(bundle).not.toContain(password)
      expect(bundle).not.toContain(base64(password))
    }
    expect(bundle).toContain('(removed)')
  })
})
