import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { offsetCommit } from '../../../src/protocol/api/08-offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/api/09-offset-fetch.ts'
import { findCoordinator } from '../../../src/protocol/api/10-find-coordinator.ts'
import { joinGroup } from '../../../src/protocol/api/11-join-group.ts'
import { heartbeat } from '../../../src/protocol/api/12-heartbeat.ts'
import { leaveGroup } from '../../../src/protocol/api/13-leave-group.ts'
import { syncGroup } from '../../../src/protocol/api/14-sync-group.ts'
import { describeGroups } from '../../../src/protocol/api/15-describe-groups.ts'
import { listGroups } from '../../../src/protocol/api/16-list-groups.ts'
import { deleteGroups } from '../../../src/protocol/api/42-delete-groups.ts'
import { offsetDelete } from '../../../src/protocol/api/47-offset-delete.ts'
import { errorCode, type ErrorName, errorName } from '../../../src/protocol/errors.ts'
import type { Api, RequestOf, ResponseOf, Sendable } from '../../../src/protocol/schema.ts'
import type { KafkaConnection } from '../../../src/client/connection.ts'
import { eventually } from '../../support/net.ts'
import { startTestBroker, type TestBroker } from '../../support/test-broker.ts'
import { protocol } from './support/lab.ts'

const UNKNOWN_MEMBER_ID = errorCode('UNKNOWN_MEMBER_ID')
/** What the client may not do: OPERATION TYPE name. */
const denied = new Set<string>()
let broker: TestBroker
let client: KafkaConnection

beforeAll(async () => {
  broker = await startTestBroker({
    topics: { t: 2, secret: 1 },
    properties: { 'offsets.topic.replication.factor': '1', 'offsets.topic.num.partitions': '2', 'group.initial.rebalance.delay.ms': '0' },
    authorizer: {
      isAllowed: ({ operation, resourceType, resourceName }) => !denied.has(`${operation} ${resourceType} ${resourceName}`),
      authorizedOperations: () => 264,
    },
  })
  client = await broker.client()
})
afterAll(async () => {
  client.close()
  await broker.end()
})
afterEach(() => denied.clear())

const ask = <A extends Api>(api: A, request: Sendable<RequestOf<A>>, version?: number): Promise<ResponseOf<A>> =>
  client.request(api, request, version === undefined ? {} : { version })

/** A member of a group by itself. */
const joined = async (groupId: string) => {
  const request = {
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [protocol('range', ['t'])],
  }
  const { memberId, generationId } = await ask(joinGroup, request, 3)
  const assignments = [{ memberId, assignment: Buffer.from('work') }]
  const synced = await ask(syncGroup, { groupId, memberId, generationId, protocolType: 'consumer', protocolName: 'range', assignments })
  expect(synced).toMatchObject({ errorCode: 0, protocolName: 'range', assignment: Buffer.from('work') })
  return { groupId, memberId, generationId }
}

const commit = (groupId: string, topics: Record<string, number[]>, version?: number) =>
  ask(
    offsetCommit,
    {
      groupId,
      topics: Object.entries(topics).map(([name, partitions]) => ({
        name,
        partitions: partitions.map((partitionIndex) => ({
          partitionIndex,
          committedOffset: 10 + partitionIndex,
          committedMetadata: 'note',
        })),
      })),
    },
    version,
  )

/** `topic-partition ERROR` of a reply. */
const errorsOf = ({ topics }: { topics: { name: string; partitions: { partitionIndex: number; errorCode: number }[] }[] }): string[] =>
  topics.flatMap(({ name, partitions }) => partitions.map((one) => `${name}-${one.partitionIndex} ${errorName(one.errorCode)}`))

