import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters, topics, type Cluster, type Topic } from '../../../src/api/index.ts'
import { conditionOf } from '../../../src/kube/conditions.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf, type KubeObject } from '../../../src/kube/types.ts'
import { lacks } from '../../support/needs.ts'
import { eventually } from '../../support/net.ts'
import { startEmbeddedLab } from '../support/embedded-lab.ts'
import { definitions } from '../support/lab.ts'
import { cluster, topic } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const PROGRAM = join(process.cwd(), 'node_modules', '.cache', 'go', 'kstatus')
const SOURCE = join('test', 'operator', 'go')
type Told = { kstatus: string; kstatusMessage: string; argo: string; argoMessage: string }

/** What kstatus and the Argo CD script that docs/ ships say of these objects. */
const tell = (objects: readonly KubeObject[]): Told[] => {
  const input = objects.map((object) => `${JSON.stringify(object)}\n`).join('')
  const output = execFileSync(PROGRAM, [join('docs', 'argocd', 'health.lua')], { input, encoding: 'utf8' })
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
}
const verdictOf = (object: KubeObject): [kstatus: string, argo: string] => {
  const { kstatus, argo } = tell([object])[0]!
  return [kstatus, argo]
}

describe.skipIf(lacks('go'))('kstatus and Argo CD see', () => {
  const place = new OperatorLab()
  beforeAll(async () => {
    mkdirSync(join(PROGRAM, '..'), { recursive: true })
    execFileSync('go', ['build', '-buildvcs=false', '-o', PROGRAM, '.'], { cwd: SOURCE, stdio: ['ignore', 'ignore', 'inherit'] })
    await place.start(startEmbeddedLab)
  }, 300_000)
  afterAll(() => place.stop())

  const readTopic = async (object: Topic): Promise<Topic> => (await place.kube.get(topics, keyOf(object)))!
  const readCluster = async (object: Cluster): Promise<Cluster> => (await place.kube.get(clusters, keyOf(object)))!

  test('a Topic from its first moment to its end', async () => {
    const { namespace, kafka } = await place.servedCluster()
    await place.operator.stop()
    const object = topic('t', namespace, { partitions: 3 })
    await place.put(object)
    expect(verdictOf(await readTopic(object))).toEqual(['InProgress', 'Progressing'])
    kafka.isReachable = false
    place.operator = await place.startOperator()
    await place.becomes(object, 'BrokersUnreachable')
    expect(verdictOf(await readTopic(object))).toEqual(['InProgress', 'Progressing'])
    kafka.isReachable = true
    await place.becomes(object, 'Ready')
    expect(tell([await readTopic(object)])[0]).toMatchObject({
      kstatus: 'Current',
      argo: 'Healthy',
      argoMessage: 'everything is as the resource says',
    })

    await place.operator.stop()
    await place.put(topic('t', namespace, { partitions: 3, config: { 'retention.ms': 1 } }))
    expect(verdictOf(await readTopic(object))).toEqual(['InProgress', 'Progressing'])
    place.operator = await place.startOperator()
    await eventually(async () => (await readTopic(object)).status?.observedGeneration === 2)
    expect(verdictOf(await readTopic(object))).toEqual(['Current', 'Healthy'])

    const wrong = topic('wrong', namespace, { clusterRef: { name: 'nowhere' } })
    await place.put(wrong)
    await place.becomes(wrong, 'ClusterNotFound')
    const [told] = tell([await readTopic(wrong)])
    expect(told).toMatchObject({ kstatus: 'Failed', argo: 'Degraded' })
    expect(told?.argoMessage).toMatch(/^ClusterNotFound: there is no Cluster .*: make it/)

    await place.kube.patch(topics, keyOf(wrong), 'merge', { metadata: { annotations: { 'sofakafka.io/paused': 'true' } } })
    expect(verdictOf(await readTopic(wrong))[1]).toBe('Suspended')
  })

  /** What the StatefulSet controller and the kubelets would do; the API server stands alone. */
  const playPods = async (namespace: string): Promise<void> => {
    const { items } = await place.kube.list(resources.statefulSets, { namespace })
    let at = 0
    for (const { metadata, spec } of items) {
      for (let n = 0; n < spec.replicas; n++) {
        const name = `${metadata.name}-${(spec.ordinals?.start ?? 0) + n}`
        const key = { namespace, name }
        const template = { ...spec.template.metadata, ...key }
        const pod = { apiVersion: 'v1', kind: 'Pod', metadata: template, spec: { containers: [{ name: 'kafka', image: 'none' }] } }
        const there = await place.kube.get(resources.pods, key)
        if (!there) await place.makeReady(await place.kube.create(resources.pods, pod), at)
        at++
      }
    }
  }

  test('a Cluster that starts, serves, rolls and serves again', async () => {
    const { namespace } = await place.servedCluster('other')
    const object = cluster('ant', namespace)
    await place.put(object)
    await eventually(async () => (await place.kube.list(resources.statefulSets, { namespace })).items.length === 2)
    await place.becomes(object, 'ZooKeeperNotReady')
    expect(verdictOf(await readCluster(object))).toEqual(['InProgress', 'Progressing'])
    await playPods(namespace)
    await place.becomes(object, 'Ready')
    expect(verdictOf(await readCluster(object))).toEqual(['Current', 'Healthy'])

    await place.put(cluster('ant', namespace, { image: 'sofakafka:new' }))
    await place.becomes(object, 'RollingUpdate')
    const seen = new Set<string>()
    await eventually(
      async () => {
        await playPods(namespace)
        const now = await readCluster(object)
        seen.add(verdictOf(now).join())
        return (
          conditionOf(now.status?.conditions, 'Ready')?.reason === 'Ready' && now.status?.observedGeneration === now.metadata.generation
        )
      },
      { timeoutMs: 30_000, everyMs: 100 },
    )
    expect([...seen].sort()).toEqual(['Current,Healthy', 'InProgress,Progressing'])
  }, 60_000)

  test.skipIf(lacks('kubectl'))('and kubectl wait returns when it is so', async () => {
    const { namespace } = await place.servedCluster()
    await place.put(topic('awaited', namespace))
    const args = [
      '--kubeconfig',
      place.kubeconfig,
      '-n',
      namespace,
      'wait',
      'topic.sofakafka.io/awaited',
      '--for=condition=Ready',
      '--timeout=10s',
    ]
    // Not in a synchronous call: the API server is in this process.
    expect((await promisify(execFile)('kubectl', args)).stdout).toContain('condition met')
  })
})

