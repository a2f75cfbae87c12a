import { describe, expect, test } from 'vitest'
import type { Context } from '../../../src/broker/context.ts'
import { makeLeaderElections } from '../../../src/broker/controller/leader-elections.ts'
import { makeReassignments } from '../../../src/broker/controller/reassignments.ts'
import { handleElectLeaders, refuseElectLeaders } from '../../../src/broker/handlers/43-elect-leaders.ts'
import { handleAlterPartitionReassignments } from '../../../src/broker/handlers/45-alter-partition-reassignments.ts'
import { handleListPartitionReassignments } from '../../../src/broker/handlers/46-list-partition-reassignments.ts'
import { errorCode, KafkaError } from '../../../src/protocol/errors.ts'

type Asked = { part: unknown; what: unknown[] }

/** A broker that may do all but `denied`, and whose controller answers `answers`; undefined: it is not the controller. */
const brokerWith = (answers: unknown[] | undefined, options: { denied?: string; late?: string[] } = {}) => {
  const asked: Asked[] = []
  const answer =
    (part: unknown) =>
    (...what: unknown[]) => {
      asked.push({ part, what })
      return Promise.resolve(answers)
    }
  const controller = { part: (part: unknown) => ({ elect: answer(part), alter: answer(part), list: answer(part) }) }
  const context = {
    authorize: (operation: string, type: string) => {
      if (options.denied === `${operation} ${type}`) throw new KafkaError('CLUSTER_AUTHORIZATION_FAILED')
    },
    broker: {
      admin: {
        controller: () => answers && controller,
        topics: { waitForLeadersToBe: () => Promise.resolve(new Set(options.late)) },
      },
      metadata: { topicNames: () => ['a', 'b'], topic: (name: string) => ({ name, partitions: [{ partition: 0 }, { partition: 1 }] }) },
    },
  } as unknown as Context
  return { context, asked }
}

const election = (topicPartitions: { topic: string; partitionId: number[] }[] | null, electionType = 0) => ({
  electionType,
  topicPartitions,
  timeoutMs: 1000,
})
const alteration = (...topics: { name: string; partitions: { partitionIndex: number; replicas: number[] | null }[] }[]) => ({
  timeoutMs: 1000,
  topics,
})

describe('without the right on the cluster nothing is asked of the controller', () => {
  test.each([
    ['ElectLeaders', 'ALTER CLUSTER', handleElectLeaders, election([])],
    ['AlterPartitionReassignments', 'ALTER CLUSTER', handleAlterPartitionReassignments, alteration()],
    ['ListPartitionReassignments', 'DESCRIBE CLUSTER', handleListPartitionReassignments, { timeoutMs: 1, topics: null }],
  ] as const)('%s needs %s', async (_api, denied, handle, request) => {
    const { context, asked } = brokerWith([], { denied })
    await expect((async () => handle(request as never, context))()).rejects.toMatchObject({ error: 'CLUSTER_AUTHORIZATION_FAILED' })
    expect(asked).toEqual([])
  })
})

