// What `npm run bench:operator` measures in: a real API server, one ZooKeeper and one broker of ours as pods of the local kubelet, and the operator as a process.
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clusters, topics, users, type Topic } from '../../src/api/index.ts'
import { conditionOf } from '../../src/kube/conditions.ts'
import type { KubeClient } from '../../src/kube/client.ts'
import * as resources from '../../src/kube/resources.ts'
import { keyOf, type KubeObject, type Resource } from '../../src/kube/types.ts'
import { startKubelet } from '../../test/local/support/machine.ts'
import { installKinds, makeNamespace } from '../../test/operator/support/lab.ts'
import { cluster } from '../../test/operator/support/objects.ts'
import { seriesOf, type Series } from '../../test/operator/support/scrape.ts'
import { KUBE_LAB_PORTS, startKubeLab } from '../../test/support/control-plane.ts'
import { eventually, freePort, freePorts } from '../../test/support/net.ts'
import { Program } from '../../test/support/ours.ts'
import { residentBytes } from './process.ts'

const VOLUMES = 2
const AT_ONCE = 32

const volume = (path: string, index: number): KubeObject & { spec: unknown } => {
  const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['local'] }] }]
  const claimed = { capacity: { storage: '10Gi' }, accessModes: ['ReadWriteOnce'], persistentVolumeReclaimPolicy: 'Retain' }
  const spec = { ...claimed, local: { path }, nodeAffinity: { required: { nodeSelectorTerms: terms } } }
  return { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: `bench-${index}` }, spec }
}

export type Place = Awaited<ReturnType<typeof startPlace>>

/** `port`: of the API server; absent: a free one. */
export const startPlace = async (port: number | undefined) => {
  const directory = mkdtempSync(join(tmpdir(), 'sofakafka-bench-'))
  const apiPort = port ?? (await freePorts(KUBE_LAB_PORTS))
  const lab = await startKubeLab(apiPort)
  const kube: KubeClient = lab.client({ fieldManager: 'bench' })
  await installKinds(kube)
  for (let index = 0; index < VOLUMES; index++) {
    const path = join(directory, 'volumes', String(index))
    mkdirSync(path, { recursive: true })
    await kube.create<KubeObject>(resources.persistentVolumes, volume(path, index))
  }
  const main = process.env['SOFAKAFKA_MAIN']!
  const kubelet = await startKubelet({ kube: lab.client(), dataDir: directory, port: apiPort, main })
  const httpPort = await freePort()
  const flags = ['--image', 'sofakafka:bench', '--advertise', 'pod-ip', '--kubeconfig', lab.kubeconfig, '--http-port', String(httpPort)]
  // As the chart starts it.
  const environment = { NODE_OPTIONS: '--max-semi-space-size=4' }
  const startOperator = () => new Program(['operator', ...flags, '--no-leader-election'], environment)
  let operator = startOperator()
  const namespace = await makeNamespace(kube)
  const scrape = async (): Promise<Series[]> => seriesOf(await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text())

  const each = async <T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> => {
    const waiting = [...items]
    const worker = async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await act(item)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }
  const ready = async (kind: string): Promise<number> =>
    (await scrape()).find(({ name, labels }) => name === 'sofakafka_operator_resources_ready' && labels['kind'] === kind)?.value ?? 0

  return {
    kube,
    namespace,
    scrape,
    each,
    get operator() {
      return operator
    },
    memoryBytes: () => residentBytes(operator.pid),
    cluster: async (): Promise<void> => {
      const group = { name: 'kafka', replicas: 1, storage: { size: '10Gi' } }
      const config = { 'default.replication.factor': 1, 'offsets.topic.replication.factor': 1, 'offsets.topic.num.partitions': 1 }
      const object = cluster('ant', namespace, { brokers: [group], config })
      await kube.create(clusters, object)
      await eventually(async () => conditionOf((await kube.get(clusters, keyOf(object)))?.status?.conditions, 'Ready')?.status === 'True', {
        timeoutMs: 120_000,
        everyMs: 250,
        what: 'the Cluster Ready',
      })
    },
    create: <T extends KubeObject>(resource: Resource<T>, objects: readonly T[]) =>
      each(objects, (object) => kube.create(resource, object)),
    /** Until so many of the kind are Ready. */
    isReady: (kind: 'Topic' | 'User', count: number) =>
      eventually(async () => (await ready(kind)) >= count, { timeoutMs: 1_200_000, everyMs: 500, what: `${count} of ${kind} Ready` }),
    /** What of the brokers' requests has this name, of all brokers. */
    brokerRequests: async (): Promise<Series[]> => {
      const pods = (await kube.list(resources.pods, { namespace })).items.filter(({ metadata }) => metadata.name.includes('-kafka-'))
      const texts = pods.map(async ({ status }) => (await fetch(`http://${status!.podIP!}:9404/metrics`)).text())
      return (await Promise.all(texts)).flatMap(seriesOf).filter(({ name }) => name === 'kafka_network_requestmetrics_requests_total')
    },
    /** From the request that makes a Topic until its condition says Ready, as one who watches sees it. */
    latencyMs: async (object: Topic): Promise<number> => {
      const { resourceVersion } = await kube.list(topics, { namespace, limit: 1 })
      const end = new AbortController()
      const selector = { namespace, fieldSelector: `metadata.name=${object.metadata.name}`, resourceVersion }
      const events = kube.watch(topics, { ...selector, signal: end.signal })
      const startedMs = performance.now()
      await kube.create(topics, object)
      for await (const event of events) {
        if (event.type === 'ERROR' || conditionOf(event.object.status?.conditions, 'Ready')?.status !== 'True') continue
        end.abort()
        return performance.now() - startedMs
      }
      throw new Error(`the watch ended before ${object.metadata.name} was Ready`)
    },
    restartOperator: async (): Promise<void> => {
      await operator.stop()
      operator = startOperator()
      await eventually(async () => (await scrape()).length > 0, { timeoutMs: 30_000 })
    },
    removeTopics: (objects: readonly Topic[]) => each(objects, (object) => kube.delete(topics, keyOf(object))),
    users,
    topics,
    stop: async (): Promise<void> => {
      await operator.stop()
      await kube.delete(clusters, { namespace, name: 'ant' })
      await eventually(async () => (await kube.list(resources.pods, { namespace })).items.length === 0, { timeoutMs: 90_000 }).catch(
        () => {},
      )
      await kubelet.stop(1000)
      await lab.stop()
    },
  }
}