type Schema = {
  type?: string
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  default?: unknown
  [key: string]: unknown
}
type Version = {
  schema: { openAPIV3Schema: Schema }
  subresources?: { status?: unknown }
  additionalPrinterColumns: { name: string; jsonPath: string }[]
}

test.each(definitions())('$metadata.name has the status that tools read', ({ spec }) => {
  for (const version of spec['versions'] as Version[]) {
    expect(version.subresources?.status).toEqual({})
    const status = version.schema.openAPIV3Schema.properties!['status']!
    // A resource that nobody has looked at is not taken for one that is done.
    expect(status.default).toEqual({ observedGeneration: -1 })
    expect(status.properties!['observedGeneration']).toEqual({ type: 'integer', format: 'int64' })
    const conditions = status.properties!['conditions']!
    expect(conditions).toMatchObject({ type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] })
    expect(Object.keys(conditions.items!.properties!).sort()).toEqual(
      ['lastTransitionTime', 'message', 'observedGeneration', 'reason', 'status', 'type'].sort(),
    )
    expect(conditions.items!.required).toEqual(expect.arrayContaining(['type', 'status', 'reason', 'message', 'lastTransitionTime']))
    const columns = version.additionalPrinterColumns.map(({ name }) => name)
    expect(columns[0]).toBe('Ready')
    expect(columns).toContain('Reason')
  }
})
