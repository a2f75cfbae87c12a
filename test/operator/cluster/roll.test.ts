import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../../src/base/logger.ts'
import type { PartitionReplicas } from '../../../src/client/partition-admin.ts'
import * as resources from '../../../src/kube/resources.ts'
import type { Pod, StatefulSet } from '../../../src/kube/resources.ts'
import { desired } from '../../../src/operator/cluster/desired.ts'
import { roll } from '../../../src/operator/cluster/rolls/replace.ts'
import type { Pass } from '../../../src/operator/cluster/steps.ts'
import { TEMPLATE_HASH } from '../../../src/operator/names.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { FakeKafka } from '../support/fake-kafka.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'
import { Random } from '../../support/random.ts'

const object = cluster('ant', 'prod', { deletionPolicy: 'Retain', brokers: [{ name: 'kafka', replicas: 5, storage: { size: '1Gi' } }] })
object.spec.zookeeper.replicas = 1
const objects = desired(object, { image: 'i', advertise: 'pod-dns' })
const statefulSets = objects.filter((one): one is StatefulSet => one.kind === 'StatefulSet')
const podOf = (set: StatefulSet, id: number, isNew: boolean): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `${set.metadata.name}-${id}`,
    namespace: 'prod',
    uid: `${set.metadata.name}-${id}`,
    labels: set.spec.template.metadata!.labels,
    annotations: isNew ? set.spec.template.metadata!.annotations : { [TEMPLATE_HASH]: 'old' },
  },
  spec: { containers: [] },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
})
const [zookeeper, brokers] = ['zookeeper', 'kafka'].map((name) => statefulSets.find(({ metadata }) => metadata.name === `ant-${name}`)!)

type Situation = { kafka: FakeKafka; pods: Pod[]; minInSync: Map<string, number> }

/** Topics of 1 to 4 replicas on 5 brokers, some of which lag; any of the brokers may be old. */
const randomSituation = (seed: number): Situation => {
  const { next: random, below } = new Random(seed)
  const kafka = new FakeKafka()
  kafka.partitions.brokers = [0, 1, 2, 3, 4].map((id) => ({ id, rack: null }))
  const minInSync = new Map<string, number>()
  for (let number = 0; number < 1 + below(6); number++) {
    const topic = `t${number}`
    minInSync.set(topic, 1 + below(3))
    kafka.topics.set(topic, { partitions: 1, config: new Map([['min.insync.replicas', String(minInSync.get(topic))]]) })
    kafka.partitions.make(topic, 1 + below(5), 1 + below(4))
    for (const partition of kafka.partitions.of(topic)) {
      if (random() < 0.4) partition.isr = partition.replicas.filter((_id, index) => index === 0 || random() < 0.6)
    }
  }
  const pods = [0, 1, 2, 3, 4].map((id) => podOf(brokers!, id, random() < 0.4))
  return { kafka, pods: [podOf(zookeeper!, 0, true), ...pods], minInSync }
}

/** The broker that the step takes away, if it takes one. */
const taken = async ({ kafka, pods }: Situation): Promise<number | undefined> => {
  const gone: string[] = []
  const kube = {
    list: async () => ({ items: pods, resourceVersion: '1' }),
    delete: async (_resource: unknown, { name }: { name: string }) => gone.push(name) > 0,
  }
  const environment = { kube, logger: silentLogger, events: { record: async () => undefined } }
  const facts = { contact: kafka.contact, controllerId: 1, brokerIds: [0, 1, 2, 3, 4] }
  const pass = { environment, cluster: object, seen: { pods }, statefulSets, kafka: facts, restarts: new Map(), hold: undefined }
  await roll.run(pass as unknown as Pass)
  expect(gone.length).toBeLessThanOrEqual(1)
  return gone[0] === undefined ? undefined : Number(gone[0].at(-1))
}

const isHarmed = ({ replicas, isr }: PartitionReplicas, broker: number, minInSync: number): boolean => {
  const isSpared = replicas.length > minInSync
  return isSpared && isr.includes(broker) && isr.length - 1 < minInSync
}