test('the topic is made when a coordinator is asked for first, and the client comes again', async () => {
  denied.add('DESCRIBE GROUP g')
  expect(await ask(findCoordinator, { key: 'g' })).toMatchObject({
    errorCode: errorCode('GROUP_AUTHORIZATION_FAILED'),
    nodeId: -1,
    port: -1,
  })
  denied.clear()
  const first = await ask(findCoordinator, { key: 'g' })
  expect(first).toMatchObject({ errorCode: errorCode('COORDINATOR_NOT_AVAILABLE'), nodeId: -1, host: '' })
  expect(broker.cluster.metadata.topic('__consumer_offsets')?.partitions).toHaveLength(2)
  const found = { errorCode: 0, nodeId: 0, host: '127.0.0.1', port: broker.port }
  expect(await ask(findCoordinator, { key: 'g' })).toEqual({ ...found, throttleTimeMs: 0, errorMessage: 'NONE' })
  expect(await ask(findCoordinator, { key: 'g' }, 0)).toMatchObject(found)
  // One group in each partition of the offsets: they are led a moment after the topic is made, and every other test wants them.
  const isLed = async (groupId: string) =>
    (await ask(heartbeat, { groupId, generationId: 0, memberId: 'x' })).errorCode === UNKNOWN_MEMBER_ID
  await eventually(async () => (await isLed('a')) && (await isLed('b')))
})

test('a transactional id gets a clear error', async () => {
  const answer = await ask(findCoordinator, { key: 'tx', keyType: 1 })
  expect(answer).toMatchObject({
    errorCode: errorCode('INVALID_REQUEST'),
    errorMessage: expect.stringContaining('Transactions are not served yet'),
  })
})

test('a member of version 4 and later gets its id first', async () => {
  const request = { groupId: 'ids', sessionTimeoutMs: 10_000, protocolType: 'consumer', protocols: [protocol('range', ['t'])] }
  const first = await ask(joinGroup, request)
  expect(first).toMatchObject({
    errorCode: errorCode('MEMBER_ID_REQUIRED'),
    memberId: expect.stringMatching(/^test-[-0-9a-f]{36}$/),
    protocolName: null,
  })
  const second = await ask(joinGroup, { ...request, memberId: first.memberId, rebalanceTimeoutMs: 1000 })
  expect(second).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, protocolType: 'consumer', protocolName: 'range' })
  expect(second.members).toEqual([{ memberId: first.memberId, groupInstanceId: null, metadata: protocol('range', ['t']).metadata }])
})

test.each<[Partial<RequestOf<typeof joinGroup>>, ErrorName]>([
  [{ groupId: '' }, 'INVALID_GROUP_ID'],
  [{ sessionTimeoutMs: 5999 }, 'INVALID_SESSION_TIMEOUT'],
  [{ sessionTimeoutMs: 1_800_001 }, 'INVALID_SESSION_TIMEOUT'],
  [{ memberId: 'somebody' }, 'UNKNOWN_MEMBER_ID'],
  [{ protocols: [] }, 'INCONSISTENT_GROUP_PROTOCOL'],
])('a join with %o is refused', async (wrong, error) => {
  const request = {
    groupId: 'refused',
    sessionTimeoutMs: 10_000,
    protocolType: 'consumer',
    protocols: [protocol('range', ['t'])],
    ...wrong,
  }
  const answer = await ask(joinGroup, request, 6)
  expect([errorName(answer.errorCode), answer.protocolName, answer.generationId]).toEqual([error, '', -1])
})

