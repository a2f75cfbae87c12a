import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { ClusterClient } from '../../src/client/cluster-client.ts'
import { offsetFetch } from '../../src/protocol/api/09-offset-fetch.ts'
import { findCoordinator } from '../../src/protocol/api/10-find-coordinator.ts'
import { eventually } from '../support/net.ts'
import { type Kind, MixedCluster } from './mixed-cluster.ts'
import { complaints, type Stored, Traffic } from './traffic.ts'

const IDS = [1, 2, 3]
/** Each broker is the first replica of one partition. */
export const SPREAD: readonly (readonly number[])[] = [
  [1, 2, 3],
  [2, 3, 1],
  [3, 1, 2],
]
const LOOK_AGAIN_MS = 1000

/** All records of a topic, as kcat reads them. */
export const storedIn = (bootstrap: string, topic: string): Stored[] => {
  const args = ['-b', bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%p %o %s\n']
  const { status, stdout, stderr } = spawnSync('kcat', args, { encoding: 'utf8', timeout: 60_000, maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error(stderr)
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [partition, offset, value] = line.split(' ')
      return { partition: Number(partition), offset: Number(offset), value: value! }
    })
}

/** The bytes of a partition's segments, one after the other. */
export const logBytes = (logDir: string, topic: string, partition: number): Buffer => {
  const directory = join(logDir, `${topic}-${partition}`)
  const segments = readdirSync(directory).filter((name) => name.endsWith('.log'))
  return Buffer.concat(segments.toSorted().map((name) => readFileSync(join(directory, name))))
}

/** Asks a group's coordinator again and again what is committed, and notes when that went back for longer than a coordinator's move takes to be known. */
class CommitWatch {
  readonly regressions: string[] = []
  looks = 0
  readonly #client: ClusterClient
  readonly #group: string
  readonly #topic: string
  readonly #highest = new Map<number, number>()
  #isOver = false
  readonly #loop: Promise<void>

  constructor(client: ClusterClient, group: string, topic: string) {
    this.#client = client
    this.#group = group
    this.#topic = topic
    this.#loop = this.#watch()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#loop
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const lower = await this.#lower()
      if (lower.length > 0) {
        await sleep(LOOK_AGAIN_MS)
        const still = new Set((await this.#lower()).map(({ partition }) => partition))
        for (const { partition, offset, before } of lower) {
          if (still.has(partition)) this.regressions.push(`${this.#topic}-${partition}: ${before} was committed, now it is ${offset}`)
        }
      }
      await sleep(100)
    }
  }

  /** Where the group stands lower than it stood; nothing while no coordinator answers. */
  async #lower(): Promise<{ partition: number; offset: number; before: number }[]> {
    try {
      const { nodeId } = await this.#client.anyBroker(findCoordinator, { key: this.#group, keyType: 0 })
      const request = { groupId: this.#group, topics: [{ name: this.#topic, partitionIndexes: [...SPREAD.keys()] }], requireStable: false }
      const answer = await this.#client.broker(nodeId, offsetFetch, request)
      if (answer.errorCode !== 0) return []
      this.looks++
      return answer.topics[0]!.partitions.flatMap(({ partitionIndex, committedOffset, errorCode }) => {
        if (errorCode !== 0) return []
        const [offset, before] = [Number(committedOffset), this.#highest.get(partitionIndex) ?? -1]
        this.#highest.set(partitionIndex, Math.max(before, offset))
        return offset < before ? [{ partition: partitionIndex, offset, before }] : []
      })
    } catch {
      // A coordinator that is gone, or one that is not known yet.
      return []
    }
  }
}

export type ExchangeOptions = { rounds: number; pauseMs: number; hasGo: boolean }

/**
 * Three brokers of Apache are exchanged for ours one after the other, and back, `rounds` times, while clients write and read. In the middle of each way the
 * controller, which is the last of its kind, is killed and comes back as a neighbour under the other kind's controller.
 */
export const exchange = async ({ rounds, pauseMs, hasGo }: ExchangeOptions): Promise<void> => {
  Traffic.prepare(hasGo)
  const cluster = await MixedCluster.start(['apache', 'apache', 'apache'])
  const traffics = new Map<string, Traffic>()
  const watches: CommitWatch[] = []
  try {
    for (const topic of hasGo ? ['java', 'go'] : ['java']) {
      await cluster.createTopic(topic, SPREAD)
      const start = topic === 'go' ? Traffic.franzGo : Traffic.java
      traffics.set(topic, start(cluster.bootstrap, topic, SPREAD.length, pauseMs))
      watches.push(new CommitWatch(cluster.client, `${topic}-group`, topic))
    }
    for (let round = 0; round < rounds; round++) {
      await oneWay(cluster, traffics, 'ours')
      await oneWay(cluster, traffics, 'apache')
    }
    await judge(cluster, traffics, watches)
  } finally {
    for (const traffic of traffics.values()) traffic.kill()
    await Promise.all(watches.map((watch) => watch.end()))
    await cluster.end()
  }
}

/** From a cluster of the other kind to one of `to` only. */
const oneWay = async (cluster: MixedCluster, traffics: ReadonlyMap<string, Traffic>, to: Kind): Promise<void> => {
  const from = to === 'ours' ? 'apache' : 'ours'
  await settle(cluster)
  const last = await cluster.controller()
  for (const id of IDS.filter((one) => one !== last)) {
    await goOn(traffics)
    await cluster.stop(id)
    await cluster.seat(id, to)
    await settle(cluster)
  }
  expect([await cluster.controller(), cluster.kindOf(last)]).toEqual([last, from])
  await goOn(traffics)
  await cluster.kill(last)
  await eventually(async () => ![-1, last].includes(await cluster.controller()), { timeoutMs: 20_000, what: 'another controller' })
  await goOn(traffics)
  await cluster.seat(last, from)
  await settle(cluster)
  expect(cluster.kindOf(await cluster.controller())).toBe(to)
  await goOn(traffics)
  await cluster.stop(last)
  await cluster.seat(last, to)
  await settle(cluster)
}

/** All replicas are in sync, and every broker leads, so that both kinds do where there are both. */
const settle = async (cluster: MixedCluster): Promise<void> => {
  await cluster.untilInSync(IDS.length)
  await cluster.electPreferred()
  for (const topic of (await cluster.session.children('/brokers/topics')).children.filter((name) => !name.startsWith('__'))) {
    await eventually(async () => (await cluster.leaders(topic)).join() === IDS.join(), { what: `each leads a partition of ${topic}` })
  }
}

/** Writing and reading go on from here. */
const goOn = async (traffics: ReadonlyMap<string, Traffic>): Promise<void> => {
  for (const [topic, traffic] of traffics) {
    const before = await traffic.counts()
    let now = before
    await eventually(
      async () => {
        now = await traffic.counts()
        return now.acked > before.acked + 20 && now.polled > before.polled + 20
      },
      { timeoutMs: 30_000, everyMs: 50 },
    ).catch((error: unknown) => {
      throw new Error(`${topic} went from ${JSON.stringify(before)} to ${JSON.stringify(now)} in 30 s\n${traffic.notes()}`, {
        cause: error,
      })
    })
  }
}

const judge = async (cluster: MixedCluster, traffics: ReadonlyMap<string, Traffic>, watches: readonly CommitWatch[]): Promise<void> => {
  const accounts = new Map(await Promise.all([...traffics].map(async ([topic, traffic]) => [topic, await traffic.end()] as const)))
  await Promise.all(watches.map((watch) => watch.end()))
  expect(watches.flatMap(({ regressions }) => regressions)).toEqual([])
  for (const { looks } of watches) expect(looks).toBeGreaterThan(20)
  for (const [topic, account] of accounts) {
    expect(account.acked.length).toBeGreaterThan(500)
    expect(account.committed.length).toBeGreaterThan(50)
    expect(complaints(account, storedIn(cluster.bootstrap, topic)).slice(0, 10)).toEqual([])
  }
  await cluster.untilInSync(IDS.length)
  for (const id of IDS) await cluster.stop(id)
  for (const topic of accounts.keys()) {
    for (const partition of SPREAD.keys()) {
      const [first, ...others] = IDS.map((id) => logBytes(cluster.logDir(id), topic, partition))
      expect(first!.length).toBeGreaterThan(10_000)
      expect(others.map((bytes) => bytes.equals(first!))).toEqual([true, true])
    }
  }
}
