import { silentLogger } from '../../../src/base/logger.ts'
import { ConnectionError } from '../../../src/client/connection.ts'
import type { AppendInfo } from '../../../src/log/log-types.ts'
import type { Log } from '../../../src/log/log.ts'
import type { fetch } from '../../../src/protocol/api/01-fetch.ts'
import type { listOffsets } from '../../../src/protocol/api/02-list-offsets.ts'
import type { offsetForLeaderEpoch } from '../../../src/protocol/api/23-offset-for-leader-epoch.ts'
import { codeOf, type ErrorName, KafkaError } from '../../../src/protocol/errors.ts'
import { toNumber } from '../../../src/protocol/int64.ts'
import { batches, baseOffsetOf, lastOffsetOf, partitionLeaderEpochOf } from '../../../src/protocol/records/record-batch.ts'
import {
  type Api,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type ReplyOf,
  type RequestOf,
  type ResponseOf,
  type Sendable,
} from '../../../src/protocol/schema.ts'
import type { Leader } from '../../../src/broker/replicas/fetch-leader.ts'
import { FollowedPartition, type Replica } from '../../../src/broker/replicas/fetch-partition.ts'
import { Fetcher, type FetcherOptions } from '../../../src/broker/replicas/fetcher.ts'
import { ReplicationQuota } from '../../../src/broker/replicas/replication-quota.ts'
import { type ManualClock, settle } from '../../support/manual-clock.ts'

type Fetch = RequestOf<typeof fetch>
export type Offsets = { leaderEpoch: number; highWatermark: number; logStartOffset: number }

/** A replica on one broker: a real log, and the little that a partition adds to it for who follows. */
export class TestReplica {
  readonly topic: string
  readonly partition: number
  readonly log: Log
  leaderEpoch = 0
  isLeader = false
  /** Ids of brokers that a reassignment adds. */
  addingReplicas: readonly number[] = []
  /** What happened to the log, in order. */
  readonly calls: string[] = []

  constructor(log: Log, topic = log.topic, partition = log.partition) {
    this.log = log
    this.topic = topic
    this.partition = partition
  }

  isAddingReplica(brokerId: number): boolean {
    return this.addingReplicas.includes(brokerId)
  }

  appendAsFollower(records: Buffer, leader: Offsets): AppendInfo | Promise<AppendInfo> {
    this.#check(leader.leaderEpoch)
    if (records.length > 0) this.calls.push('append')
    const appended = this.log.append(records, { origin: 'replication', leaderEpoch: leader.leaderEpoch })
    return appended instanceof Promise ? appended.then((info) => this.#appended(info, leader)) : this.#appended(appended, leader)
  }

  async truncateAsFollower(offset: number, leaderEpoch: number): Promise<void> {
    this.#check(leaderEpoch)
    this.calls.push(`truncate ${offset}`)
    await this.log.truncateTo(offset)
  }

  async startOverAsFollower(offset: number, leaderEpoch: number): Promise<void> {
    this.#check(leaderEpoch)
    this.calls.push(`start over ${offset}`)
    await this.log.truncateFullyAndStartAt(offset)
  }

  #check(leaderEpoch: number): void {
    if (this.isLeader || leaderEpoch !== this.leaderEpoch) throw new KafkaError('NOT_LEADER_OR_FOLLOWER')
  }
  #appended(info: AppendInfo, { highWatermark, logStartOffset }: Offsets): AppendInfo {
    this.log.setHighWatermark(Math.max(highWatermark, this.log.highWatermark))
    this.log.advanceLogStart(Math.min(logStartOffset, this.log.highWatermark))
    return info
  }
}

/** What a test wants to happen to the next request of an API instead of its answer; undefined: the usual. */
export type Script = (request: unknown) => unknown
type AnsweredPartition = { partitionIndex: number; errorCode: number; highWatermark: number; logStartOffset: number; records: Buffer }
type Answered = { topic: string; partition: AnsweredPartition; isNews: boolean; errorCode: number; records: Buffer }
type WantedPartition = Fetch['topics'][number]['fetchPartitions'][number]
type Session = Map<string, { topic: string; wanted: WantedPartition }>

