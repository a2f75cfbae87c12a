import { describe, expect, test } from 'vitest'
import type { PartitionReplicas } from '../../../src/client/partition-admin.ts'
import { atRisk, riskText, topicsInDoubt } from '../../../src/operator/cluster/rolls/availability.ts'
import { type LiveBroker, withoutBrokers, withReplicationFactor } from '../../../src/operator/kafka/placement.ts'
import { throttleOf } from '../../../src/operator/kafka/throttle.ts'
import { cluster } from '../support/objects.ts'
import { Random } from '../../support/random.ts'

const at = (partition: number, replicas: number[], isr = replicas, topic = 't'): PartitionReplicas => ({
  topic,
  partition,
  leader: isr[0] ?? -1,
  replicas,
  isr,
})
const brokers = (...racks: (string | null)[]): LiveBroker[] => racks.map((rack, id) => ({ id, rack }))
const lists = (wanted: readonly { replicas: readonly number[] | null }[]) => wanted.map(({ replicas }) => replicas)

describe('the replicas of a topic', () => {
  test('are added to what is there, first where a rack has none, then where there is least', () => {
    const partitions = [at(0, [0]), at(1, [1])]
    const plan = withReplicationFactor(partitions, { brokers: brokers('a', 'a', 'b', 'c'), partitions }, 3)
    expect(lists(plan)).toEqual([
      [0, 2, 3],
      [1, 2, 3],
    ])
  })

  test('are taken away from brokers that are gone and from full racks, the preferred leader last', () => {
    const partitions = [at(0, [0, 1, 2]), at(1, [0, 7, 2])]
    const plan = withReplicationFactor(partitions, { brokers: brokers('a', 'a', 'b'), partitions }, 2)
    expect(lists(plan)).toEqual([
      [0, 2],
      [0, 2],
    ])
  })

  test('are not asked for where they are so already', () => {
    const partitions = [at(0, [0, 1]), at(1, [1])]
    expect(withReplicationFactor(partitions, { brokers: brokers(null, null), partitions }, 2)).toEqual([
      { topic: 't', partition: 1, replicas: [1, 0] },
    ])
  })

  test('are spread evenly, on different brokers and, where there are enough, on different racks, whatever there was', () => {
    const random = new Random(7).below
    for (let round = 0; round < 200; round++) {
      const racks = 1 + random(4)
      const size = 3 + random(6)
      const machines: LiveBroker[] = Array.from({ length: size }, (_unused, id) => ({ id, rack: `r${id % racks}` }))
      const before = 1 + random(3)
      const partitions = Array.from({ length: 30 }, (_unused, partition) => {
        const first = random(size)
        return at(
          partition,
          Array.from({ length: before }, (_none, n) => (first + n) % size),
        )
      })
      const count = 1 + random(Math.min(3, size))
      const wanted = withReplicationFactor(partitions, { brokers: machines, partitions }, count)
      for (const { partition, replicas } of wanted) {
        expect(new Set(replicas).size).toBe(count)
        const old = partitions[partition]!.replicas
        expect(replicas!.filter((id) => old.includes(id)).length).toBe(Math.min(before, count))
        expect(replicas![0]).toBe(old[0])
        const added = replicas!.slice(before)
        if (before === 1 && added.length > 0) {
          const covered = new Set(replicas!.map((id) => machines[id]!.rack)).size
          expect(covered).toBe(Math.min(racks, count))
        }
      }
    }
  })

  test('leave brokers that go, at the same place in the order, and nothing else moves', () => {
    const random = new Random(11).below
    for (let round = 0; round < 200; round++) {
      const size = 4 + random(4)
      const machines = brokers(...Array.from({ length: size }, () => null))
      const partitions = Array.from({ length: 40 }, (_unused, partition) =>
        at(
          partition,
          [partition, partition + 1, partition + 2].map((n) => n % size),
        ),
      )
      const leaving = new Set([size - 1])
      const wanted = withoutBrokers(partitions, { brokers: machines, partitions }, leaving)
      for (const { partition, replicas } of wanted) {
        const old = partitions[partition]!.replicas
        expect(replicas!.some((id) => leaving.has(id))).toBe(false)
        expect(new Set(replicas).size).toBe(3)
        expect(old.filter((id) => !leaving.has(id) && !replicas!.includes(id))).toEqual([])
        const hasItsLeader = !leaving.has(old[0]!)
        if (hasItsLeader) expect(replicas!.map((id, n) => (leaving.has(old[n]!) ? old[n] : id))).toEqual(old)
      }
      expect(wanted.length).toBe(partitions.filter(({ replicas }) => replicas.includes(size - 1)).length)
      // Leaders are evened out before replicas.
      const moved = new Map(wanted.map(({ partition, replicas }) => [partition, replicas!]))
      const after = partitions.map(({ partition, replicas }) => moved.get(partition) ?? replicas)
      const spread = (ids: readonly number[]): number => {
        const counts = machines.filter(({ id }) => !leaving.has(id)).map(({ id }) => ids.filter((each) => each === id).length)
        return Math.max(...counts) - Math.min(...counts)
      }
      expect(spread(after.map((replicas) => replicas[0]!))).toBeLessThanOrEqual(2)
      expect(spread(after.flat())).toBeLessThanOrEqual(4)
    }
  })
})

