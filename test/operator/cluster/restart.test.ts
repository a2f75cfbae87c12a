import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters } from '../../../src/api/index.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf, type KubeObject } from '../../../src/kube/types.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { roll } from '../../../src/operator/cluster/rolls/replace.ts'
import { askedRestarts } from '../../../src/operator/cluster/rolls/restart.ts'
import type { Pass } from '../../../src/operator/cluster/steps.ts'
import { RESTART, RESTARTED_AT } from '../../../src/operator/names.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { FakeKafka } from '../support/fake-kafka.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const passOf = (annotations: Record<string, string>, pods: resources.Pod[]) => {
  const object = cluster('ant', 'prod', { deletionPolicy: 'Retain' })
  object.spec.zookeeper.replicas = 1
  object.metadata.annotations = annotations
  const objects = desired(object, { image: 'i', advertise: 'pod-dns' })
  const statefulSets = objects.filter((one): one is resources.StatefulSet => one.kind === 'StatefulSet')
  return { cluster: object, seen: { pods }, statefulSets, restarts: new Map<string, string>() }
}
const podsOf = (annotations: Record<string, string>, own: Record<string, string> = {}): resources.Pod[] =>
  passOf(annotations, []).statefulSets.flatMap(({ metadata, spec }) =>
    Array.from({ length: spec.replicas }, (_unused, id) => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `${metadata.name}-${id}`,
        namespace: 'prod',
        uid: `${metadata.name}-${id}`,
        labels: spec.template.metadata!.labels!,
        annotations: { ...spec.template.metadata!.annotations, ...own },
      },
      spec: spec.template.spec,
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    })),
  )
const restartsOf = async (annotations: Record<string, string>, pods: resources.Pod[]): Promise<string[]> => {
  const pass = passOf(annotations, pods)
  await askedRestarts.run(pass as unknown as Pass)
  return [...pass.restarts.keys()]
}

describe('a restart that is asked for', () => {
  const at = (text: string) => ({ [RESTARTED_AT]: text })

  test('is of every pod that was made before, and of none twice', async () => {
    expect(await restartsOf(at('noon'), podsOf({}))).toEqual(['ant-zookeeper-0', 'ant-kafka-0', 'ant-kafka-1', 'ant-kafka-2'])
    expect(await restartsOf(at('noon'), podsOf(at('noon')))).toEqual([])
    expect(await restartsOf(at('one'), podsOf(at('noon')))).toHaveLength(4)
    expect(await restartsOf({}, podsOf(at('noon')))).toEqual([])
    expect(await restartsOf({}, podsOf({}, { [RESTART]: 'true' }))).toHaveLength(4)
    expect(await restartsOf({}, podsOf({}, { [RESTART]: 'false' }))).toEqual([])
  })

  test('is not one of the pod that has taken its place since the cache was read', async () => {
    const old = podsOf({})
    const now = podsOf(at('noon')).map((pod) => ({ ...pod, metadata: { ...pod.metadata, uid: `${pod.metadata.name}-again` } }))
    const gone: string[] = []
    const kafka = new FakeKafka()
    kafka.partitions.brokers = [0, 1, 2].map((id) => ({ id, rack: null }))
    const takenOf = async (pods: resources.Pod[]) => {
      gone.length = 0
      const kube = {
        list: async () => ({ items: pods, resourceVersion: '1' }),
        delete: async (_resource: unknown, { name }: { name: string }) => gone.push(name) > 0,
      }
      const environment = { kube, logger: silentLogger, events: { record: async () => undefined } }
      const facts = { contact: kafka.contact, controllerId: 0, brokerIds: [0, 1, 2] }
      const pass = { ...passOf(at('noon'), old), environment, kafka: facts, hold: undefined }
      await askedRestarts.run(pass as unknown as Pass)
      await roll.run(pass as unknown as Pass)
      return gone[0]
    }
    expect(await takenOf(old)).toBe('ant-zookeeper-0')
    expect(await takenOf(now)).toBeUndefined()
    expect(await takenOf([now[0]!, ...old.slice(1)])).toBe('ant-kafka-2')
  })

  test('is no reason by which another value of something else is hidden: the hash of a pod knows nothing of it', () => {
    const hashOf = (annotations: Record<string, string>) =>
      podsOf(annotations).map(({ metadata }) => metadata.annotations?.['sofakafka.io/template-hash'])
    expect(hashOf(at('noon'))).toEqual(hashOf({}))
  })
})

describe('the operator', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())

  test('replaces all pods one at a time when the Cluster asks, one when that pod asks, and none when it asks no more', async () => {
    const { namespace, object } = await place.readyCluster()
    const list = async () => (await place.kube.list(resources.pods, { namespace })).items
    const uids = async () => new Map((await list()).map(({ metadata }) => [metadata.name, metadata.uid]))
    const annotate = (key: string, value: string | null) =>
      place.kube.patch(clusters, keyOf(object), 'merge', { metadata: { annotations: { [key]: value } } })
    const before = await uids()
    /** Makes each pod ready that comes, as a node would, until as many have come; their names in order. */
    const replaced = async (count: number, from: ReadonlyMap<string, string | undefined>) => {
      const order: string[] = []
      while (order.length < count) {
        const next = await eventually(
          async () => (await list()).find(({ metadata: { name, uid } }) => uid !== from.get(name) && !order.includes(name)),
          { timeoutMs: 20_000, what: `pod ${order.length + 1}` },
        )
        const missing = (await list()).filter(({ status }) => !status?.conditions?.some(({ type }) => type === 'Ready'))
        expect(missing.map(({ metadata }) => metadata.name)).toEqual([next.metadata.name])
        order.push(next.metadata.name)
        await place.makeReady(next, order.length)
      }
      return order
    }

    await annotate(RESTARTED_AT, '2026-11-21T12:00:00Z')
    // The fake's controller is broker 1.
    expect(await replaced(4, before)).toEqual(['ant-zookeeper-0', 'ant-kafka-2', 'ant-kafka-0', 'ant-kafka-1'])
    await place.becomes(object, 'Ready')
    const after = await uids()
    await annotate(RESTARTED_AT, null)
    const one = { namespace, name: 'ant-kafka-1' }
    await place.kube.patch(resources.pods, one, 'merge', { metadata: { annotations: { [RESTART]: 'true' } } })
    expect(await replaced(1, after)).toEqual(['ant-kafka-1'])
    await place.becomes(object, 'Ready')
    const last = await uids()
    expect([...last].filter(([name, uid]) => after.get(name) !== uid).map(([name]) => name)).toEqual(['ant-kafka-1'])
    const notes = await place.kube.list<KubeObject & { note?: string }>(resources.events as never, { namespace })
    expect(notes.items.map(({ note }) => note)).toContain('Pod ant-kafka-1 is replaced: its annotation sofakafka.io/restart asks for it')
  }, 60_000)
})