describe('ElectLeaders', () => {
  test('answers each partition by topic, and what did not become known in time', async () => {
    const { context, asked } = brokerWith([1, new KafkaError('ELECTION_NOT_NEEDED'), 3], { late: ['b-0'] })
    const answer = await handleElectLeaders(
      election(
        [
          { topic: 'a', partitionId: [0, 1] },
          { topic: 'b', partitionId: [0] },
        ],
        1,
      ),
      context,
    )
    expect(asked).toEqual([
      {
        part: makeLeaderElections,
        what: [
          'UNCLEAN',
          [
            { topic: 'a', partition: 0 },
            { topic: 'a', partition: 1 },
            { topic: 'b', partition: 0 },
          ],
        ],
      },
    ])
    expect(answer).toMatchObject({
      errorCode: 0,
      replicaElectionResults: [
        {
          topic: 'a',
          partitionResult: [
            { partitionId: 0, errorCode: 0, errorMessage: null },
            { partitionId: 1, errorCode: errorCode('ELECTION_NOT_NEEDED') },
          ],
        },
        { topic: 'b', partitionResult: [{ partitionId: 0, errorCode: errorCode('REQUEST_TIMED_OUT'), errorMessage: null }] },
      ],
    })
  })

  test('for all partitions answers only those that needed one', async () => {
    const notNeeded = new KafkaError('ELECTION_NOT_NEEDED')
    const { context } = brokerWith([notNeeded, 2, notNeeded, new KafkaError('PREFERRED_LEADER_NOT_AVAILABLE')])
    expect(await handleElectLeaders(election(null), context)).toMatchObject({
      replicaElectionResults: [
        { topic: 'a', partitionResult: [{ partitionId: 1, errorCode: 0 }] },
        { topic: 'b', partitionResult: [{ partitionId: 1, errorCode: errorCode('PREFERRED_LEADER_NOT_AVAILABLE') }] },
      ],
    })
  })

  test('on a broker that is not the controller says so for every partition, as Kafka does', async () => {
    const { context } = brokerWith(undefined)
    expect(await handleElectLeaders(election([{ topic: 'a', partitionId: [0] }]), context)).toMatchObject({
      errorCode: 0,
      replicaElectionResults: [{ topic: 'a', partitionResult: [{ partitionId: 0, errorCode: errorCode('NOT_CONTROLLER') }] }],
    })
  })

  test('refuses a type that there is not', async () => {
    const { context } = brokerWith([])
    await expect((async () => handleElectLeaders(election([], 2), context))()).rejects.toMatchObject({ error: 'INVALID_REQUEST' })
  })

  test('that failed as a whole names every partition', () => {
    const request = election([{ topic: 'a', partitionId: [4] }])
    expect(refuseElectLeaders(request as never, { code: 31, message: 'm' })).toEqual({
      errorCode: 31,
      replicaElectionResults: [{ topic: 'a', partitionResult: [{ partitionId: 4, errorCode: 31, errorMessage: 'm' }] }],
    })
  })
})

describe('AlterPartitionReassignments', () => {
  test('answers each partition; the last of two wishes for one counts', async () => {
    const { context, asked } = brokerWith([undefined, new KafkaError('NO_REASSIGNMENT_IN_PROGRESS')])
    const wish = (partitionIndex: number, replicas: number[] | null) => ({ partitionIndex, replicas })
    const request = alteration({ name: 'a', partitions: [wish(0, [1]), wish(1, null)] }, { name: 'a', partitions: [wish(0, [2])] })
    const answer = await handleAlterPartitionReassignments(request, context)
    expect(asked).toEqual([
      {
        part: makeReassignments,
        what: [
          [
            { topic: 'a', partition: 0, replicas: [2] },
            { topic: 'a', partition: 1, replicas: null },
          ],
        ],
      },
    ])
    expect(answer).toMatchObject({
      errorCode: 0,
      responses: [
        {
          name: 'a',
          partitions: [
            { partitionIndex: 0, errorCode: 0, errorMessage: null },
            {
              partitionIndex: 1,
              errorCode: errorCode('NO_REASSIGNMENT_IN_PROGRESS'),
              errorMessage: 'No partition reassignment is in progress.',
            },
          ],
        },
      ],
    })
  })
})

describe('ListPartitionReassignments', () => {
  test.each([
    ['all', null, null],
    [
      'those that are named',
      [{ name: 'a', partitionIndexes: [0, 1] }],
      [
        { topic: 'a', partition: 0 },
        { topic: 'a', partition: 1 },
      ],
    ],
  ] as const)('asks for %s', async (_what, topics, expected) => {
    const move = { topic: 'a', partition: 1, replicas: [3, 1], adding: [3], removing: [1] }
    const { context, asked } = brokerWith([move])
    const answer = await handleListPartitionReassignments({ timeoutMs: 1, topics } as never, context)
    expect(asked[0]!.what).toEqual([expected])
    expect(answer).toMatchObject({
      topics: [{ name: 'a', partitions: [{ partitionIndex: 1, replicas: [3, 1], addingReplicas: [3], removingReplicas: [1] }] }],
    })
  })
})

test.each([
  ['AlterPartitionReassignments', handleAlterPartitionReassignments, alteration()],
  ['ListPartitionReassignments', handleListPartitionReassignments, { timeoutMs: 1, topics: null }],
] as const)('%s on a broker that is not the controller: NOT_CONTROLLER', async (_api, handle, request) => {
  const { context } = brokerWith(undefined)
  await expect((async () => handle(request as never, context))()).rejects.toMatchObject({ error: 'NOT_CONTROLLER' })
})
