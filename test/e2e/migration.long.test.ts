import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { storedIn } from '../interop/exchange-story.ts'
import { MixedCluster } from '../interop/mixed-cluster.ts'
import { complaints, Traffic as JavaTraffic } from '../interop/traffic.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { Kubectl, LocalMode } from './substrate.ts'
import { clientOf } from './suite.ts'
import { Traffic } from './traffic.ts'

type Condition = { type: string; status: string; reason: string; message: string; observedGeneration?: number }
type Cluster = {
  metadata: { generation: number }
  status?: { clusterId?: string; readyBrokers?: string; brokers?: { ready: boolean }[]; conditions?: Condition[] }
}
type Pods = { items: { metadata: { name: string; uid: string }; status: { podIP?: string } }[] }

const IDS = [1, 2, 3]
const SPREAD: readonly (readonly number[])[] = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
]
const SHARED_PORT = 9095

const clusterYaml = (zookeeper: string, migration: boolean) => `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: moved}
spec:
  zookeeper: {external: {connect: "${zookeeper}"}}
  brokers:
    - {name: kafka, firstId: 1, replicas: 3, storage: {size: 1Gi}}
  config: {min.insync.replicas: 2, default.replication.factor: 3, auto.create.topics.enable: "false"}
${migration ? `  migration: {listener: {name: PLAINTEXT, port: ${SHARED_PORT}, securityProtocol: PLAINTEXT}}` : ''}
`
const USER = `apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: app}
spec: {clusterRef: {name: moved}}
`

describe.skipIf(lacks('kubectl', 'java', 'maven', 'kcat'))('three brokers of Apache Kafka 2.6.3 that a Cluster takes over', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sofakafka-migration-'))
  let old: MixedCluster
  let local: LocalMode
  let kubectl: Kubectl
  let java: JavaTraffic

  const cluster = () => kubectl.json<Cluster>('get', 'skc', 'moved')
  const condition = async (type: string): Promise<Condition | undefined> => {
    const { status } = await cluster()
    return status?.conditions?.find((one) => one.type === type)
  }
  const says = (words: string) =>
    eventually(async () => (await condition('Ready'))?.message.includes(words), { timeoutMs: 90_000, everyMs: 300, what: words }).catch(
      async (error: unknown) => {
        throw new Error(`it says: ${JSON.stringify(await condition('Ready'))}\n${await kubectl.ok(['get', 'pods', '-o', 'wide'])}`, {
          cause: error,
        })
      },
    )
  const isReady = () =>
    eventually(
      async () => {
        const now = await cluster()
        const ready = now.status?.conditions?.find(({ type }) => type === 'Ready')
        return ready?.status === 'True' && ready.observedGeneration === now.metadata.generation
      },
      { timeoutMs: 120_000, everyMs: 300, what: 'Ready' },
    )
  const pods = async () => (await kubectl.json<Pods>('get', 'pods', '-l', 'app.kubernetes.io/name=kafka')).items
  const goesOn = async (): Promise<void> => {
    const before = await java.counts()
    await eventually(
      async () => {
        const now = await java.counts()
        return now.acked > before.acked + 20 && now.polled > before.polled + 20
      },
      { timeoutMs: 30_000, everyMs: 100, what: 'clients go on' },
    )
  }
  const endpoints = async (id: number): Promise<string[]> => {
    const { data } = await old.session.get(`/brokers/ids/${id}`)
    return (JSON.parse(data!.toString()) as { endpoints: string[] }).endpoints.map((endpoint) => endpoint.split(':')[0]!)
  }

  beforeAll(async () => {
    const file = join(directory, 'nothing.yaml')
    writeFileSync(file, 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nothing}\n')
    old = await MixedCluster.start(['apache', 'apache', 'apache'])
    await old.createTopic('java', SPREAD)
    java = JavaTraffic.java(old.bootstrap, 'java', SPREAD.length, 10)
    local = await LocalMode.start({ file })
    kubectl = new Kubectl(local)
  }, 120_000)
  afterAll(async () => {
    java?.kill()
    await local?.stop()
    await old?.end()
    rmSync(directory, { recursive: true, force: true })
  }, 60_000)

  test('goes broker by broker, as the condition says, while clients write and read', async () => {
    const clusterId = JSON.parse((await old.session.get('/cluster/id')).data!.toString()) as { id: string }
    expect((await kubectl.apply(clusterYaml(old.zookeeper, true))).stderr).toBe('')
    for (const id of IDS) {
      await says(`stop the old broker ${id} (PLAINTEXT://127.0.0.1:${old.at(id).port}) now`)
      expect((await pods()).map(({ metadata }) => metadata.name)).toEqual(IDS.filter((one) => one < id).map((one) => `moved-kafka-${one}`))
      await goesOn()
      await old.stop(id)
    }
    await isReady()
    expect((await condition('Degraded'))?.message).toContain('take spec.migration away')
    await old.untilInSync(IDS.length)
    await goesOn()
    expect((await cluster()).status?.clusterId).toBe(clusterId.id)
    const account = await java.end()
    const bootstrap = (await pods()).map(({ status }) => `${status.podIP}:${SHARED_PORT}`).join(',')
    expect(account.acked.length).toBeGreaterThan(500)
    expect(complaints(account, storedIn(bootstrap, 'java')).slice(0, 10)).toEqual([])
  }, 400_000)

  test('lets the listener of the migration go in two rolls, and no send fails', async () => {
    expect((await kubectl.apply(USER)).stderr).toBe('')
    await kubectl.ok(['wait', '--for=condition=Ready', 'sku/app', '--timeout=60s'])
    const traffic = await Traffic.start(clientOf(await kubectl.login('app')), 'java')
    await traffic.goesOnEverywhere()
    const before = new Set((await pods()).map(({ metadata }) => metadata.uid))
    await kubectl.ok(['patch', 'skc/moved', '--type=json', '-p', '[{"op":"remove","path":"/spec/migration"}]'])
    await eventually(async () => (await Promise.all(IDS.map(endpoints))).every((names) => !names.includes('PLAINTEXT')), {
      timeoutMs: 200_000,
      everyMs: 500,
      what: 'no broker has the listener',
    })
    await isReady()
    expect((await pods()).filter(({ metadata }) => before.has(metadata.uid))).toEqual([])
    expect(await Promise.all(IDS.map(endpoints))).toEqual(IDS.map(() => ['REPLICATION', 'INTERNAL']))
    await traffic.goesOnEverywhere()
    await traffic.stop()
    await eventually(() => traffic.missing().length === 0, { timeoutMs: 30_000, what: 'every acknowledged record is consumed' })
    await traffic.close()
  }, 400_000)
})
