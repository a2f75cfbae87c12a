import { expect } from 'vitest'
import { stored, type StoredBatch } from './fetch-support.ts'
import { World } from './fetch-world.ts'
import { Random } from '../../support/random.ts'

const NODES = 3

const key = ({ epoch, baseOffset }: StoredBatch): string => `${epoch}@${baseOffset}`

/** One offset of one epoch is one and the same record wherever it is. */
const checkEqual = async (world: World): Promise<void> => {
  const known = new Map<string, Buffer>()
  for (const { log, isUp } of world.nodes) {
    if (!isUp) continue
    for (const batch of await stored(log)) {
      const other = known.get(key(batch))
      if (other) expect(batch.bytes.equals(other), key(batch)).toBe(true)
      known.set(key(batch), batch.bytes)
    }
  }
}

const checkHasCommitted = async (world: World, id: number): Promise<void> => {
  const has = new Map((await stored(world.node(id).log)).map((batch) => [batch.baseOffset, batch.bytes]))
  for (const { baseOffset, bytes } of world.committed) {
    expect(has.get(baseOffset)?.equals(bytes), `${id} lacks the committed batch at ${baseOffset}`).toBe(true)
  }
}

/** Elections, restarts, cut links, appends and partial replication, drawn from a seed. `isUnclean`: who is not in sync may lead, too. */
export class Run {
  readonly world: World
  readonly random: (below: number) => number
  readonly isUnclean: boolean
  elections = 0
  restarts = 0

  constructor(seed: number, isUnclean: boolean) {
    this.random = new Random(seed).below
    this.world = new World(NODES, { keepsSessions: seed % 3 > 0 })
    this.isUnclean = isUnclean
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[this.random(Math.max(from.length, 1))]
  }

  async elect(): Promise<void> {
    const { world } = this
    await world.noted()
    const leader = this.pick(this.isUnclean && this.random(3) === 0 ? world.live : world.isr.filter((id) => world.node(id).isUp))
    if (leader === undefined) return
    const isClean = world.isr.includes(leader)
    world.elect(leader)
    this.elections++
    if (isClean) await checkHasCommitted(world, leader)
    else world.committed = []
    // Some are told later, or only of the epoch after this one.
    for (const { id } of world.nodes) if (this.random(4) > 0) await world.tell(id)
  }

  async crash(): Promise<void> {
    const { world } = this
    const id = this.pick(world.live)
    if (id === undefined || world.live.length < 2) return
    await world.kill(id)
    if (id !== world.leader) return
    world.leader = -1
    await this.elect()
  }

  async restart(): Promise<void> {
    const { world } = this
    const id = this.pick(world.nodes.filter(({ isUp }) => !isUp).map((node) => node.id))
    if (id === undefined) return
    await world.boot(id)
    this.restarts++
    if (world.leader < 0) await this.elect()
    await world.tell(id)
  }

  async step(): Promise<void> {
    const { world, random } = this
    const [a, b] = [random(NODES), random(NODES)]
    const actions: (readonly [weight: number, act: () => unknown])[] = [
      [
        8,
        () => {
          for (let i = random(3); i >= 0; i--) world.append(1 + random(4))
        },
      ],
      [1, () => world.appendAsZombie(a, 1)],
      [1, () => this.elect()],
      [1, () => this.crash()],
      [2, () => this.restart()],
      [1, () => a !== b && world.cut(a, b)],
      [1, () => a !== b && world.heal(a, b)],
      [1, () => world.shrink(a)],
      [1, () => world.node(a).isUp && world.node(a).machine.manager!.writeHighWatermarks()],
      [1, () => world.tell(a)],
      [2, () => undefined],
    ]
    await this.pick(actions.flatMap(([weight, act]) => Array.from({ length: weight }, () => act)))!()
    if (random(3) > 0) await world.advance([0, 1, 15, 60][random(4)]!)
  }

  async heal(): Promise<void> {
    const { world } = this
    for (const { id, isUp } of world.nodes) if (!isUp) await world.boot(id)
    for (const { id } of world.nodes) for (const other of world.nodes) if (id !== other.id) world.heal(id, other.id)
    if (world.leader < 0) await this.elect()
    for (const { id } of world.nodes) await world.tell(id)
    world.append(1)
    await world.advance(15_000)
  }
}

/** One seed, from the first election until all logs are equal again. Throws with the seed. */
export const runSeed = async (seed: number, { isUnclean, steps }: { isUnclean: boolean; steps: number }): Promise<Run> => {
  const run = new Run(seed, isUnclean)
  const { world } = run
  try {
    await world.start()
    await run.elect()
    for (let step = 0; step < steps; step++) {
      await run.step()
      if (step % 10 === 0) await checkEqual(world)
    }
    await run.heal()
    await checkEqual(world)
    const logs = await Promise.all(world.nodes.map(({ log }) => stored(log)))
    expect(logs[1]).toEqual(logs[0])
    expect(logs[2]).toEqual(logs[0])
    await checkHasCommitted(world, 0)
    return run
  } catch (error) {
    throw new Error(`seed ${seed}`, { cause: error })
  } finally {
    await world.stop()
  }
}
