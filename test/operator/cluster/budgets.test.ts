import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as resources from '../../../src/kube/resources.ts'
import { atMinimum } from '../../../src/operator/cluster/rolls/availability.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { OperatorLab } from '../support/operator-lab.ts'

describe('a partition that has no replica to spare', () => {
  const at = (replicas: number[], isr: number[], minInSync: number) =>
    atMinimum({ topic: 't', partition: 0, leader: 0, replicas, isr }, minInSync)
  test.each([
    ['three of three, two needed', [0, 1, 2], [0, 1, 2], 2, false],
    ['two of three, two needed', [0, 1, 2], [0, 1], 2, true],
    ['two of three, one needed', [0, 1, 2], [0, 1], 1, false],
    ['one of three, one needed: without it there is none', [0, 1, 2], [0], 1, true],
    ['none at all', [0, 1, 2], [], 1, true],
    ['one of one: it was never to be spared', [0], [0], 1, false],
    ['two of two, two needed: neither', [0, 1], [0, 1], 2, false],
    ['one of two, two needed: the other one must come back first', [0, 1], [0], 2, true],
  ])('%s', (_what, replicas, isr, minInSync, expected) => {
    expect(at(replicas, isr, minInSync)).toBe(expected)
  })
})

describe('evictions of brokers', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())

  const allowed = async (namespace: string, name = 'ant-kafka') =>
    ((await place.kube.get(resources.podDisruptionBudgets, { namespace, name })) as unknown as { spec?: { maxUnavailable: number } })?.spec
      ?.maxUnavailable
  const becomesAllowed = (namespace: string, count: number) =>
    eventually(async () => (await allowed(namespace)) === count, { timeoutMs: 10_000, what: `budget of ${count}` })

  test('are refused from the moment a broker is not ready until its replicas have caught up', async () => {
    const { namespace, object, kafka } = await place.readyCluster()
    kafka.partitions.make('t', 3, 3)
    kafka.topics.set('t', { partitions: 3, config: new Map([['min.insync.replicas', '2']]) })
    await becomesAllowed(namespace, 1)
    const [pod] = (await place.kube.list(resources.pods, { namespace })).items.filter(({ metadata }) => metadata.name === 'ant-kafka-1')
    kafka.partitions.outOfSync(1)
    const setReady = (status: string) =>
      place.kube.patch(
        resources.pods,
        { namespace, name: pod!.metadata.name },
        'merge',
        { status: { conditions: [{ type: 'Ready', status }] } },
        { subresource: 'status' },
      )
    await setReady('False')
    await becomesAllowed(namespace, 0)
    await setReady('True')
    await place.becomes(object, 'Ready')
    expect(await allowed(namespace)).toBe(0)
    kafka.partitions.outOfSync()
    await becomesAllowed(namespace, 1)
  }, 30_000)

  test('stay as they are while nobody can be asked; one broker alone, and one ZooKeeper, have no budget', async () => {
    const { namespace, kafka } = await place.readyCluster()
    await becomesAllowed(namespace, 1)
    kafka.isReachable = false
    await place.restartOperator()
    await eventually(async () => (await place.operator.leading) === undefined)
    expect(await allowed(namespace)).toBe(1)
    expect(await allowed(namespace, 'ant-zookeeper')).toBeUndefined()
    const alone = await place.readyCluster('one', { brokers: [{ name: 'kafka', replicas: 1, storage: { size: '1Gi' } }] }, 1)
    expect(await allowed(alone.namespace, 'one-kafka')).toBeUndefined()
  }, 30_000)
})