test('offsets are stored and read in every version', async () => {
  for (let version = 1; version <= 8; version++) {
    expect(errorsOf(await commit('versions', { t: [0, 1] }, version))).toEqual(['t-0 NONE', 't-1 NONE'])
  }
  for (let version = 1; version <= 7; version++) {
    const request = { groupId: 'versions', topics: [{ name: 't', partitionIndexes: [1, 7] }] }
    const [topic] = (await ask(offsetFetch, request, version)).topics
    expect(topic!.partitions).toEqual([
      { partitionIndex: 1, committedOffset: 11, committedLeaderEpoch: -1, metadata: 'note', errorCode: 0 },
      { partitionIndex: 7, committedOffset: -1, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
    ])
  }
  const all = await ask(offsetFetch, { groupId: 'versions', topics: null })
  expect(all.topics.map(({ name, partitions }) => [name, partitions.map(({ committedOffset }) => committedOffset)])).toEqual([
    ['t', [10, 11]],
  ])
})

test('version 0 keeps offsets in ZooKeeper', async () => {
  expect(errorsOf(await commit('old', { t: [1], gone: [0] }, 0))).toEqual(['t-1 NONE', 'gone-0 UNKNOWN_TOPIC_OR_PARTITION'])
  expect([...broker.cluster.oldOffsets]).toEqual([['old/t/1', 11]])
  const { topics } = await ask(offsetFetch, { groupId: 'old', topics: [{ name: 't', partitionIndexes: [0, 1] }] }, 0)
  expect(errorsOf({ topics })).toEqual(['t-0 UNKNOWN_TOPIC_OR_PARTITION', 't-1 NONE'])
  expect(topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).toEqual([-1, 11])
})

test('a partition that does not exist or may not be read is refused by itself', async () => {
  denied.add('READ TOPIC secret').add('DESCRIBE TOPIC secret')
  expect(errorsOf(await commit('some', { t: [0, 9], secret: [0] }))).toEqual([
    't-0 NONE',
    't-9 UNKNOWN_TOPIC_OR_PARTITION',
    'secret-0 TOPIC_AUTHORIZATION_FAILED',
  ])
  const topics = ['t', 'secret'].map((name) => ({ name, partitionIndexes: [0] }))
  expect(errorsOf(await ask(offsetFetch, { groupId: 'some', topics }))).toEqual(['t-0 NONE', 'secret-0 TOPIC_AUTHORIZATION_FAILED'])
  denied.clear()
  await commit('some', { secret: [0] })
  denied.add('DESCRIBE TOPIC secret')
  expect((await ask(offsetFetch, { groupId: 'some', topics: null })).topics.map(({ name }) => name)).toEqual(['t'])
})

describe('without the right on the group', () => {
  const failed = errorCode('GROUP_AUTHORIZATION_FAILED')

  test('members are refused', async () => {
    const member = await joined('mine')
    denied.add('READ GROUP mine')
    expect(await ask(heartbeat, member)).toMatchObject({ errorCode: failed })
    expect(await ask(leaveGroup, { groupId: 'mine', members: [member] })).toMatchObject({ errorCode: failed, members: [] })
    const protocols = { protocolType: 'consumer', protocolName: 'range' }
    expect(await ask(syncGroup, { ...member, ...protocols })).toMatchObject({ errorCode: failed, assignment: Buffer.alloc(0) })
    expect(await ask(joinGroup, { groupId: 'mine', memberId: member.memberId, sessionTimeoutMs: 10_000 })).toMatchObject({
      errorCode: failed,
      memberId: '',
    })
    expect(errorsOf(await commit('mine', { t: [0, 1] }))).toEqual(['t-0 GROUP_AUTHORIZATION_FAILED', 't-1 GROUP_AUTHORIZATION_FAILED'])
    denied.clear()
    expect(await ask(heartbeat, member)).toMatchObject({ errorCode: 0 })
  })

  test('it cannot be seen or deleted', async () => {
    await commit('hidden', { t: [0] })
    denied.add('DESCRIBE GROUP hidden').add('DELETE GROUP hidden').add('DESCRIBE CLUSTER kafka-cluster')
    const topics = [{ name: 't', partitionIndexes: [0] }]
    expect(await ask(offsetFetch, { groupId: 'hidden', topics })).toMatchObject({ errorCode: failed, topics: [] })
    expect(errorsOf(await ask(offsetFetch, { groupId: 'hidden', topics }, 1))).toEqual(['t-0 GROUP_AUTHORIZATION_FAILED'])
    expect((await ask(describeGroups, { groups: ['hidden'] })).groups).toMatchObject([
      { groupId: 'hidden', errorCode: failed, groupState: '' },
    ])
    expect((await ask(listGroups, {})).groups.map(({ groupId }) => groupId)).not.toContain('hidden')
    expect((await ask(deleteGroups, { groupsNames: ['hidden'] })).results).toEqual([{ groupId: 'hidden', errorCode: failed }])
    expect(await ask(offsetDelete, { groupId: 'hidden', topics: [] })).toMatchObject({ errorCode: failed })
    denied.delete('DESCRIBE CLUSTER kafka-cluster')
    expect((await ask(listGroups, {})).groups.map(({ groupId }) => groupId)).toContain('hidden')
  })
})

test('groups are described and listed by state', async () => {
  const member = await joined('seen')
  const { groups } = await ask(describeGroups, { groups: ['seen', 'unheard'], includeAuthorizedOperations: true })
  expect(groups).toEqual([
    {
      errorCode: 0,
      groupId: 'seen',
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId: member.memberId,
          groupInstanceId: null,
          clientId: 'test',
          clientHost: '/127.0.0.1',
          memberMetadata: protocol('range', ['t']).metadata,
          memberAssignment: Buffer.from('work'),
        },
      ],
      authorizedOperations: 264,
    },
    { errorCode: 0, groupId: 'unheard', groupState: 'Dead', protocolType: '', protocolData: '', members: [], authorizedOperations: 264 },
  ])
  const listed = async (...statesFilter: string[]) => (await ask(listGroups, { statesFilter })).groups
  expect(await listed('Stable')).toContainEqual({ groupId: 'seen', protocolType: 'consumer', groupState: 'Stable' })
  expect((await listed('Empty')).map(({ groupId }) => groupId)).not.toContain('seen')
})