const through = <A extends Api>(api: A, version: number, reply: ReplyOf<A>): ResponseOf<A> =>
  decodeResponse(api, version, encodeResponse(api, version, reply)) as ResponseOf<A>

/** A leader in memory, for the replicas that say `isLeader`: real messages, real logs, sessions on request. A fetch without records waits for `poke` or its time. */
export class MemoryLeader implements Leader {
  readonly replicas = new Map<string, TestReplica>()
  /** Every request, decoded, with its API's name. */
  readonly requests: { name: string; request: unknown }[] = []
  keepsSessions = true
  /** Nothing can be reached while false. */
  isUp = true
  readonly #clock: ManualClock
  readonly #scripts = new Map<string, Script[]>()
  readonly #sessions = new Map<number, { epoch: number; partitions: Session }>()
  #nextSession = 1
  #cut: ((error: Error) => void)[] = []
  #poked = Promise.withResolvers<void>()
  /** Before a fetch of a partition is answered. */
  onFetch: (replica: TestReplica, replicaId: number, fetchOffset: number) => void = () => {}

  constructor(clock: ManualClock) {
    this.#clock = clock
  }

  serve(replica: TestReplica): this {
    replica.isLeader = true
    this.replicas.set(`${replica.topic}-${replica.partition}`, replica)
    return this
  }

  /** The next request of this API is for the script; several stand in a queue. */
  script(name: 'Fetch' | 'ListOffsets' | 'OffsetForLeaderEpoch', ...scripts: Script[]): void {
    this.#scripts.set(name, [...(this.#scripts.get(name) ?? []), ...scripts])
  }

  of(name: 'Fetch'): Fetch[]
  of(name: 'ListOffsets'): RequestOf<typeof listOffsets>[]
  of(name: 'OffsetForLeaderEpoch'): RequestOf<typeof offsetForLeaderEpoch>[]
  of(name: string): unknown[] {
    return this.requests.filter((request) => request.name === name).map(({ request }) => request)
  }

  /** Fetches that wait look again. */
  poke(): void {
    this.#poked.resolve()
    this.#poked = Promise.withResolvers<void>()
  }

  forgetSessions(): void {
    this.#sessions.clear()
  }

  disconnect(): void {
    for (const cut of this.#cut.splice(0)) cut(new ConnectionError('the connection was closed'))
  }

  async request<A extends Api>(api: A, version: number, request: Sendable<RequestOf<A>>): Promise<ResponseOf<A>> {
    if (!this.isUp) throw new ConnectionError('connect ECONNREFUSED')
    const asked = decodeRequest(api, version, encodeRequest(api, version, request))
    this.requests.push({ name: api.name, request: asked })
    const cut = new Promise<never>((_resolve, reject) => this.#cut.push(reject))
    cut.catch(() => {})
    return (await Promise.race([this.#answer(api, version, asked), cut])) as ResponseOf<A>
  }

  async #answer(api: Api, version: number, request: unknown): Promise<unknown> {
    const script = this.#scripts.get(api.name)?.shift()
    const scripted = await script?.(request)
    if (scripted !== undefined) return through(api, version, scripted as never)
    if (api.name === 'Fetch') return through(api, version, (await this.#fetch(request as Fetch)) as never)
    if (api.name === 'ListOffsets') return through(api, version, this.#offsets(request as RequestOf<typeof listOffsets>) as never)
    return through(api, version, this.#epochs(request as RequestOf<typeof offsetForLeaderEpoch>) as never)
  }

  #leading(topic: string, partition: number, epoch: number): TestReplica {
    const replica = this.replicas.get(`${topic}-${partition}`)
    if (!replica?.isLeader) throw new KafkaError('NOT_LEADER_OR_FOLLOWER')
    if (epoch < replica.leaderEpoch) throw new KafkaError('FENCED_LEADER_EPOCH')
    if (epoch > replica.leaderEpoch) throw new KafkaError('UNKNOWN_LEADER_EPOCH')
    return replica
  }

  #epochs({ topics }: RequestOf<typeof offsetForLeaderEpoch>): ReplyOf<typeof offsetForLeaderEpoch> {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, leaderEpoch }) => {
          try {
            const { log, leaderEpoch: own } = this.#leading(name, partitionIndex, currentLeaderEpoch)
            const end = leaderEpoch === own ? { epoch: own, endOffset: log.logEndOffset } : log.endOffsetForEpoch(leaderEpoch)
            return { partitionIndex, errorCode: 0, leaderEpoch: end?.epoch ?? -1, endOffset: end?.endOffset ?? -1 }
          } catch (error) {
            return { partitionIndex, errorCode: codeOf(error), leaderEpoch: -1, endOffset: -1 }
          }
        }),
      })),
    }
  }

