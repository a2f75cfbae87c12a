import { expect, test } from 'vitest'
import { topics } from '../../../src/api/index.ts'
import * as resources from '../../../src/kube/resources.ts'
import { keyOf } from '../../../src/kube/types.ts'
import { eventually } from '../../support/net.ts'
import { cluster, topic } from '../support/objects.ts'
import type { OperatorLab } from '../support/operator-lab.ts'

const THROTTLE = { 'leader.replication.throttled.rate': '52428800', 'follower.replication.throttled.rate': '52428800' }
const group = (replicas: number) => ({ brokers: [{ name: 'kafka', replicas, storage: { size: '1Gi' } }] })

/** Replicas of topics and brokers of a Cluster by their resources. */
export const replicasOnRealServer = (place: OperatorLab): void => {
  const { put, read, readyOf, becomes, readyCluster } = place
  const podNames = async (namespace: string): Promise<string[]> =>
    (await place.kube.list(resources.pods, { namespace })).items
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ metadata }) => metadata.name)
      .sort()

  test('a topic gets more replicas, slowed down, step by step and after an operator that was killed, and fewer again', async () => {
    const { namespace, kafka } = await readyCluster()
    const object = topic('t', namespace, { partitions: 6, replicas: 1 })
    await put(object)
    await becomes(object, 'Ready')
    const counts = () => kafka.partitions.of('t').map(({ replicas }) => replicas.length)

    await put(topic('t', namespace, { partitions: 6, replicas: 3 }))
    await becomes(object, 'ReplicasChanging')
    expect((await read(object)).status?.replicasChange).toEqual({ targetReplicas: 3, partitionsLeft: 6 })
    expect(kafka.brokerConfigs.throttleOf(1)).toEqual(THROTTLE)
    expect(kafka.topics.get('t')?.config.get('follower.replication.throttled.replicas')).toContain('0:1,0:2')
    kafka.partitions.settle(4)
    await eventually(async () => (await read(object)).status?.replicasChange?.partitionsLeft === 2, { timeoutMs: 10_000 })
    await place.restartOperator()
    expect(kafka.writes.filter((what) => what.startsWith('reassign'))).toHaveLength(6)
    kafka.partitions.settle()
    await becomes(object, 'Ready')
    expect(counts()).toEqual([3, 3, 3, 3, 3, 3])
    expect((await read(object)).status).toMatchObject({ replicas: 3, partitions: 6 })
    expect((await read(object)).status?.replicasChange).toBeUndefined()
    expect(kafka.brokerConfigs.throttleOf(1)).toEqual({})
    expect([...kafka.topics.get('t')!.config.keys()]).toEqual([])

    await put(topic('t', namespace, { partitions: 6, replicas: 2 }))
    await becomes(object, 'ReplicasChanging')
    kafka.partitions.settle()
    await becomes(object, 'Ready')
    expect(counts()).toEqual([2, 2, 2, 2, 2, 2])
    kafka.writes = []
    await place.kube.patch(topics, keyOf(object), 'merge', { metadata: { annotations: { look: 'again' } } })
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(kafka.writes).toEqual([])
  }, 60_000)

  test('more replicas than brokers are said to be impossible, and nothing moves', async () => {
    const { namespace, kafka } = await readyCluster()
    const object = topic('wide', namespace, { partitions: 1, replicas: 1 })
    await put(object)
    await becomes(object, 'Ready')
    await put(topic('wide', namespace, { partitions: 1, replicas: 4 }))
    await becomes(object, 'TooFewBrokers')
    expect((await readyOf(object))?.message).toBe(
      'the topic wide cannot have 4 replicas: there are 3 brokers; add brokers, or lower spec.replicas',
    )
    expect(kafka.writes.filter((what) => what.startsWith('reassign'))).toEqual([])
  })

  test('brokers go only when nothing is on them any more, and stay when their number is raised again', async () => {
    const { namespace, object, kafka } = await readyCluster('ant', group(4), 4)
    kafka.partitions.brokers = [0, 1, 2, 3].map((id) => ({ id, rack: null }))
    kafka.partitions.make('t', 8, 2)
    kafka.topics.set('t', { partitions: 8, config: new Map() })
    await put(cluster('ant', namespace, group(3)))
    await becomes(object, 'Draining')
    expect((await readyOf(object))?.message).toBe('broker 3 will go when 4 partitions have been moved to others (topics t)')
    expect(await podNames(namespace)).toContain('ant-kafka-3')

    await put(cluster('ant', namespace, group(4)))
    await becomes(object, 'Ready')
    expect(await podNames(namespace)).toContain('ant-kafka-3')

    await put(cluster('ant', namespace, group(3)))
    await becomes(object, 'Draining')
    await place.restartOperator()
    kafka.partitions.settle(3)
    await eventually(async () => (await readyOf(object))?.message?.includes('when 1 partitions'), { timeoutMs: 10_000 })
    expect(await podNames(namespace)).toContain('ant-kafka-3')
    kafka.partitions.settle()
    await eventually(async () => !(await podNames(namespace)).includes('ant-kafka-3'), { timeoutMs: 10_000 })
    expect(kafka.partitions.of('t').flatMap(({ replicas }) => replicas)).not.toContain(3)
    expect(kafka.brokerConfigs.throttleOf(0)).toEqual({})
    await becomes(object, 'Ready')
    const claims = (await place.kube.list(resources.persistentVolumeClaims, { namespace })).items.map(({ metadata }) => metadata.name)
    expect(claims).toContain('data-ant-kafka-3')
  }, 60_000)

  test('brokers that the replicas of a topic need do not go, and the message says what to do', async () => {
    const { namespace, object, kafka } = await readyCluster()
    kafka.partitions.make('t', 1, 3)
    kafka.topics.set('t', { partitions: 1, config: new Map() })
    await put(cluster('ant', namespace, group(2)))
    await becomes(object, 'CannotDrain')
    expect((await readyOf(object))?.message).toBe(
      'broker 2 cannot go: the topic t has 3 replicas and 2 brokers would be left; lower the replicas of the topic, or keep at least 3 brokers',
    )
    expect(await podNames(namespace)).toContain('ant-kafka-2')
  })

  test('a roll waits while a partition could not spare the broker, says which, and goes on when it can', async () => {
    const { namespace, object, kafka } = await readyCluster()
    kafka.partitions.make('t', 3, 3)
    kafka.topics.set('t', { partitions: 3, config: new Map([['min.insync.replicas', '2']]) })
    kafka.partitions.outOfSync(1)
    const uid = async (name: string) => (await place.kube.get(resources.pods, { namespace, name }))?.metadata.uid
    const before = await uid('ant-kafka-2')
    await put(cluster('ant', namespace, { config: { 'num.partitions': 3 } }))
    await becomes(object, 'RollBlocked')
    expect((await readyOf(object))?.message).toContain(
      'ant-kafka-2 is not replaced yet: without it too few replicas would be in sync: t-0 (2 of 3 in sync, 2 needed)',
    )
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await uid('ant-kafka-2')).toBe(before)
    kafka.partitions.outOfSync()
    await eventually(async () => (await uid('ant-kafka-2')) !== before, { timeoutMs: 15_000 })
  }, 30_000)

  test('a roll waits while nobody can say what it would cost', async () => {
    const { namespace, object, kafka } = await readyCluster()
    kafka.isReachable = false
    await put(cluster('ant', namespace, { config: { 'num.partitions': 3 } }))
    await becomes(object, 'RollBlocked')
    kafka.isReachable = true
    await eventually(async () => (await podNames(namespace)).length < 4 || (await readyOf(object))?.reason === 'RollingUpdate', {
      timeoutMs: 10_000,
    })
  }, 30_000)
}