test('members leave alone before version 3, together since', async () => {
  const first = await joined('leaving')
  expect(await ask(leaveGroup, { groupId: 'leaving', memberId: 'nobody' }, 2)).toMatchObject({ errorCode: errorCode('UNKNOWN_MEMBER_ID') })
  expect(await ask(leaveGroup, { groupId: 'leaving', memberId: first.memberId }, 2)).toMatchObject({ errorCode: 0 })
  const second = await joined('leaving')
  expect(second.generationId).toBe(3)
  const members = [{ memberId: second.memberId }, { memberId: 'nobody' }]
  expect((await ask(leaveGroup, { groupId: 'leaving', members })).members).toEqual([
    { memberId: second.memberId, groupInstanceId: null, errorCode: 0 },
    { memberId: 'nobody', groupInstanceId: null, errorCode: errorCode('UNKNOWN_MEMBER_ID') },
  ])
  expect(await ask(leaveGroup, { groupId: '', members })).toMatchObject({ errorCode: errorCode('INVALID_GROUP_ID') })
})

test('a sync of version 5 must name the protocol', async () => {
  const member = await joined('syncing')
  expect(await ask(syncGroup, member)).toMatchObject({ errorCode: errorCode('INCONSISTENT_GROUP_PROTOCOL') })
  expect(await ask(syncGroup, member, 4)).toMatchObject({ errorCode: 0 })
})

test('single offsets are deleted, but not those of topics that the group reads', async () => {
  const remove = (groupId: string, name: string, ...partitions: number[]) =>
    ask(offsetDelete, { groupId, topics: [{ name, partitions: partitions.map((partitionIndex) => ({ partitionIndex })) }] })
  expect(await remove('never', 't', 0)).toMatchObject({ errorCode: errorCode('GROUP_ID_NOT_FOUND') })
  await commit('single', { t: [0, 1], secret: [0] })
  expect(errorsOf(await remove('single', 't', 0, 9))).toEqual(['t-0 NONE', 't-9 UNKNOWN_TOPIC_OR_PARTITION'])
  const stored = async () =>
    (await ask(offsetFetch, { groupId: 'single', topics: null })).topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex }) => `${name}-${partitionIndex}`),
    )
  expect(await stored()).toEqual(['t-1', 'secret-0'])
  const member = await joined('single')
  expect(errorsOf(await remove('single', 't', 1))).toEqual(['t-1 GROUP_SUBSCRIBED_TO_TOPIC'])
  expect(errorsOf(await remove('single', 'secret', 0))).toEqual(['secret-0 NONE'])
  expect(await stored()).toEqual(['t-1'])
  expect((await ask(deleteGroups, { groupsNames: ['single', 'single'] })).results).toEqual([
    { groupId: 'single', errorCode: errorCode('NON_EMPTY_GROUP') },
  ])
  await ask(leaveGroup, { groupId: 'single', members: [member] })
  expect((await ask(deleteGroups, { groupsNames: ['single'] })).results).toEqual([{ groupId: 'single', errorCode: 0 }])
  expect(await stored()).toEqual([])
})
