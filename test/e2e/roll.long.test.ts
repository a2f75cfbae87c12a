import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { removeDirectory, temporaryDirectory } from '../support/apache.ts'
import { lacks } from '../support/needs.ts'
import { eventually } from '../support/net.ts'
import { Kubectl, LocalMode } from './substrate.ts'
import { clientOf } from './suite.ts'
import { Traffic } from './traffic.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

type Pods = { items: { metadata: { name: string; uid: string }; status: { podIP?: string } }[] }

const YAML = `apiVersion: sofakafka.io/v1beta1
kind: Cluster
metadata: {name: ant}
spec:
  zookeeper: {storage: {size: 1Gi}}
  brokers: [{name: kafka, replicas: 3, storage: {size: 1Gi}}, {name: old-kafka, firstId: 100, replicas: 1, storage: {size: 1Gi}}]
---
apiVersion: sofakafka.io/v1beta1
kind: User
metadata: {name: app}
spec: {clusterRef: {name: ant}}
---
apiVersion: sofakafka.io/v1beta1
kind: Topic
metadata: {name: orders}
spec: {clusterRef: {name: ant}, partitions: 6, replicas: 3, config: {min.insync.replicas: 2}}
`

describe.skipIf(lacks('kubectl'))('brokers that are restarted and taken away while clients go on', () => {
  const directory = temporaryDirectory('roll-e2e')
  let local: LocalMode
  let kubectl: Kubectl
  let traffic: Traffic

  const pods = async () => (await kubectl.json<Pods>('get', 'pods', '-l', 'sofakafka.io/cluster=ant')).items
  const uids = async () => new Map((await pods()).map(({ metadata }) => [metadata.name, metadata.uid]))
  /** How many elections of a controller there were. */
  const elections = async (): Promise<number> => {
    const server = (await pods()).find(({ metadata }) => metadata.name.includes('zookeeper'))!
    const zookeeper = await zooKeeperAt(2181, { host: server.status.podIP!, sessionTimeoutMs: 6000, connectTimeoutMs: 6000 })
    try {
      return Number((await zookeeper.get('/controller_epoch')).data?.toString())
    } finally {
      await zookeeper.close()
    }
  }
  const isReady = () => kubectl.ok(['wait', '--for=condition=Ready', 'skc/ant', 'skt/orders', 'sku/app', '--timeout=120s'])

  beforeAll(async () => {
    const file = join(directory, 'ant.yaml')
    writeFileSync(file, YAML)
    local = await LocalMode.start({ file })
    kubectl = new Kubectl(local)
    await isReady()
    traffic = await Traffic.start(clientOf(await kubectl.login('app')), 'orders')
    await traffic.goesOnEverywhere()
  }, 200_000)
  afterAll(async () => {
    await traffic?.close()
    await local?.stop()
    removeDirectory(directory)
  }, 60_000)

  test('a restart that is asked for replaces each pod once, and elects one controller', async () => {
    const [before, epoch] = [await uids(), await elections()]
    await kubectl.ok(['annotate', 'skc/ant', 'sofakafka.io/restarted-at=now'])
    await eventually(async () => [...(await uids())].filter(([name, uid]) => before.get(name) === uid).length === 0, {
      timeoutMs: 300_000,
      everyMs: 1000,
      what: 'every pod replaced',
    })
    await isReady()
    const after = await uids()
    expect([...after.keys()].toSorted()).toEqual([...before.keys()].toSorted())
    expect((await elections()) - epoch).toBe(1)
    await traffic.goesOnEverywhere()
    expect(await uids()).toEqual(after)
  }, 400_000)

  test('a group that is taken away is drained, and its broker goes', async () => {
    await kubectl.ok(['patch', 'skc/ant', '--type=json', '-p', '[{"op": "remove", "path": "/spec/brokers/1"}]'])
    await eventually(async () => !(await uids()).has('ant-old-kafka-100'), { timeoutMs: 120_000, everyMs: 1000, what: 'the broker to go' })
    await isReady()
    expect((await kubectl.ok(['get', 'pvc', '-o', 'name'])).split('\n')).toContain('persistentvolumeclaim/data-ant-old-kafka-100')
    expect(await kubectl.ok(['get', 'sts', '-o', 'name'])).not.toContain('old-kafka')
    await traffic.goesOnEverywhere()
  }, 200_000)

  test('no record that was acknowledged is missing', async () => {
    await traffic.stop()
    await eventually(() => traffic.missing().length === 0, { timeoutMs: 30_000, what: 'every acknowledged record is consumed' })
  }, 60_000)
})
