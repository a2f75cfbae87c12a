import { describe, expect, test } from 'vitest'
import { alternateRacks, assign } from '../../../src/broker/metadata/assignment.ts'
import { runJava } from '../../support/java.ts'
import { lacks } from '../../support/needs.ts'

const brokersOf = (racks: string) => racks.split('').map((rack, id) => ({ id, rack: rack === '-' ? null : `r${rack}` }))

/** Apache takes one number for the first broker and the first shift; ours draws both. */
const ours = (racks: string, partitions: number, replicationFactor: number, start: number, firstPartition: number): string => {
  const brokers = brokersOf(racks)
  const assignment = assign({ brokers, partitions, replicationFactor, firstPartition, random: () => (start + 0.5) / brokers.length })
  return `{${[...assignment].map(([partition, replicas]) => `${partition}=[${replicas.join(',')}]`).join(',')}}`
}

const CASES = ['-', '---', '-----', 'abc', 'aabbcc', 'abcabc', 'aab', 'aaab', 'abababcc'].flatMap((racks) =>
  [1, 2, 3].flatMap((factor) =>
    factor > racks.length
      ? []
      : [0, 1].flatMap((start) => [0, 4].map((first) => [racks, 12, factor, Math.min(start, racks.length - 1), first] as const)),
  ),
)

describe.skipIf(lacks('java', 'maven'))('partitions are spread as Apache spreads them', () => {
  test(`in ${CASES.length} clusters`, async () => {
    const output = await runJava('kafka-2.6.3', 'test/broker/metadata/Assign.java', [], {
      input: CASES.map((line) => line.join(' ')).join('\n'),
    })
    expect(CASES.map((line) => [line, ours(...line)])).toEqual(
      output
        .trim()
        .split('\n')
        .map((line, index) => [CASES[index], line]),
    )
  })
})

test('neighbours are of different racks while there are any', () => {
  expect(alternateRacks(brokersOf('aaabbc')).map(({ id }) => id)).toEqual([0, 3, 5, 1, 4, 2])
})
