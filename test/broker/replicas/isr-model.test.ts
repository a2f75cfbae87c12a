import { expect, test } from 'vitest'
import { KafkaError } from '../../../src/protocol/errors.ts'
import { batches } from '../../../src/protocol/records/record-batch.ts'
import { records } from '../../../src/protocol/records/record.ts'
import type { Partition } from '../../../src/broker/partition.ts'
import type { Leadership } from '../../../src/broker/replicas/leadership.ts'
import { cutFor } from '../../../src/broker/replicas/truncation.ts'
import { batchOf } from '../../support/batches.ts'
import { settle } from '../../support/manual-clock.ts'
import { LAG_MS, ReplicaLab, type Stored } from './support/replica-lab.ts'
import { Random } from '../../support/random.ts'

const IDS = [1, 2, 3]
type Following = { leader: number; epoch: number; isCut: boolean; answer: Answer | undefined }
type Answer = { records: Buffer; highWatermark: number; logStartOffset: number }
type Node = {
  id: number
  lab: ReplicaLab
  partition: Partition | undefined
  following: Following | undefined
  /** What the controller said and has not arrived yet. */
  told: Leadership[]
  /** Highest high watermark of the leadership of `epoch`. */
  seen: { epoch: number; highWatermark: number }
  /** It reaches nobody for so many steps. */
  cut: number
}

/** Three brokers with real partitions and logs, a znode, and a controller that may be slow to be heard. */
class World {
  readonly random: (below: number) => number
  readonly znode: { stored: Stored | undefined } = { stored: undefined }
  readonly nodes: Node[] = []
  readonly acknowledged = new Map<number, string>()
  #next = 0
  readonly counts = { acknowledged: 0, shrinks: 0, expands: 0, conflicts: 0, elections: 0, restarts: 0, fences: 0 }

  constructor(seed: number) {
    this.random = new Random(seed).below
  }

  async start(): Promise<void> {
    for (const id of IDS) {
      const lab = await ReplicaLab.open({}, id, this.znode)
      this.nodes.push({ id, lab, partition: undefined, following: undefined, told: [], seen: { epoch: -1, highWatermark: 0 }, cut: 0 })
    }
    this.znode.stored = { leader: 1, leaderEpoch: 0, isr: IDS, controllerEpoch: 1, zkVersion: 0 }
    this.#tellAll()
    for (const node of this.nodes) await this.deliver(node)
  }

