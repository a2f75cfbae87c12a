import { describe, expect, test } from 'vitest'
import { checkAddedReplicas, checkAssignment } from '../../../src/broker/metadata/manual-assignment.ts'

const KNOWN = new Set([1, 2, 3])
const refusal = (check: () => void): string => {
  try {
    check()
  } catch (error) {
    return `${(error as { error: string }).error}: ${(error as Error).message}`
  }
  return 'taken'
}

describe('replicas that a client chose for a new topic', () => {
  test.each<[string, [number, number[]][], string]>([
    [
      'one replica each',
      [
        [0, [1]],
        [1, [2]],
      ],
      'taken',
    ],
    [
      'replicas in any order',
      [
        [1, [3, 1, 2]],
        [0, [2, 1, 3]],
      ],
      'taken',
    ],
    [
      'unequal lengths',
      [
        [0, [1, 2]],
        [1, [1]],
      ],
      'INVALID_REPLICA_ASSIGNMENT: All partitions should have the same number of replicas',
    ],
    ['no replicas', [[0, []]], 'INVALID_REPLICA_ASSIGNMENT: Cannot have replication factor of 0 for a partition.'],
    ['a broker twice', [[0, [1, 1]]], 'INVALID_REPLICA_ASSIGNMENT: Duplicate replica assignment found: partition 0 has 1, 1'],
    [
      'a hole',
      [
        [0, [1]],
        [2, [1]],
      ],
      'INVALID_REPLICA_ASSIGNMENT: partitions should be a consecutive 0-based integer sequence',
    ],
    [
      'an unknown broker',
      [
        [0, [1, 9]],
        [1, [8, 9]],
      ],
      'INVALID_REPLICA_ASSIGNMENT: Unknown broker(s) in replica assignment: 9, 8.',
    ],
  ])('%s', (_what, entries, expected) => {
    expect(refusal(() => checkAssignment(new Map(entries), KNOWN))).toBe(expected)
  })

  test('the replication factor is what every partition has', () => {
    expect(checkAssignment(new Map([[0, [1, 2]]]), KNOWN)).toBe(2)
  })
})

describe('replicas that a client chose for more partitions', () => {
  const existing = new Map([
    [0, [1, 2]],
    [1, [2, 3]],
  ])
  test.each<[string, number, number[][], string]>([
    [
      'as many as are missing',
      2,
      [
        [1, 2],
        [3, 1],
      ],
      'taken',
    ],
    ['too few', 2, [[1, 2]], 'INVALID_REPLICA_ASSIGNMENT: Increasing the number of partitions by 2 but 1 assignments provided.'],
    ['an unknown broker', 1, [[1, 9]], 'INVALID_REPLICA_ASSIGNMENT: Unknown broker(s) in replica assignment: 9.'],
    ['no replicas', 1, [[]], 'INVALID_REPLICA_ASSIGNMENT: Cannot have replication factor of 0 for partition id 2.'],
    [
      'a broker twice',
      2,
      [
        [1, 2],
        [3, 3],
      ],
      'INVALID_REPLICA_ASSIGNMENT: Duplicate brokers not allowed in replica assignment: 3, 3 for partition id 3.',
    ],
    [
      'other lengths than partition 0 has',
      2,
      [[1], [1, 2, 3]],
      'INVALID_REPLICA_ASSIGNMENT: Inconsistent replication factor between partitions, partition 0 has 2 while partitions [2, 3] have replication factors [1, 3], respectively.',
    ],
  ])('%s', (_what, missing, added, expected) => {
    expect(refusal(() => checkAddedReplicas(existing, missing, added, KNOWN))).toBe(expected)
  })
})