  #offsets({ topics }: RequestOf<typeof listOffsets>): ReplyOf<typeof listOffsets> {
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, currentLeaderEpoch, timestamp }) => {
          try {
            const { log } = this.#leading(name, partitionIndex, currentLeaderEpoch)
            return { partitionIndex, errorCode: 0, timestamp: -1, offset: timestamp === -1 ? log.logEndOffset : log.logStartOffset }
          } catch (error) {
            return { partitionIndex, errorCode: codeOf(error) }
          }
        }),
      })),
    }
  }

  /** The session that the request continues or begins, as it is after it. */
  #sessionOf({ sessionId, epoch, topics, forgotten }: Fetch): { id: number; partitions: Session } {
    const isFull = epoch <= 0
    const known = this.#sessions.get(sessionId)
    if (isFull) this.#sessions.delete(sessionId)
    else if (!known) throw new KafkaError('FETCH_SESSION_ID_NOT_FOUND')
    else if (known.epoch++ !== epoch) throw new KafkaError('INVALID_FETCH_SESSION_EPOCH')
    const session = isFull ? { epoch: 1, partitions: new Map() as Session } : known!
    for (const { name, fetchPartitions } of topics) {
      for (const wanted of fetchPartitions) session.partitions.set(`${name}-${wanted.partitionIndex}`, { topic: name, wanted })
    }
    for (const { name, forgottenPartitionIndexes } of forgotten) {
      for (const index of forgottenPartitionIndexes) session.partitions.delete(`${name}-${index}`)
    }
    if (!isFull) return { id: sessionId, ...session }
    if (!this.keepsSessions) return { id: 0, ...session }
    const id = this.#nextSession++
    this.#sessions.set(id, session)
    return { id, ...session }
  }

  async #fetch(request: Fetch): Promise<ReplyOf<typeof fetch>> {
    try {
      return await this.#poll(request, this.#sessionOf(request))
    } catch (error) {
      return { errorCode: codeOf(error) }
    }
  }

  async #poll(request: Fetch, { id: sessionId, partitions }: { id: number; partitions: Session }): Promise<ReplyOf<typeof fetch>> {
    const untilMs = this.#clock.nowMs() + request.maxWait
    for (;;) {
      const answers = await this.#read(partitions, request)
      const hasNews = answers.some(({ errorCode, records }) => errorCode !== 0 || records.length > 0)
      if (hasNews || this.#clock.nowMs() >= untilMs) {
        const told = answers.filter(
          ({ errorCode, records, isNews }) => request.epoch <= 0 || errorCode !== 0 || records.length > 0 || isNews,
        )
        return { errorCode: 0, sessionId, topics: told.map(({ topic, partition }) => ({ name: topic, partitions: [partition] })) }
      }
      await Promise.race([this.#poked.promise, this.#clock.sleep(untilMs - this.#clock.nowMs())])
    }
  }

  readonly #told = new Map<string, number>()
  async #read(session: Session, { replicaId, maxBytes }: Fetch): Promise<Answered[]> {
    const answers: Answered[] = []
    let left = maxBytes
    for (const [key, { topic, wanted }] of session) {
      const partition = await this.#readOne(topic, wanted, { left, isFirst: left === maxBytes, replicaId })
      const { errorCode: code, records, highWatermark } = partition
      left -= records.length
      const isNews = this.#told.get(`${replicaId} ${key}`) !== highWatermark
      this.#told.set(`${replicaId} ${key}`, highWatermark)
      answers.push({ topic, partition, isNews, errorCode: code, records })
    }
    return answers
  }

  async #readOne(
    topic: string,
    wanted: WantedPartition,
    { left, isFirst, replicaId }: { left: number; isFirst: boolean; replicaId: number },
  ): Promise<AnsweredPartition> {
    const { partitionIndex, currentLeaderEpoch } = wanted
    const nothing = { partitionIndex, highWatermark: -1, logStartOffset: -1, records: Buffer.alloc(0) }
    try {
      const replica = this.#leading(topic, partitionIndex, currentLeaderEpoch)
      const { log } = replica
      const offset = toNumber(wanted.fetchOffset)
      const options = { maxBytes: Math.min(left, wanted.maxBytes), upTo: 'logEnd', minOneBatch: isFirst } as const
      const { records, firstEntryIncomplete } = await log.read(offset, options)
      this.onFetch(replica, replicaId, offset)
      const { highWatermark, logStartOffset } = log
      return { ...nothing, errorCode: 0, highWatermark, logStartOffset, ...(firstEntryIncomplete ? {} : { records }) }
    } catch (error) {
      return { ...nothing, errorCode: codeOf(error) }
    }
  }
}