describe('a roll over random partition maps', () => {
  test('takes no broker without which a partition would be below min.insync.replicas, and waits only then', async () => {
    const counts = { taken: 0, waited: 0 }
    for (let seed = 1; seed <= 400; seed++) {
      const situation = randomSituation(seed)
      const { kafka, pods, minInSync } = situation
      const all = [...minInSync.keys()].flatMap((topic) => kafka.partitions.of(topic))
      const harmedBy = (broker: number) => all.filter((partition) => isHarmed(partition, broker, minInSync.get(partition.topic)!))
      const broker = await taken(situation)
      const old = pods.slice(1).filter(({ metadata }) => metadata.annotations?.[TEMPLATE_HASH] === 'old').map(({ metadata }) => Number(metadata.name.at(-1))) // prettier-ignore
      if (broker !== undefined) {
        expect(harmedBy(broker), `seed ${seed}, broker ${broker}`).toEqual([])
        expect(broker === 1 && old.length > 1, `seed ${seed}: the controller goes last`).toBe(false)
        counts.taken++
      } else if (old.length > 0) {
        const next = old.filter((id) => id !== 1).sort((a, b) => b - a)[0] ?? 1
        expect(harmedBy(next), `seed ${seed} waited for nothing`).not.toEqual([])
        counts.waited++
      }
    }
    expect(counts.taken).toBeGreaterThan(80)
    expect(counts.waited).toBeGreaterThan(50)
  })

  test('waits while the broker that was asked has just started and does not know the one that would go', async () => {
    const kafka = new FakeKafka()
    const pods = [podOf(zookeeper!, 0, true), ...[0, 1, 2, 3, 4].map((id) => podOf(brokers!, id, id !== 4))]
    kafka.partitions.brokers = []
    expect(await taken({ kafka, pods, minInSync: new Map() })).toBeUndefined()
    kafka.partitions.brokers = [0, 1, 2, 3, 4].map((id) => ({ id, rack: null }))
    expect(await taken({ kafka, pods, minInSync: new Map() })).toBe(4)
  })

  test('asks for the controller anew before each step', async () => {
    const situation = randomSituation(3)
    for (const partition of ['t0', 't1', 't2', 't3', 't4', 't5'].flatMap((topic) => situation.kafka.partitions.of(topic)))
      partition.isr = [...partition.replicas]
    situation.pods = [situation.pods[0]!, ...[0, 1, 2, 3, 4].map((id) => podOf(brokers!, id, id < 3))]
    const moved = { ...situation.kafka.contact, describeCluster: async () => ({ clusterId: 'x', controllerId: 4, brokers: situation.kafka.partitions.brokers }) } // prettier-ignore
    Object.defineProperty(situation.kafka, 'contact', { value: moved })
    expect(await taken(situation)).toBe(3)
  })
})

describe('rolls and leaders', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())

  test('another operator that renders something else replaces no pod', async () => {
    const { namespace, object: ant } = await place.readyCluster()
    const set = (await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' }))!
    const uids = async () => (await place.kube.list(resources.pods, { namespace })).items.map(({ metadata }) => metadata.uid)
    const before = await uids()
    await place.operator.stop()
    // What the operator of an earlier release would have rendered: another probe, another variable, the same hash.
    const containers = set.spec.template.spec.containers.map((container) => ({ ...container, env: [{ name: 'OLD', value: '1' }] }))
    const spec = { template: { ...set.spec.template, spec: { ...set.spec.template.spec, containers } } }
    await place.kube.patch(resources.statefulSets, { namespace, name: 'ant-kafka' }, 'merge', { spec })
    place.operator = await place.startOperator({ image: 'sofakafka:another' })
    await eventually(async () => {
      const now = await place.kube.get(resources.statefulSets, { namespace, name: 'ant-kafka' })
      return now?.spec.template.spec.containers[0]?.env?.some(({ name }) => name === 'BROKER_ID')
    })
    await place.becomes(ant, 'Ready')
    expect(await uids()).toEqual(before)
    expect((await place.read(ant)).status).toMatchObject({ image: 'sofakafka:test' })
  }, 30_000)

  test('leaders go back to the preferred brokers when all are in sync, unless the configuration says no', async () => {
    const led = async (spec: Record<string, unknown>) => {
      const { namespace, kafka, object: one } = await place.readyCluster('ant', spec)
      kafka.partitions.make('t', 3, 3)
      kafka.topics.set('t', { partitions: 3, config: new Map() })
      for (const partition of kafka.partitions.of('t')) partition.leader = 2
      kafka.writes = []
      await place.restartOperator()
      await place.becomes(one, 'Ready')
      return { namespace, kafka }
    }
    const { kafka } = await led({})
    await eventually(() => kafka.partitions.of('t').every(({ leader, replicas }) => leader === replicas[0]))
    expect(kafka.writes.filter((what) => what.startsWith('elect'))).toHaveLength(1)
    const off = await led({ config: { 'auto.leader.rebalance.enable': 'false' } })
    await eventually(
      async () => (await place.kube.get(resources.configMaps, { namespace: off.namespace, name: 'ant-kafka' })) !== undefined,
    )
    expect(off.kafka.writes.filter((what) => what.startsWith('elect'))).toEqual([])
  }, 30_000)
})
