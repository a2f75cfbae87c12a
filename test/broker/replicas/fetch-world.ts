import { silentLogger } from '../../../src/base/logger.ts'
import { Fetcher } from '../../../src/broker/replicas/fetcher.ts'
import type { FollowedPartition } from '../../../src/broker/replicas/fetch-partition.ts'
import { batchOf, Machine, topicConfig } from '../../log/support.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { follow, MemoryLeader, noQuota, quiet, SETTINGS, stored, type StoredBatch, TestReplica } from './fetch-support.ts'

const CONFIG = { segmentBytes: 1500, indexIntervalBytes: 200, fileDeleteDelayMs: 10, retentionMs: -1 }

/** One broker with its replica: what it believes, and its ways to the others. */
class Node {
  readonly id: number
  readonly machine = new Machine()
  replica!: TestReplica
  isUp = false
  leaderEpoch = -1
  /** To the other nodes, by id. */
  readonly links = new Map<number, MemoryLeader>()
  readonly fetchers = new Map<number, Fetcher>()
  followed: { fetcher: Fetcher; partition: FollowedPartition } | undefined
  /** As leader: what the others have, by id. */
  readonly ends = new Map<number, number>()
  epochStart = 0

  constructor(id: number) {
    this.id = id
  }
  get log() {
    return this.replica.log
  }
}

/**
 * Some brokers with a replica each, and a controller that knows no delays: real logs, real fetchers; leaders and in-sync sets by Kafka's rules. What a high watermark
 * has passed counts as committed and is remembered.
 */
export class World {
  readonly clock = new ManualClock()
  readonly nodes: Node[]
  leader = -1
  epoch = -1
  isr: number[]
  committed: StoredBatch[] = []
  #values = 0

  readonly #keepsSessions: boolean

  constructor(count: number, { keepsSessions = true } = {}) {
    this.#keepsSessions = keepsSessions
    this.nodes = Array.from({ length: count }, (_unused, id) => new Node(id))
    this.isr = this.nodes.map(({ id }) => id)
  }

  async start(): Promise<void> {
    for (const node of this.nodes) await this.boot(node.id)
  }

  node(id: number): Node {
    return this.nodes[id]!
  }
  get live(): number[] {
    return this.nodes.filter(({ isUp }) => isUp).map(({ id }) => id)
  }

