import type { TopicPartition } from '../base/topic-partition.ts'
import { offsetCommit } from '../protocol/api/08-offset-commit.ts'
import { offsetFetch } from '../protocol/api/09-offset-fetch.ts'
import { findCoordinator } from '../protocol/api/10-find-coordinator.ts'
import { describeGroups } from '../protocol/api/15-describe-groups.ts'
import { listGroups } from '../protocol/api/16-list-groups.ts'
import { deleteGroups } from '../protocol/api/42-delete-groups.ts'
import type { MonotonicClock } from '../base/clock.ts'
import { checked, type ErrorName, KafkaError } from '../protocol/errors.ts'
import { toNumber } from '../protocol/int64.ts'
import type { ClusterClient } from './cluster-client.ts'
import { assignedPartitions } from './consumer-assignment.ts'
import { byTopic } from './partition-admin.ts'

/** `state`: Kafka's word (Stable, Empty, PreparingRebalance, CompletingRebalance, Dead); undefined where the broker is older than Kafka 2.6. */
export type ListedGroup = { groupId: string; protocolType: string; state: string | undefined; coordinator: number }
export type GroupMember = { memberId: string; clientId: string; host: string; assignment: TopicPartition[] }
export type GroupDescription = {
  groupId: string
  /** Dead: there is no such group. */
  state: string
  protocolType: string
  /** The assignor of the consumers, e.g. range. */
  protocol: string
  coordinator: number
  members: GroupMember[]
}
export type PartitionOffset = TopicPartition & { offset: number }

const ATTEMPTS = 20
const PAUSE_MS = 250
const NO_GENERATION = -1
const GROUP_KEY = 0

/** A coordinator that moves or still loads is one within a few seconds. */
const ON_ITS_WAY: readonly ErrorName[] = ['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS']
const isOnItsWay = (error: unknown): boolean => error instanceof KafkaError && ON_ITS_WAY.includes(error.error)

/** Consumer groups and the offsets that they have committed. Calls reject with KafkaError or ConnectionError. */
export class GroupAdmin {
  readonly #client: ClusterClient
  readonly #clock: MonotonicClock

  constructor(client: ClusterClient, clock: MonotonicClock) {
    this.#client = client
    this.#clock = clock
  }

  /** The groups of all brokers, by name. */
  async list(): Promise<ListedGroup[]> {
    const { brokers } = await this.#client.brokers()
    const answers = await Promise.all(
      brokers.map(async ({ nodeId }) => {
        const { groups } = checked(await this.#client.broker(nodeId, listGroups, { statesFilter: [] }))
        return groups.map(({ groupId, protocolType, groupState }) => ({
          groupId,
          protocolType,
          state: groupState === '' ? undefined : groupState,
          coordinator: nodeId,
        }))
      }),
    )
    return answers.flat().sort((a, b) => (a.groupId < b.groupId ? -1 : 1))
  }

  describe(groupId: string): Promise<GroupDescription> {
    return this.#atCoordinator(groupId, async (coordinator) => {
      const { groups } = await this.#client.broker(coordinator, describeGroups, { groups: [groupId], includeAuthorizedOperations: false })
      const group = checked(groups[0]!)
      const members = group.members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
        memberId,
        clientId,
        host: clientHost.replace(/^\//, ''),
        assignment: group.protocolType === 'consumer' ? assignedPartitions(memberAssignment) : [],
      }))
      return { groupId, state: group.groupState, protocolType: group.protocolType, protocol: group.protocolData, coordinator, members }
    })
  }

  /** What the group has committed; partitions without an offset are left out. */
  committed(groupId: string): Promise<PartitionOffset[]> {
    return this.#atCoordinator(groupId, async (coordinator) => {
      const answer = checked(await this.#client.broker(coordinator, offsetFetch, { groupId, topics: null }))
      const offsets = answer.topics.flatMap(({ name, partitions }) =>
        partitions.map((one) => {
          const { partitionIndex, committedOffset } = checked(one)
          return { topic: name, partition: partitionIndex, offset: toNumber(committedOffset) }
        }),
      )
      return offsets.filter(({ offset }) => offset >= 0)
    })
  }

  /** Stores offsets for a group without members. UNKNOWN_MEMBER_ID where it has members: only they may commit then. */
  commit(groupId: string, offsets: readonly PartitionOffset[]): Promise<void> {
    const topics = byTopic(offsets).map(([name, of]) => ({
      name,
      partitions: of.map(({ partition, offset }) => ({ partitionIndex: partition, committedOffset: offset, committedMetadata: '' })),
    }))
    return this.#atCoordinator(groupId, async (coordinator) => {
      const request = { groupId, generationId: NO_GENERATION, memberId: '', groupInstanceId: null, topics }
      const answer = await this.#client.broker(coordinator, offsetCommit, request)
      for (const { partitions } of answer.topics) partitions.forEach(checked)
    })
  }

  /** NON_EMPTY_GROUP where it has members, GROUP_ID_NOT_FOUND where there is none. */
  delete(groupId: string): Promise<void> {
    return this.#atCoordinator(groupId, async (coordinator) => {
      const { results } = await this.#client.broker(coordinator, deleteGroups, { groupsNames: [groupId] })
      results.forEach(checked)
    })
  }

  async #atCoordinator<T>(groupId: string, ask: (nodeId: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const found = await this.#client.anyBroker(findCoordinator, { key: groupId, keyType: GROUP_KEY })
        return await ask(checked(found).nodeId)
      } catch (error) {
        if (attempt === ATTEMPTS || !isOnItsWay(error)) throw error
        await this.#clock.sleep(PAUSE_MS)
      }
    }
  }
}
