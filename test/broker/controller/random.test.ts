import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { isZooKeeperError } from '../../../src/zookeeper/errors.ts'
import { FakeCluster } from './fake-cluster.ts'
import { type FakeBroker, type Role, until } from './fake-broker.ts'
import { Random } from '../../support/random.ts'

const IDS = [1, 2, 3, 4]
const PARTITIONS = 6
const STEPS = 120

/** Records as sets of numbers: enough to see whether a leader has everything that was acknowledged. */
class World {
  readonly cluster: FakeCluster
  readonly violations: string[] = []
  readonly alive = new Set<number>(IDS)
  readonly #random: () => number
  readonly #disks = new Map<string, Set<number>>()
  readonly #acked = new Map<string, Set<number>>()
  readonly #leaders = new Map<string, number>()
  readonly #seenEpochs = new Map<string, number>()
  #nextRecord = 0

  constructor(cluster: FakeCluster, random: () => number) {
    this.cluster = cluster
    this.#random = random
    for (const broker of cluster.brokers.values()) broker.onRole = (role) => this.#takeRole(broker, role)
  }

  pick<T>(from: Iterable<T>): T | undefined {
    const items = [...from]
    return items[Math.floor(this.#random() * items.length)]
  }

  records(id: number, key: string): Set<number> {
    const at = `${id} ${key}`
    const known = this.#disks.get(at) ?? new Set<number>()
    this.#disks.set(at, known)
    return known
  }

  /** The broker that believes to lead with the highest epoch, as a client finds it in the end. */
  leader(key: string): { broker: FakeBroker; role: Role } | undefined {
    const leaders = [...this.alive].flatMap((id) => {
      const broker = this.cluster.broker(id)
      const role = broker.roles.get(key)
      return role?.leader === id ? [{ broker, role }] : []
    })
    return leaders.sort((a, b) => b.role.leaderEpoch - a.role.leaderEpoch)[0]
  }

  /** Acknowledged when everybody in the leader's in-sync set follows in its epoch. */
  produce(key: string): void {
    const found = this.leader(key)
    if (!found) return
    const { broker, role } = found
    const record = this.#nextRecord++
    const own = this.records(broker.id, key).add(record)
    const followers = role.isr.filter((id) => id !== broker.id)
    const followsNow = (id: number) => this.alive.has(id) && this.cluster.broker(id).roles.get(key)?.leaderEpoch === role.leaderEpoch
    for (const id of followers.filter(followsNow)) this.#disks.set(`${id} ${key}`, new Set(own))
    if (followers.every(followsNow)) this.#ackedOf(key).add(record)
  }

  /** As a leader does: only over the version of the state that it knows. */
  async changeIsr(key: string, change: (isr: number[], role: Role) => number[]): Promise<boolean> {
    const found = this.leader(key)
    if (!found) return false
    const { broker, role } = found
    const before = role.isr
    const isr = change([...before], role).filter((id) => id === broker.id || before.includes(id) || this.#catchUp(key, broker, id, role))
    if (isr.length === before.length) return false
    // Until the write is known to have happened, a record must be with everybody of either set.
    role.isr = [...new Set([...before, ...isr])]
    const { leader, leaderEpoch, controllerEpoch } = role
    try {
      const data = partitionStateZnode.encode({ leader, leaderEpoch, controllerEpoch, isr })
      const path = partitionStateZnode.path(role.topic, role.partitionIndex)
      const { version } = await broker.zookeeper.set(path, data, role.zkVersion)
      role.isr = isr
      role.zkVersion = version
      return true
    } catch (error) {
      if (!isZooKeeperError(error)) throw error
      return false
    }
  }

  async checkEpochs(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const state = await this.cluster.state('t', partition)
      const key = `t-${partition}`
      if (state && state.leaderEpoch < (this.#seenEpochs.get(key) ?? 0)) this.violations.push(`${key}: the leader epoch went back`)
      this.#seenEpochs.set(key, state?.leaderEpoch ?? 0)
      if (state && state.leader >= 0 && !state.isr.includes(state.leader)) this.violations.push(`${key}: the leader is not in sync`)
      if (state && state.isr.length === 0) this.violations.push(`${key}: nobody is in sync`)
    }
  }

  get ackedCount(): number {
    return [...this.#acked.values()].reduce((sum, { size }) => sum + size, 0)
  }

  #ackedOf(key: string): Set<number> {
    const known = this.#acked.get(key) ?? new Set<number>()
    this.#acked.set(key, known)
    return known
  }

  #catchUp(key: string, leader: FakeBroker, id: number, role: Role): boolean {
    if (!this.alive.has(id) || this.cluster.broker(id).roles.get(key)?.leaderEpoch !== role.leaderEpoch) return false
    this.#disks.set(`${id} ${key}`, new Set(this.records(leader.id, key)))
    return true
  }

  #takeRole(broker: FakeBroker, role: Role): void {
    const key = `${role.topic}-${role.partitionIndex}`
    const epoch = `${key} ${role.leaderEpoch}`
    const known = this.#leaders.get(epoch)
    if (known !== undefined && known !== role.leader) this.violations.push(`${epoch}: led by ${known} and ${role.leader}`)
    this.#leaders.set(epoch, role.leader)
    if (role.leader !== broker.id) return
    const own = this.records(broker.id, key)
    const missing = [...this.#ackedOf(key)].filter((record) => !own.has(record))
    if (missing.length > 0) this.violations.push(`${epoch}: leader ${broker.id} lacks acknowledged records ${missing.join(' ')}`)
  }
}

type Action = (world: World, random: () => number) => Promise<unknown> | void
const anyKey = (random: () => number): string => `t-${Math.floor(random() * PARTITIONS)}`

const produce: Action = (world) => {
  for (let partition = 0; partition < PARTITIONS; partition++) world.produce(`t-${partition}`)
}
const expand: Action = (world, random) => world.changeIsr(anyKey(random), (isr, role) => [...new Set([...isr, ...role.replicas])])
const shrink: Action = (world, random) =>
  world.changeIsr(anyKey(random), (isr, role) => isr.filter((id) => id === role.leader || random() < 0.5))
const fail: Action = async (world) => {
  if (world.alive.size < 2) return
  const id = world.pick(world.alive)!
  world.alive.delete(id)
  await world.cluster.kill(id)
}
const comeBack: Action = async (world) => {
  const id = world.pick(IDS.filter((one) => !world.alive.has(one)))
  if (id === undefined) return
  await world.cluster.add(id)
  world.alive.add(id)
}
const wantToStop: Action = async (world) => {
  const { cluster, alive } = world
  const controller = await cluster.controllerId()
  const term = controller === undefined ? undefined : cluster.broker(controller).controller?.term
  const wanted = world.pick(alive)
  if (wanted !== undefined) void term?.controlledShutdown(wanted, cluster.broker(wanted).brokerEpoch).catch(() => {})
}
const loseConnections: Action = ({ cluster, alive }) => {
  for (const id of alive) for (const connection of cluster.connectionsOf(cluster.broker(id))) connection.destroy()
}
/** With how often each comes of a hundred. */
const ACTIONS: readonly (readonly [Action, number])[] = [
  [produce, 40],
  [expand, 15],
  [shrink, 7],
  [fail, 10],
  [comeBack, 14],
  [wantToStop, 6],
  [loseConnections, 8],
]

const step = async (world: World, random: () => number): Promise<void> => {
  let roll = random() * 100
  const [action] = ACTIONS.find(([, share]) => (roll -= share) < 0)!
  await action(world, random)
  if (random() < 0.5) await sleep(Math.floor(random() * 25))
}

const heal = async (world: World): Promise<void> => {
  const { cluster } = world
  // A controlled shutdown that was asked for ends with the broker: whoever wanted to stop has to.
  for (const id of IDS) {
    if (world.alive.has(id)) await cluster.kill(id)
    world.alive.delete(id)
    await cluster.add(id)
    world.alive.add(id)
  }
  await cluster.untilControlled()
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const key = `t-${partition}`
    await until(`${key} is led and whole`, async () => {
      const state = (await cluster.state('t', partition))!
      const found = world.leader(key)
      if (!found || found.broker.id !== state.leader || found.role.leaderEpoch !== state.leaderEpoch) return false
      if (state.isr.length === found.role.replicas.length) return true
      await world.changeIsr(key, (isr, role) => [...new Set([...isr, ...role.replicas])])
      return false
    })
    world.produce(key)
  }
}

test.each([1, 7, 42])('whoever fails whenever (seed %i), nothing acknowledged is lost, and it heals', { timeout: 60_000 }, async (seed) => {
  const random = new Random(seed).next
  const cluster = await FakeCluster.start(IDS)
  try {
    const world = new World(cluster, random)
    const replicasOf = (partition: number) => [0, 1, 2].map((nth) => IDS[(partition + nth) % IDS.length]!)
    await cluster.create('t', Object.fromEntries(Array.from({ length: PARTITIONS }, (_unused, n) => [n, replicasOf(n)])))
    await cluster.untilState('t', PARTITIONS - 1, { leaderEpoch: 0 })
    for (let at = 0; at < STEPS; at++) {
      await step(world, random)
      await world.checkEpochs()
    }
    await heal(world)
    const states = await Promise.all(Array.from({ length: PARTITIONS }, (_unused, n) => cluster.state('t', n)))
    for (const id of IDS)
      await cluster
        .broker(id)
        .until('shows the leaders that there are', () =>
          states.every((state, n) => cluster.broker(id).metadata.get(`t-${n}`) === state!.leader),
        )
    expect(world.violations).toEqual([])
    expect(world.ackedCount).toBeGreaterThan(20)
  } finally {
    await cluster.stop()
  }
})
