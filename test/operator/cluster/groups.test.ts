import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clusters } from '../../../src/api/index.ts'
import * as resources from '../../../src/kube/resources.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { keepRemoved } from '../../../src/operator/cluster/moves/groups.ts'
import { partedSets, removedGroups } from '../../../src/operator/cluster/moves/removed-groups.ts'
import { brokersOf } from '../../../src/operator/cluster/listeners/services.ts'
import type { Pass } from '../../../src/operator/cluster/steps.ts'
import { SKIP_DRAIN } from '../../../src/operator/names.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const group = (name: string, replicas: number, more: Record<string, unknown> = {}) => ({
  name,
  replicas,
  storage: { size: '1Gi' },
  ...more,
})
const BIG = group('big-kafka', 2, { firstId: 100 })
const OTHER = group('big-kafka', 1, { firstId: 200 })

describe('a group of brokers that is removed', () => {
  const place = new OperatorLab()
  const { put, becomes, readyOf } = place
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())

  const podsOf = async (namespace: string) => (await place.kube.list(resources.pods, { namespace })).items
  const namesOf = async (namespace: string) => (await podsOf(namespace)).map(({ metadata }) => metadata.name).sort()
  const setOf = (namespace: string, name = 'ant-big-kafka') => place.kube.get(resources.statefulSets, { namespace, name })
  const claimsOf = async (namespace: string) =>
    (await place.kube.list(resources.persistentVolumeClaims, { namespace })).items.map(({ metadata }) => metadata.name)
  const object = (namespace: string, ...brokers: object[]) => cluster('ant', namespace, { brokers })
  const withTopic = async (spec: Record<string, unknown> = {}) => {
    const made = await place.readyCluster('ant', { brokers: [group('kafka', 2), BIG], ...spec }, 4)
    made.kafka.partitions.brokers = [0, 1, 100, 101].map((id) => ({ id, rack: null }))
    made.kafka.partitions.make('t', 4, 2)
    made.kafka.topics.set('t', { partitions: 4, config: new Map() })
    return made
  }
  const readyAll = async (namespace: string) => {
    for (const [index, pod] of (await podsOf(namespace)).entries()) await place.makeReady(pod, index)
  }

  test('is drained, also when the operator is killed; then its pods and its StatefulSet go, and its volumes stay', async () => {
    const { namespace, object: ant, kafka } = await withTopic()
    await put(object(namespace, group('kafka', 2)))
    await becomes(ant, 'Draining')
    expect((await readyOf(ant))?.message).toMatch(/^brokers 100, 101 will go when \d partitions have been moved to others \(topics t\)$/)
    await place.restartOperator()
    kafka.partitions.settle(1)
    await eventually(async () => kafka.partitions.of('t').some(({ replicas }) => !replicas.some((id) => id >= 100)))
    expect(await namesOf(namespace)).toContain('ant-big-kafka-100')
    expect((await setOf(namespace))?.spec.replicas).toBe(2)
    await eventually(
      async () => {
        kafka.partitions.settle()
        return (await setOf(namespace)) === undefined
      },
      { timeoutMs: 30_000, what: 'the StatefulSet to go' },
    )
    expect(
      kafka.partitions
        .of('t')
        .flatMap(({ replicas }) => replicas)
        .filter((id) => id >= 100),
    ).toEqual([])
    await becomes(ant, 'Ready')
    expect(await namesOf(namespace)).toEqual(['ant-kafka-0', 'ant-kafka-1', 'ant-zookeeper-0'])
    expect(await claimsOf(namespace)).toEqual(expect.arrayContaining(['data-ant-big-kafka-100', 'data-ant-big-kafka-101']))
  }, 60_000)

  test('is not rolled any more, comes back as it was when the spec has it again, and stays where others cannot do without it', async () => {
    const { namespace, object: ant, kafka } = await withTopic()
    const uidsOf = async () =>
      (await podsOf(namespace)).filter(({ metadata }) => metadata.name.includes('big')).map(({ metadata }) => metadata.uid)
    const before = await uidsOf()
    kafka.partitions.make('wide', 1, 4)
    kafka.topics.set('wide', { partitions: 1, config: new Map() })
    await put(cluster('ant', namespace, { brokers: [group('kafka', 2)], config: { 'num.partitions': 3 } }))
    await becomes(ant, 'CannotDrain')
    expect((await readyOf(ant))?.message).toContain('the topic wide has 4 replicas and 2 brokers would be left')
    // The brokers of the other group take the setting.
    const first = await eventually(async () => (await podsOf(namespace)).find(({ status }) => !status?.conditions?.length))
    expect(first.metadata.name).toBe('ant-kafka-0')
    expect(await uidsOf()).toEqual(before)
    await put(object(namespace, group('kafka', 2), BIG))
    await eventually(
      async () => {
        await readyAll(namespace)
        return (await readyOf(ant))?.reason === 'Ready'
      },
      { timeoutMs: 20_000, what: 'Ready again' },
    )
    expect(await namesOf(namespace)).toContain('ant-big-kafka-101')
  }, 60_000)

  test('goes at once where the Cluster says so, with a warning', async () => {
    const { namespace, object: ant, kafka } = await withTopic()
    kafka.partitions.make('wide', 1, 4)
    kafka.topics.set('wide', { partitions: 1, config: new Map() })
    await put(object(namespace, group('kafka', 2)))
    await becomes(ant, 'CannotDrain')
    await place.kube.patch(clusters, { namespace, name: 'ant' }, 'merge', { metadata: { annotations: { [SKIP_DRAIN]: 'true' } } })
    await eventually(async () => (await namesOf(namespace)).length === 3, { timeoutMs: 20_000, what: 'the pods to go' })
    const { items } = await place.kube.list(resources.events, { namespace })
    expect(items.filter(({ type, reason }) => type === 'Warning' && reason === 'DrainSkipped').map(({ note }) => note)).toEqual([
      'brokers 100, 101 go without being drained, as the annotation sofakafka.io/skip-drain says; their volumes stay',
    ])
    expect(await claimsOf(namespace)).toEqual(expect.arrayContaining(['data-ant-big-kafka-100']))
  }, 60_000)

  test('keeps its ids and its name from new groups until it is gone', async () => {
    const { namespace, object: ant, kafka } = await withTopic()
    await put(object(namespace, group('kafka', 2)))
    await becomes(ant, 'Draining')
    await put(object(namespace, group('kafka', 2), OTHER, group('new-kafka', 1, { firstId: 101 })))
    await eventually(async () =>
      (await readyOf(ant))?.message?.includes(
        'the group big-kafka begins when brokers 100 to 101 are gone: a group of the same name was removed and still has them',
      ),
    )
    expect(await setOf(namespace)).toMatchObject({ spec: { replicas: 2, ordinals: { start: 100 } } })
    expect(await setOf(namespace, 'ant-new-kafka')).toBeUndefined()
    await eventually(
      async () => {
        kafka.partitions.settle()
        await readyAll(namespace)
        return (await namesOf(namespace)).includes('ant-big-kafka-200') && (await readyOf(ant))?.reason === 'Ready'
      },
      { timeoutMs: 30_000, what: 'the new groups' },
    )
    expect(await namesOf(namespace)).toEqual(['ant-big-kafka-200', 'ant-kafka-0', 'ant-kafka-1', 'ant-new-kafka-101', 'ant-zookeeper-0'])
  }, 60_000)

  test('leaves its StatefulSet, without pods, where volumes go with it: they go with the Cluster', async () => {
    const { namespace, object: ant, kafka } = await withTopic({ deletionPolicy: 'Delete' })
    await put(cluster('ant', namespace, { deletionPolicy: 'Delete', brokers: [group('kafka', 2)] }))
    await becomes(ant, 'Draining')
    await eventually(
      async () => {
        kafka.partitions.settle()
        return (await namesOf(namespace)).length === 3 && (await readyOf(ant))?.reason === 'Ready'
      },
      { timeoutMs: 30_000, what: 'the pods to go' },
    )
    expect((await setOf(namespace))?.spec.replicas).toBe(0)
    expect(await claimsOf(namespace)).toEqual(expect.arrayContaining(['data-ant-big-kafka-100']))
  }, 60_000)
})

