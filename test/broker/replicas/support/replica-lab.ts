import type { TopicPartition } from '../../../../src/base/topic-partition.ts'
import { silentLogger } from '../../../../src/base/logger.ts'
import type { LogConfig } from '../../../../src/log/log-config.ts'
import type { LogManager } from '../../../../src/log/log-manager.ts'
import type { LeaderAndIsr } from '../../../../src/broker/metadata/znodes/partition-state.ts'
import type { Partition } from '../../../../src/broker/partition.ts'
import type { Leadership } from '../../../../src/broker/replicas/leadership.ts'
import { PartitionTable } from '../../../../src/broker/partition-table.ts'
import type { Followers } from '../../../../src/broker/replicas/followers.ts'
import { type Incarnation, Incarnations } from '../../../../src/broker/replicas/incarnations.ts'
import type { IsrChange, IsrChangeResult, IsrStore } from '../../../../src/broker/replicas/isr-store.ts'
import { Machine, topicConfig } from '../../../log/support.ts'
import { ManualClock, settle } from '../../../support/manual-clock.ts'

export type Stored = LeaderAndIsr & { zkVersion: number }
type Asked = { change: IsrChange; resolve: (result: IsrChangeResult) => void; reject: (error: Error) => void }

/** One state znode. Writes wait until the test carries them out. */
export class FakeIsrStore implements IsrStore {
  isReachable = true
  readonly asked: Asked[] = []
  readonly #brokerId: number
  readonly #znode: { stored: Stored | undefined }

  /** Brokers may share the znode. */
  constructor(brokerId: number, znode: { stored: Stored | undefined } = { stored: undefined }) {
    this.#brokerId = brokerId
    this.#znode = znode
  }

  get stored(): Stored | undefined {
    return this.#znode.stored
  }
  set stored(stored: Stored | undefined) {
    this.#znode.stored = stored
  }

  change(_partition: TopicPartition, change: IsrChange): Promise<IsrChangeResult> {
    return new Promise((resolve, reject) => this.asked.push({ change, resolve, reject }))
  }

  /** As ZooKeeper would: the write takes place under its version only. */
  async carryOut(): Promise<IsrChangeResult> {
    const { change, resolve } = this.asked.shift()!
    const { isr, leaderEpoch, controllerEpoch, zkVersion } = change
    const isCurrent = this.stored?.zkVersion === zkVersion
    if (isCurrent) this.stored = { leader: this.#brokerId, leaderEpoch, isr, controllerEpoch, zkVersion: zkVersion + 1 }
    const result: IsrChangeResult = isCurrent ? { zkVersion: zkVersion + 1 } : { conflict: true, stored: this.stored }
    resolve(result)
    await settle()
    return result
  }

  /** The session is over, and nobody knows whether it was written. */
  async lose(): Promise<void> {
    this.asked.shift()!.reject(new Error('session expired'))
    await settle()
  }
}

/** Notes what it is told to follow. */
export class NotedFollowers implements Followers {
  readonly calls: string[] = []
  /** While set, unfollow waits for it. */
  held: Promise<void> | undefined

  follow({ topic, partition }: Partition, { brokerId, leaderEpoch }: { brokerId: number; leaderEpoch: number }): void {
    this.calls.push(`follow ${topic}-${partition} of ${brokerId} in ${leaderEpoch}`)
  }
  async unfollow({ topic, partition }: Partition): Promise<void> {
    this.calls.push(`unfollow ${topic}-${partition}`)
    await this.held
  }
  stop(): Promise<void> {
    return Promise.resolve()
  }
}

export const LAG_MS = 30_000

/** One broker's replicas over logs in memory, on a clock that stands still. */
export class ReplicaLab {
  readonly machine = new Machine()
  readonly clock = new ManualClock()
  readonly store: FakeIsrStore
  readonly followers = new NotedFollowers()
  readonly alive = new Set([1, 2, 3, 4])
  readonly roles: string[] = []
  readonly isrChanges: TopicPartition[] = []
  /** What ZooKeeper says of t; where it is set at `start`, logs of other incarnations go. */
  incarnation: Incarnation | undefined
  readonly brokerId: number
  logs!: LogManager
  table!: PartitionTable

  private constructor(brokerId: number, znode?: { stored: Stored | undefined }) {
    this.brokerId = brokerId
    this.store = new FakeIsrStore(brokerId, znode)
  }

  static async open(config: Partial<LogConfig> = {}, brokerId = 1, znode?: { stored: Stored | undefined }): Promise<ReplicaLab> {
    const lab = new ReplicaLab(brokerId, znode)
    await lab.start(config)
    return lab
  }

  /** As a process that starts on what the disk has. */
  async start(config: Partial<LogConfig> = {}): Promise<void> {
    this.logs = await this.machine.start({ config })
    this.table = new PartitionTable({
      brokerId: this.brokerId,
      logs: this.logs,
      logConfigOf: () => topicConfig(config),
      isKnown: () => true,
      isAlive: (id) => this.alive.has(id),
      onRole: (topic, partition, isLeader) => void this.roles.push(`${topic}-${partition} ${isLeader ? 'leads' : 'does not lead'}`),
      isrStore: this.store,
      onIsrChange: (partition) => void this.isrChanges.push(partition),
      followers: this.followers,
      incarnations: this.incarnation && new Incarnations(this.machine.disk, () => Promise.resolve(this.incarnation), silentLogger),
      lagTimeMaxMs: () => LAG_MS,
      clock: this.clock,
      logger: silentLogger,
    })
  }

  leadership(changed: Partial<Leadership> = {}): Leadership {
    return {
      leader: this.brokerId,
      leaderEpoch: 5,
      isr: [1, 2, 3],
      replicas: [1, 2, 3],
      addingReplicas: [],
      removingReplicas: [],
      controllerEpoch: 1,
      zkVersion: 7,
      ...changed,
    }
  }

  /** Leads t-0, and the store says so. */
  async lead(changed: Partial<Leadership> = {}): Promise<Partition> {
    const leadership = this.leadership(changed)
    const { leaderEpoch, isr, controllerEpoch, zkVersion } = leadership
    this.store.stored = { leader: this.brokerId, leaderEpoch, isr, controllerEpoch, zkVersion }
    return this.table.lead('t', 0, leadership, false)
  }
}

/** A follower asks the leader from `fetchOffset` on. */
export const fetched = (partition: Partition, lab: ReplicaLab, brokerId: number, fetchOffset: number, logStartOffset = 0): boolean =>
  partition.followerFetched(brokerId, { fetchOffset, logStartOffset, nowMs: lab.clock.nowMs() })