describe('a broker may go', () => {
  const min = (value: number) => () => value

  test('while every partition keeps the in-sync replicas that its topic asks for', () => {
    expect(atRisk(0, [at(0, [0, 1, 2])], min(2))).toEqual([])
    expect(atRisk(0, [at(0, [0, 1, 2], [0, 1])], min(2))).toEqual([{ topic: 't', partition: 0, inSync: 2, replicas: 3, minInSync: 2 }])
    expect(atRisk(2, [at(0, [0, 1, 2], [0, 1])], min(2))).toEqual([])
    expect(atRisk(0, [at(0, [0, 1], [0])], min(1))).toHaveLength(1)
  })

  test('where a topic has no replica to spare anyway', () => {
    expect(atRisk(0, [at(0, [0])], min(1))).toEqual([])
    expect(atRisk(0, [at(0, [0, 1], [0])], min(2))).toEqual([])
  })

  test('and min.insync.replicas is asked only of topics where it matters', () => {
    expect(topicsInDoubt(0, [at(0, [0, 1]), at(0, [0, 1], [0], 'u'), at(0, [0, 1], [1], 'v')])).toEqual(['u'])
  })

  test('never so that a partition that could be spared falls below, for random clusters', () => {
    const random = new Random(3).below
    for (let round = 0; round < 500; round++) {
      const partitions = Array.from({ length: 10 }, (_unused, partition) => {
        const replicas = [0, 1, 2, 3].slice(random(3)).slice(0, 1 + random(3))
        return at(
          partition,
          replicas,
          replicas.filter(() => random(4) > 0),
        )
      })
      const minInSync = 1 + random(3)
      const broker = random(4)
      const risks = atRisk(broker, partitions, min(minInSync))
      const isSafe = partitions.every(
        ({ replicas, isr }) => replicas.length <= minInSync || !isr.includes(broker) || isr.length - 1 >= minInSync,
      )
      expect(risks.length === 0).toBe(isSafe)
    }
  })

  test('and what keeps it is named', () => {
    const risks = [0, 1, 2, 3, 4].flatMap((n) => atRisk(0, [at(n, [0, 1], [0])], min(1)))
    expect(riskText(risks)).toBe(
      't-0 (1 of 2 in sync, 1 needed), t-1 (1 of 2 in sync, 1 needed), t-2 (1 of 2 in sync, 1 needed) and 2 more',
    )
  })
})

test('the throttle is read from the annotation, and is there where nothing is said', () => {
  const withText = (text: string) => {
    const object = cluster('a', 'ns')
    return throttleOf({ ...object, metadata: { ...object.metadata, annotations: { 'sofakafka.io/replication-throttle': text } } })
  }
  expect(throttleOf(cluster('a', 'ns'))).toBe(52_428_800)
  expect(['1000', '10Mi', '2Gi', 'none', '0', 'fast'].map(withText)).toEqual([1000, 10_485_760, 2 ** 31, undefined, 52_428_800, 52_428_800])
})