test('its ids and its name are free when its last pod is gone, not when it is on its way out', () => {
  const sets = (...brokers: object[]) =>
    desired(cluster('ant', 'ns', { brokers }), { image: 'i', advertise: 'pod-dns' }).filter(
      (one) => one.kind === 'StatefulSet',
    ) as resources.StatefulSet[]
  const setOf = (replicas: number) => {
    const [set] = sets(BIG).filter(({ metadata }) => metadata.name === 'ant-big-kafka')
    return { ...set!, spec: { ...set!.spec, replicas } }
  }
  const pod = { metadata: { name: 'ant-big-kafka-101', labels: { 'sofakafka.io/group': 'big-kafka' } } } as unknown as resources.Pod
  const now = cluster('ant', 'ns', { brokers: [group('kafka', 2), OTHER, group('new-kafka', 1, { firstId: 101 })] })
  const begins = (seen: { statefulSets: resources.StatefulSet[]; emptied: resources.StatefulSet[]; pods: resources.Pod[] }) => {
    const objects = sets(...now.spec.brokers)
    const removed = removedGroups(now, seen)
    const pass = { cluster: now, seen, inputs: { removed }, objects, statefulSets: objects } as unknown as Pass
    keepRemoved(pass)
    return pass.objects.map(({ metadata }) => metadata.name)
  }
  const old = partedSets(now, [setOf(2)])
  expect(old).toEqual({ live: [setOf(2)], emptied: [] })
  expect(begins({ statefulSets: old.live, emptied: old.emptied, pods: [pod] })).toEqual(['ant-zookeeper', 'ant-kafka'])
  const { live, emptied } = partedSets(now, [setOf(0)])
  expect(emptied).toHaveLength(1)
  expect(begins({ statefulSets: live, emptied, pods: [pod] })).toEqual(['ant-zookeeper', 'ant-kafka'])
  expect(begins({ statefulSets: live, emptied, pods: [] })).toEqual(['ant-zookeeper', 'ant-kafka', 'ant-big-kafka', 'ant-new-kafka'])
})

test('clients outside reach the brokers of a removed group until they go', () => {
  const ant = cluster('ant', 'ns', { brokers: [group('kafka', 1), group('new-kafka', 1, { firstId: 100 })] })
  expect(brokersOf(ant, { removed: [{ name: 'big-kafka', firstId: 100, replicas: 2 }] })).toEqual([
    { id: 0, pod: 'ant-kafka-0' },
    { id: 100, pod: 'ant-big-kafka-100' },
    { id: 101, pod: 'ant-big-kafka-101' },
  ])
})
