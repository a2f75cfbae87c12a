import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PartitionReplicas } from '../../../src/client/partition-admin.ts'
import { levelled } from '../../../src/operator/kafka/levelling.ts'
import { eventually } from '../../support/net.ts'
import { startControlledLab } from '../support/embedded-lab.ts'
import { cluster } from '../support/objects.ts'
import { OperatorLab } from '../support/operator-lab.ts'

const brokersIn = (...racks: (string | null)[]) => racks.map((rack, id) => ({ id, rack }))
const partitionsOn = (...all: number[][]): PartitionReplicas[] =>
  all.map((replicas, partition) => ({ topic: 't', partition, leader: replicas[0]!, replicas, isr: replicas }))
const after = (partitions: PartitionReplicas[], moves: ReturnType<typeof levelled>): number[][] =>
  partitions.map(({ partition, replicas }) => [...(moves.find((move) => move.partition === partition)?.replicas ?? replicas)])
const counts = (replicas: number[][], brokers: number): number[] =>
  Array.from({ length: brokers }, (_unused, id) => replicas.filter((ids) => ids.includes(id)).length)

describe('levelling', () => {
  test('gives new brokers their share, from those that have the most, one replica of a partition at a time', () => {
    const partitions = partitionsOn([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2], [1, 2, 0])
    const moves = levelled(partitions, brokersIn(null, null, null, null, null), { to: new Set([3, 4]) })
    expect(counts(after(partitions, moves), 5)).toEqual([3, 3, 4, 3, 2])
    for (const { partition, replicas } of moves) {
      const before = partitions[partition]!.replicas
      expect(replicas!.filter((id) => !before.includes(id))).toHaveLength(1)
      expect(new Set(replicas).size).toBe(3)
    }
  })

  test('never puts two replicas of a partition into one rack that were in two', () => {
    const brokers = brokersIn('a', 'b', 'c', 'a')
    const partitions = partitionsOn([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2])
    const moves = levelled(partitions, brokers, { to: new Set([3]) })
    expect(counts(after(partitions, moves), 4)).toEqual([2, 4, 4, 2])
  })

  test('moves nothing that would not level, nothing that moves already, and nothing to brokers that are not new', () => {
    const partitions = partitionsOn([0], [1])
    expect(levelled(partitions, brokersIn(null, null, null), { to: new Set([2]) })).toEqual([])
    const uneven = partitionsOn([0], [0], [0])
    expect(levelled(uneven, brokersIn(null, null, null), { to: new Set() })).toEqual([])
    expect(levelled(uneven, brokersIn(null, null), { to: new Set([1]), exceptFor: new Set(['t-0', 't-1', 't-2']) })).toEqual([])
  })
})

describe('brokers that are added', () => {
  const place = new OperatorLab()
  beforeAll(() => place.start(startControlledLab))
  afterAll(() => place.stop())
  const group = (replicas: number, more: Record<string, unknown> = {}) => ({
    brokers: [{ name: 'kafka', replicas, storage: { size: '1Gi' } }],
    ...more,
  })

  test('get their share where the Cluster says so, slowed down and after an operator that was killed; else nothing moves', async () => {
    const { namespace, object, kafka } = await place.readyCluster('ant', group(3, { rebalance: 'OnScaleUp' }))
    kafka.partitions.make('t', 9, 2)
    kafka.topics.set('t', { partitions: 9, config: new Map() })
    await eventually(() => kafka.recorded.get('brokers/balanced')?.config?.length === 3)
    kafka.partitions.brokers = [0, 1, 2, 3].map((id) => ({ id, rack: null }))
    await place.put(cluster('ant', namespace, group(4, { rebalance: 'OnScaleUp' })))
    await place.playNodes(namespace, 5)
    await place.becomes(object, 'Rebalancing')
    expect((await place.readyOf(object))?.message).toBe('4 partitions are still to be moved to broker 3')
    expect(kafka.brokerConfigs.throttleOf(3)).toMatchObject({ 'follower.replication.throttled.rate': '52428800' })
    kafka.partitions.settle(2)
    await place.restartOperator()
    kafka.partitions.settle()
    await place.becomes(object, 'Ready')
    const shares = counts(kafka.partitions.of('t').map(({ replicas }) => replicas), 4) // prettier-ignore
    expect([...shares].sort((a, b) => a - b)).toEqual([4, 4, 5, 5])
    expect(kafka.brokerConfigs.throttleOf(3)).toEqual({})
    expect(kafka.recorded.get('brokers/balanced')?.config).toEqual(['0', '1', '2', '3'])

    const other = await place.readyCluster('other', group(1), 1)
    other.kafka.partitions.make('t', 6, 1)
    other.kafka.partitions.brokers = [0, 1].map((id) => ({ id, rack: null }))
    await place.put(cluster('other', other.namespace, group(2)))
    await place.playNodes(other.namespace, 3)
    await eventually(async () => (await place.read(other.object)).status?.readyBrokers === '2/2')
    await place.becomes(other.object, 'Ready')
    expect(other.kafka.writes.filter((what) => what.startsWith('reassign'))).toEqual([])
  }, 40_000)
})