export const errorCode = (error: ErrorName): number => new KafkaError(error).code

export const SETTINGS = { maxBytes: 1_048_576, minBytes: 1, maxWaitMs: 500, responseMaxBytes: 10_485_760, backoffMs: 1000 }

export const noQuota = (clock: ManualClock): ReplicationQuota =>
  new ReplicationQuota({ side: 'follower', brokerId: 2, clock, bytesPerSecond: () => Infinity, windows: 11, windowMs: 1000 })

export const fetcherOf = (leader: Leader, clock: ManualClock, others: Partial<FetcherOptions> = {}): Fetcher =>
  new Fetcher({ leader, replicaId: 2, settings: () => SETTINGS, quota: noQuota(clock), clock, logger: silentLogger, ...others })

/** Begins to follow in an epoch, as a LeaderAndIsr request makes it. */
export const follow = (fetcher: Fetcher, replica: TestReplica, leaderEpoch: number): FollowedPartition => {
  replica.isLeader = false
  replica.leaderEpoch = leaderEpoch
  const followed = new FollowedPartition(replica as Replica, leaderEpoch)
  fetcher.add(followed)
  return followed
}

export type StoredBatch = { baseOffset: number; lastOffset: number; epoch: number; bytes: Buffer }
/** Everything in a log. */
export const stored = async (log: Log): Promise<StoredBatch[]> => {
  const all: StoredBatch[] = []
  for (let next = log.logStartOffset; next < log.logEndOffset;) {
    const { records } = await log.read(next, { maxBytes: 1 << 20, upTo: 'logEnd', minOneBatch: true })
    for (const batch of batches(records)) {
      all.push({ baseOffset: baseOffsetOf(batch), lastOffset: lastOffsetOf(batch), epoch: partitionLeaderEpochOf(batch), bytes: batch })
      next = lastOffsetOf(batch) + 1
    }
  }
  return all
}

/** Lets everything happen that needs no time. */
export const quiet = (): Promise<void> => settle(8)
