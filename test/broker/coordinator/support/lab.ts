import { BrokerConfig } from '../../../../src/broker/config/broker-config.ts'
import { GroupCoordinator } from '../../../../src/broker/coordinator/coordinator.ts'
import type { Group } from '../../../../src/broker/coordinator/group.ts'
import type { StoredOffset } from '../../../../src/broker/coordinator/group-records.ts'
import type { JoinRequest, JoinResult, SyncResult } from '../../../../src/broker/coordinator/messages.ts'
import { partitionOfGroup } from '../../../../src/broker/coordinator/offsets-topic.ts'
import { commitOffsets } from '../../../../src/broker/coordinator/commit.ts'
import type { Metadata } from '../../../../src/broker/metadata/view.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import { ManualClock, settle } from '../../../support/manual-clock.ts'
import { OffsetsLog } from './offsets-log.ts'

export const PARTITIONS = 3
const DEFAULTS = {
  'broker.id': '0',
  'zookeeper.connect': 'unused:2181',
  'offsets.topic.num.partitions': String(PARTITIONS),
  'group.initial.rebalance.delay.ms': '3000',
}

/** One coordinator on a clock that stands still, over logs in memory. */
export class Lab {
  readonly clock = new ManualClock()
  readonly wall = { ms: 1_700_000_000_000, nowMs: () => this.wall.ms }
  readonly logs: readonly OffsetsLog[]
  readonly groups: GroupCoordinator
  #ids = 0

  /** Over the logs of another one, as the next leader has them. */
  constructor(properties: Record<string, string> = {}, logs = Array.from({ length: PARTITIONS }, () => new OffsetsLog())) {
    const config = BrokerConfig.parse(new Map(Object.entries({ ...DEFAULTS, ...properties })))
    this.logs = logs
    this.groups = new GroupCoordinator({
      config: () => config,
      metadata: { topic: () => undefined } as unknown as Metadata,
      replica: (_topic, partition) => this.logs[partition]!,
      storage: {
        createTopic: () => Promise.resolve(),
        zookeeperOffsets: { get: () => Promise.resolve(undefined), set: () => Promise.resolve() },
      },
      clocks: { monotonic: this.clock, wall: this.wall },
      logger: silentLogger,
      newId: () => `${++this.#ids}`,
    })
  }

  static async start(properties: Record<string, string> = {}, logs?: OffsetsLog[]): Promise<Lab> {
    const lab = new Lab(properties, logs)
    await lab.lead()
    return lab
  }

  async lead(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) this.groups.onLeadership(partition)
    await this.groups.loaded
  }

  log(groupId: string): OffsetsLog {
    return this.logs[partitionOfGroup(groupId, PARTITIONS)]!
  }

  group(id = 'g'): Group {
    return this.groups.findOrCreate(id)
  }

  async join(request: Partial<JoinRequest> = {}, id = 'g'): Promise<JoinResult> {
    const { clientId = 'c' } = request
    const full: JoinRequest = {
      memberId: '',
      groupInstanceId: null,
      requiresKnownMemberId: false,
      clientId,
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [protocol('range', ['t'])],
      ...request,
    }
    return this.group(id).membership.join(full)
  }

  async sync(joined: JoinResult, assignments: Record<string, string> = {}, id = 'g'): Promise<SyncResult> {
    const byMember = new Map(Object.entries(assignments).map(([member, text]) => [member, Buffer.from(text)]))
    const { memberId, generationId } = joined
    const speaker = { memberId, generationId, groupInstanceId: null }
    return this.group(id).membership.sync({ ...speaker, protocolType: null, protocolName: null, assignments: byMember })
  }

  heartbeat({ memberId, generationId }: JoinResult, id = 'g'): string {
    return errorOf(() => this.group(id).membership.heartbeat({ memberId, generationId, groupInstanceId: null }))
  }

  /** Members that joined in one rebalance and have their assignment: `<memberId> works`. */
  async stable(requests: Partial<JoinRequest>[] = [{}], id = 'g'): Promise<JoinResult[]> {
    const joining = requests.map((request) => this.join(request, id))
    // The delay of the first rebalance, once more where others came after the first.
    await this.clock.advance(joining.length > 1 ? 6000 : 3000)
    const joined = await Promise.all(joining)
    const assignments = Object.fromEntries(joined.map(({ memberId }) => [memberId, `${memberId} works`]))
    await Promise.all(joined.map((one) => this.sync(one, one.leader === one.memberId ? assignments : {}, id)))
    return joined
  }

  commit(
    offsets: Record<number, number>,
    options: { by?: JoinResult; group?: string; value?: Partial<StoredOffset>; topic?: string } = {},
  ): Promise<string[]> {
    const { by, group = 'g', topic = 't', value = {} } = options
    const speaker = { memberId: by?.memberId ?? '', generationId: by?.generationId ?? -1, groupInstanceId: null }
    const stored = { leaderEpoch: -1, metadata: '', commitTimestamp: this.wall.nowMs(), expireTimestamp: -1, ...value }
    const all = Object.entries(offsets).map(([partition, offset]) => ({
      topic,
      partition: Number(partition),
      value: { offset, ...stored },
    }))
    return commitOffsets(this.groups, { groupId: group, speaker, offsets: all, maxMetadataLength: 10 }, silentLogger)
  }

  offset(partition: number, group = 'g', topic = 't'): unknown {
    return this.groups.find(group)?.image.offsets.get(topic, partition)?.offset
  }

  /** Both clocks. */
  async pass(ms: number): Promise<void> {
    this.wall.ms += ms
    await this.clock.advance(ms)
  }

  /** What the log says of all groups, for comparison. */
  images(): Record<string, unknown> {
    const ids = this.groups.list().map(({ groupId }) => groupId)
    return Object.fromEntries(
      ids
        .sort((a, b) => (a < b ? -1 : 1))
        .map((id) => this.groups.find(id)!)
        .filter(({ image }) => !image.isEmpty)
        .map(({ id, image }) => {
          const { stored } = image
          const offsets = [...image.offsets.entries()].map(({ topic, partition, value }) => [`${topic}-${partition}`, value] as const)
          return [id, { stored, offsets: Object.fromEntries(offsets) }]
        }),
    )
  }
}

/** A consumer's protocol with its subscription. */
export const protocol = (name: string, topics: readonly string[], userData = ''): { name: string; metadata: Buffer } => {
  const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
  const texts = topics.flatMap((topic) => [int16(topic.length), Buffer.from(topic)])
  const user = Buffer.alloc(4)
  user.writeInt32BE(userData.length)
  return { name, metadata: Buffer.concat([int16(1), Buffer.from([0, 0, 0, topics.length]), ...texts, user, Buffer.from(userData)]) }
}

export const errorOf = (fn: () => unknown): string => {
  try {
    fn()
    return 'NONE'
  } catch (thrown) {
    return (thrown as { error?: string }).error ?? String(thrown)
  }
}

/** Whether a promise is still open after everything that is ready has run. */
export const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const open = Symbol('open')
  await settle()
  return (await Promise.race([promise, Promise.resolve(open)])) === open
}