  /** The process starts and loads its log; it follows when it is told. */
  async boot(id: number): Promise<void> {
    const node = this.node(id)
    const manager = await node.machine.start({ config: CONFIG })
    node.replica = new TestReplica(manager.getOrCreate('t', 0, topicConfig(CONFIG), false))
    node.isUp = true
    node.leaderEpoch = -1
    for (const other of this.nodes) {
      if (other === node) continue
      const link = new MemoryLeader(this.clock)
      link.keepsSessions = this.#keepsSessions
      link.onFetch = (replica, replicaId, offset) =>
        this.#fetched(
          this.nodes.find((each) => each.replica === replica)!,
          replicaId,
          offset,
        )
      node.links.set(other.id, link)
      if (other.isUp) link.replicas.set('t-0', other.replica)
      link.isUp = other.isUp
      const back = other.links.get(id)
      back?.replicas.set('t-0', node.replica)
      if (back) back.isUp = true
    }
  }

  /** The process dies; what it wrote is there. */
  async kill(id: number): Promise<void> {
    const node = this.node(id)
    node.isUp = false
    node.replica.isLeader = false
    for (const other of this.nodes) this.#cut(other.links.get(id))
    await Promise.all([...node.fetchers.values()].map((fetcher) => fetcher.stop()))
    await quiet()
    await this.noted()
    node.fetchers.clear()
    node.followed = undefined
    node.machine.kill()
  }

  /** Nothing gets from one broker to the other, in either direction. */
  cut(a: number, b: number): void {
    this.#cut(this.node(a).links.get(b))
    this.#cut(this.node(b).links.get(a))
  }
  heal(a: number, b: number): void {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const link = this.node(from).links.get(to)
      if (link) link.isUp = this.node(to).isUp
    }
  }
  #cut(link: MemoryLeader | undefined): void {
    if (!link) return
    link.isUp = false
    link.disconnect()
  }

  /** A new leader epoch; nobody knows of it until `tell`. */
  elect(leader: number): void {
    this.leader = leader
    this.epoch++
    if (!this.isr.includes(leader)) this.isr = [leader]
  }

  /** LeaderAndIsr. */
  async tell(id: number): Promise<void> {
    const node = this.node(id)
    if (!node.isUp || this.leader < 0 || node.leaderEpoch === this.epoch) return
    if (node.followed) await node.followed.fetcher.remove(node.followed.partition)
    node.followed = undefined
    node.leaderEpoch = this.epoch
    if (this.leader === id) await this.#lead(node)
    else this.#follow(node)
  }

  async #lead(node: Node): Promise<void> {
    node.replica.isLeader = true
    node.replica.leaderEpoch = this.epoch
    node.epochStart = node.log.logEndOffset
    node.log.assignLeaderEpoch(this.epoch)
    node.ends.clear()
    await node.log.persistEpochs()
    await this.#advance(node)
  }

  #follow(node: Node): void {
    let fetcher = node.fetchers.get(this.leader)
    if (!fetcher) {
      const options = { replicaId: node.id, settings: () => ({ ...SETTINGS, maxBytes: 400 }), quota: noQuota(this.clock) }
      fetcher = new Fetcher({ leader: node.links.get(this.leader)!, clock: this.clock, logger: silentLogger, ...options })
      node.fetchers.set(this.leader, fetcher)
    }
    node.followed = { fetcher, partition: follow(fetcher, node.replica, this.epoch) }
  }

  /** One batch from a producer, by the broker that the controller calls leader; false when that one does not know yet. */
  append(records: number): boolean {
    if (this.leader < 0) return false
    const node = this.node(this.leader)
    if (!node.isUp || !node.replica.isLeader || node.leaderEpoch !== this.epoch) return false
    this.#appendTo(node, records)
    return true
  }

  /** By a broker that still believes to lead, in an older epoch. */
  appendAsZombie(id: number, records: number): void {
    const node = this.node(id)
    if (node.isUp && node.replica.isLeader) this.#appendTo(node, records)
  }

  #appendTo(node: Node, records: number): void {
    const value = this.#values++
    const batch = batchOf(records, { sizeBytes: 20 + (value % 50), timestamp: 1_700_000_000_000 + value })
    const info = node.log.append(batch, { origin: 'client', leaderEpoch: node.leaderEpoch })
    if (info instanceof Promise) throw new Error('the append waits')
    for (const other of this.nodes) other.links.get(node.id)?.poke()
  }

  #fetched(node: Node, replicaId: number, offset: number): void {
    node.ends.set(replicaId, offset)
    if (node.id !== this.leader || node.leaderEpoch !== this.epoch) return
    if (!this.isr.includes(replicaId) && offset >= node.log.highWatermark && offset >= node.epochStart) this.isr = [...this.isr, replicaId]
    this.#pending.push(this.#advance(node))
  }
  readonly #pending: Promise<void>[] = []

  /** The leader takes a broker out of the in-sync set. */
  async shrink(id: number): Promise<void> {
    const leader = this.nodes[this.leader]
    if (id === this.leader || !this.isr.includes(id) || !leader?.isUp || leader.leaderEpoch !== this.epoch) return
    this.isr = this.isr.filter((other) => other !== id)
    await this.#advance(leader)
  }

  async #advance(node: Node): Promise<void> {
    if (node.id !== this.leader || node.leaderEpoch !== this.epoch) return
    const { log, ends } = node
    const others = this.isr.filter((id) => id !== node.id)
    const to = Math.min(log.logEndOffset, ...others.map((id) => ends.get(id) ?? log.highWatermark))
    if (to <= log.highWatermark) return
    log.setHighWatermark(to)
    const known = this.committed.at(-1)?.lastOffset ?? -1
    if (to <= known + 1) return
    for (const batch of await stored(log)) {
      if (batch.baseOffset > (this.committed.at(-1)?.lastOffset ?? -1) && batch.lastOffset < to) this.committed.push(batch)
    }
  }

  /** What was committed until now is in `committed`. */
  async noted(): Promise<void> {
    await Promise.all(this.#pending.splice(0))
  }

  /** Time passes. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    await this.noted()
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) await Promise.all([...node.fetchers.values()].map((fetcher) => fetcher.stop()))
  }
}