  #tellAll(): void {
    const { leader, leaderEpoch, isr, controllerEpoch, zkVersion } = this.znode.stored!
    const leadership = { leader, leaderEpoch, isr, replicas: IDS, addingReplicas: [], removingReplicas: [], controllerEpoch, zkVersion }
    for (const node of this.nodes) node.told.push(leadership)
  }

  /** The next word of the controller arrives. */
  async deliver(node: Node): Promise<void> {
    const leadership = node.told.shift()
    if (!leadership || !node.lab.table.isNewer('t', 0, leadership.leaderEpoch)) return
    if (leadership.leader === node.id) {
      node.following = undefined
      node.partition = await node.lab.table.lead('t', 0, leadership, false)
      node.seen = { epoch: leadership.leaderEpoch, highWatermark: node.partition.highWatermark }
    } else {
      node.partition = await node.lab.table.follow('t', 0, leadership, false)
      if (leadership.leader < 0) return
      node.following = { leader: leadership.leader, epoch: leadership.leaderEpoch, isCut: false, answer: undefined }
    }
  }

  /** As the controller does when it believes that `gone` is away: another leader of the in-sync set, or none. */
  elect(gone: number): void {
    const { isr, leaderEpoch, zkVersion, leader } = this.znode.stored!
    const left = isr.filter((id) => id !== gone)
    if (left.length === 0) return
    const next = leader === gone || leader < 0 ? left[this.random(left.length)]! : leader
    this.znode.stored = { leader: next, leaderEpoch: leaderEpoch + 1, isr: left, controllerEpoch: 1, zkVersion: zkVersion + 1 }
    this.counts.elections++
    this.#tellAll()
  }

  append(node: Node): void {
    const { partition } = node
    if (!partition?.isLeader) return
    const value = `v${this.#next++}`
    const appended = partition.append(batchOf([value]), { origin: 'client', requiredAcks: -1 })
    void Promise.resolve(appended)
      .then(async ({ lastOffset }) => {
        await partition.replicated(lastOffset + 1)
        this.acknowledged.set(lastOffset, value)
        this.counts.acknowledged++
      })
      .catch((error: unknown) => {
        if (!(error instanceof KafkaError)) throw error
      })
  }

  /** A follower's next step: cut, ask, or take what was answered. */
  async follow(node: Node): Promise<void> {
    const { following, partition } = node
    if (!following || !partition || node.cut > 0) return
    const leader = this.nodes.find(({ id }) => id === following.leader)!.partition
    try {
      if (following.answer) {
        const { records: bytes, highWatermark, logStartOffset } = following.answer
        following.answer = undefined
        await partition.appendAsFollower(bytes, { leaderEpoch: following.epoch, highWatermark, logStartOffset })
      } else if (leader) await this.#ask(node, following, leader)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
    }
  }

  async #ask(node: Node, following: Following, leader: Partition): Promise<void> {
    leader.checkLeader(following.epoch)
    const { log } = node.partition!
    const epoch = log.latestEpoch
    if (!following.isCut && epoch !== undefined) {
      const end = leader.endOffsetFor(epoch)
      const cut = cutFor(log, { leaderEpoch: end.epoch, endOffset: end.endOffset }, log.highWatermark)
      await node.partition!.truncateAsFollower(cut.offset, following.epoch)
      following.isCut = cut.isComplete
      return
    }
    following.isCut = true
    const { highWatermark, logStartOffset } = leader.log
    const maxBytes = 60 + this.random(200)
    const read = await leader.log.read(log.logEndOffset, { maxBytes, upTo: 'logEnd', minOneBatch: true })
    const fetch = { fetchOffset: log.logEndOffset, logStartOffset: log.logStartOffset, nowMs: node.lab.clock.nowMs() }
    leader.followerFetched(node.id, fetch)
    following.answer = { records: read.records, highWatermark, logStartOffset }
  }

  /** The process dies and starts again; the controller sees both. */
  async restart(node: Node): Promise<void> {
    this.counts.restarts++
    node.partition?.resign()
    node.partition = undefined
    node.following = undefined
    node.lab.store.asked.length = 0
    node.lab.machine.kill()
    await node.lab.start()
    this.elect(node.id)
    // Alone in the in-sync set it leads again.
    if (this.znode.stored!.isr.includes(node.id)) {
      const { leaderEpoch, zkVersion } = this.znode.stored!
      this.znode.stored = { ...this.znode.stored!, leader: node.id, leaderEpoch: leaderEpoch + 1, zkVersion: zkVersion + 1 }
      this.#tellAll()
    }
    node.told = node.told.slice(-1)
  }

  /** The session is over while a write may be on its way. */
  async fence(node: Node): Promise<void> {
    this.counts.fences++
    node.lab.table.resignAll()
    if (node.lab.store.asked.length > 0) await (this.random(2) === 0 ? node.lab.store.carryOut() : node.lab.store.lose())
    this.elect(node.id)
    if (this.znode.stored!.leader === node.id) this.#tellAll()
  }

  async write(node: Node): Promise<void> {
    if (node.lab.store.asked.length === 0) return
    const before = node.lab.table.isrChanges.failed
    const from = this.znode.stored!.isr.length
    await node.lab.store.carryOut()
    if (node.lab.table.isrChanges.failed > before) this.counts.conflicts++
    else if (this.znode.stored!.isr.length > from) this.counts.expands++
    else if (this.znode.stored!.isr.length < from) this.counts.shrinks++
  }

  /** All clocks run alike. */
  async pass(ms: number): Promise<void> {
    for (const { lab } of this.nodes) await lab.clock.advance(ms)
  }

  async step(): Promise<void> {
    const node = this.nodes[this.random(3)]!
    for (const each of this.nodes) each.cut = Math.max(0, each.cut - 1)
    const what = this.random(1000)
    if (what < 250) this.append(node)
    else if (what < 750) await this.follow(node)
    else if (what < 780) await this.write(node)
    else if (what < 880) await this.deliver(node)
    else if (what < 920) for (const each of this.nodes) each.partition?.checkFollowers()
    else if (what < 965) await this.pass([1, 100, LAG_MS / 2, LAG_MS + 1, LAG_MS * 2][this.random(5)]!)
    else if (what < 985) node.cut = this.random(300)
    else if (what < 990 && node.following) node.following.answer = undefined
    else if (what < 994) this.elect(node.id)
    else if (what < 997) await this.restart(node)
    else await this.fence(node)
    await settle(1)
    this.checkHighWatermarks()
  }

  checkHighWatermarks(): void {
    const { leader, leaderEpoch, isr } = this.znode.stored!
    for (const { id, partition, seen } of this.nodes) {
      if (!partition?.isLeader) continue
      expect(partition.highWatermark).toBeGreaterThanOrEqual(seen.highWatermark)
      seen.highWatermark = partition.highWatermark
      if (id !== leader || partition.leaderEpoch !== leaderEpoch) continue
      for (const member of isr) {
        const end = this.nodes[member - 1]!.lab.logs.get('t', 0)!.logEndOffset
        expect(end, `${member} in sync with ${id}`).toBeGreaterThanOrEqual(partition.highWatermark)
      }
    }
  }

  /** What was acknowledged is on every member of the in-sync set, whoever of it is elected. */
  async checkAcknowledged(): Promise<void> {
    for (const member of this.znode.stored!.isr) {
      const values = await this.values(member)
      for (const [offset, value] of this.acknowledged) expect([member, offset, values.get(offset)]).toEqual([member, offset, value])
    }
  }

  async values(id: number): Promise<Map<number, string>> {
    const log = this.nodes[id - 1]!.lab.logs.get('t', 0)!
    const { records: bytes } = await log.read(0, { maxBytes: 10_000_000, upTo: 'logEnd', minOneBatch: true })
    return new Map([...batches(bytes)].flatMap((batch) => [...records(batch)].map((record) => [record.offset, record.value!.toString()])))
  }

  /** Everything arrives, everyone follows: the logs are equal and all replicas in sync. */
  async heal(): Promise<void> {
    if (!this.nodes[this.znode.stored!.leader - 1]) this.elect(0)
    for (const node of this.nodes) node.cut = 0
    for (let round = 0; round < 400; round++) {
      for (const node of this.nodes) {
        while (node.told.length > 0) await this.deliver(node)
        await this.follow(node)
        if (node.lab.store.asked.length > 0) await this.write(node)
      }
      if (round % 50 === 0) await this.pass(1001)
    }
  }
}

test.each(Array.from({ length: 16 }, (_, seed) => seed + 1))('no acknowledged record is lost, seed %i', async (seed) => {
  const world = new World(seed)
  await world.start()
  for (let step = 0; step < 2000; step++) {
    await world.step()
    if (step % 10 === 0) await world.checkAcknowledged()
  }
  await world.heal()
  await world.checkAcknowledged()
  expect(world.znode.stored!.isr.toSorted((a, b) => a - b)).toEqual(IDS)
  const [first, ...others] = await Promise.all(IDS.map((id) => world.values(id)))
  for (const other of others) expect(other).toEqual(first)
  expect(world.counts.acknowledged).toBeGreaterThan(5)
  totals.push(world.counts)
})

const totals: World['counts'][] = []
test('the runs met what they are for', () => {
  for (const kind of ['shrinks', 'expands', 'conflicts', 'elections', 'restarts', 'fences'] as const) {
    expect(
      totals.reduce((sum, counts) => sum + counts[kind], 0),
      kind,
    ).toBeGreaterThan(2)
  }
})
