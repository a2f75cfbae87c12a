import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { controllerZnode } from '../../src/broker/metadata/znodes/controller.ts'
import { partitionStateZnode } from '../../src/broker/metadata/znodes/partition-state.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { PartitionAdmin } from '../../src/client/partition-admin.ts'
import { createTopics } from '../../src/protocol/api/index.ts'
import { errorName } from '../../src/protocol/errors.ts'
import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { isZooKeeperError } from '../../src/zookeeper/errors.ts'
import { type ApacheServer, removeDirectory, startApacheKafka, startApacheZooKeeper, temporaryDirectory } from '../support/apache.ts'
import { eventually, freePort } from '../support/net.ts'
import { Program } from '../support/ours.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

export type Kind = 'apache' | 'ours'
type Running = { kind: Kind; stop(): Promise<unknown>; kill(): Promise<unknown>; output(): string }
type Seat = { id: number; port: number; directory: string; running: Running | undefined }

const SESSION_MS = 3000
const LINES = [
  `zookeeper.session.timeout.ms=${SESSION_MS}`,
  'replica.lag.time.max.ms=5000',
  'auto.leader.rebalance.enable=false',
  'auto.create.topics.enable=false',
  'min.insync.replicas=2',
  'default.replication.factor=3',
  'offsets.topic.replication.factor=3',
  'offsets.topic.num.partitions=5',
  'group.initial.rebalance.delay.ms=0',
  'controlled.shutdown.retry.backoff.ms=500',
]

/** Brokers on one Apache ZooKeeper 3.5.9, each of Apache Kafka 2.6.3 or ours; who sits on an id changes, its port and data directory do not. */
export class MixedCluster {
  readonly seats: readonly Seat[]
  readonly session: ZooKeeperClient
  readonly client: ClusterClient
  readonly #zookeeper: ApacheServer
  readonly #lines: readonly string[]

  private constructor(zookeeper: ApacheServer, session: ZooKeeperClient, seats: readonly Seat[], lines: readonly string[]) {
    this.#zookeeper = zookeeper
    this.#lines = lines
    this.session = session
    this.seats = seats
    const bootstrap = seats.map(({ port }) => ({ host: '127.0.0.1', port }))
    this.client = new ClusterClient({ bootstrap, clientId: 'mixed', clock: monotonicClock, logger: silentLogger, timeoutMs: 15_000 })
  }

  /** With ids from 1 on. `lines`: more of server.properties. */
  static async start(kinds: readonly Kind[], lines: readonly string[] = []): Promise<MixedCluster> {
    const zookeeper = await startApacheZooKeeper('zookeeper-3.5.9')
    const session = await zooKeeperAt(zookeeper.port, { connectTimeoutMs: 30_000 }).catch(async (error: Error) => {
      await zookeeper.kill()
      throw new Error(`${error.message}\n${zookeeper.output()}`)
    })
    const seats: Seat[] = []
    for (const index of kinds.keys()) {
      const directory = temporaryDirectory(`mixed-${index + 1}`)
      seats.push({ id: index + 1, port: await freePort(), directory, running: undefined })
    }
    const cluster = new MixedCluster(zookeeper, session, seats, lines)
    try {
      // The first one makes the znodes that several at once would trip over.
      await cluster.seat(1, kinds[0]!)
      await Promise.all(seats.slice(1).map(({ id }) => cluster.seat(id, kinds[id - 1]!)))
      await cluster.untilAllKnown()
    } catch (error) {
      await cluster.end()
      throw error
    }
    return cluster
  }

  get bootstrap(): string {
    return this.seats.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }
  get zookeeper(): string {
    return this.#zookeeper.connect
  }

  at(id: number): Seat {
    return this.seats.find((seat) => seat.id === id)!
  }
  logDir(id: number): string {
    return join(this.at(id).directory, 'logs')
  }
  kindOf(id: number): Kind | undefined {
    return this.at(id).running?.kind
  }
  idsOf(kind: Kind): number[] {
    return this.seats.filter(({ running }) => running?.kind === kind).map(({ id }) => id)
  }

  /** Starts a broker of that kind on the id's directory. */
  async seat(id: number, kind: Kind): Promise<void> {
    const seat = this.at(id)
    seat.running = kind === 'apache' ? await this.#apache(seat) : await this.#ours(seat)
  }
  /** SIGTERM, and the wait for the end. */
  async stop(id: number): Promise<void> {
    const { running } = this.at(id)
    this.at(id).running = undefined
    await running?.stop()
  }
  async kill(id: number): Promise<void> {
    const { running } = this.at(id)
    this.at(id).running = undefined
    await running?.kill()
  }

  async controller(): Promise<number> {
    try {
      return controllerZnode.decode((await this.session.get(controllerZnode.path)).data!)
    } catch (error) {
      if (isZooKeeperError(error, 'NO_NODE')) return -1
      throw error
    }
  }
  async state(topic: string, partition: number) {
    const { data } = await this.session.get(partitionStateZnode.path(topic, partition))
    return partitionStateZnode.decode(topic, partition, data!)
  }
  async partitions(topic: string): Promise<number[]> {
    const { children } = await this.session.children(`/brokers/topics/${topic}/partitions`)
    return children.map(Number).toSorted((a, b) => a - b)
  }
  async leaders(topic: string): Promise<number[]> {
    const states = (await this.partitions(topic)).map((partition) => this.state(topic, partition))
    return (await Promise.all(states)).map(({ leader }) => leader)
  }

  async createTopic(name: string, replicas: readonly (readonly number[])[]): Promise<void> {
    const assignments = replicas.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] }))
    const wanted = { name, numPartitions: -1, replicationFactor: -1, assignments, configs: [] }
    const { topics } = await this.client.controller(createTopics, { topics: [wanted], timeoutMs: 20_000 })
    const { errorCode, errorMessage } = topics[0]!
    if (errorCode !== 0) throw new Error(`${name}: ${errorName(errorCode)} ${errorMessage}`)
    await this.untilInSync(replicas[0]!.length)
  }

  async untilAllKnown(): Promise<void> {
    const count = this.seats.filter(({ running }) => running).length
    await eventually(async () => (await this.client.brokers()).brokers.length === count, {
      timeoutMs: 30_000,
      what: 'all brokers are known',
    })
  }

  /** Every partition has a leader and so many replicas in sync. */
  async untilInSync(count: number): Promise<void> {
    await eventually(
      async () => {
        for (const topic of (await this.session.children('/brokers/topics')).children) {
          for (const partition of await this.partitions(topic)) {
            const { leader, isr } = await this.state(topic, partition)
            if (leader < 0 || isr.length < count) return false
          }
        }
        return true
      },
      { timeoutMs: 40_000, everyMs: 50, what: `${count} in sync` },
    )
  }

  /** Gives every partition back to the replica that stands first. */
  async electPreferred(): Promise<void> {
    await eventually(
      async () => {
        const outcomes = await new PartitionAdmin(this.client).electLeaders('PREFERRED', null)
        return [...outcomes.values()].every((refusal) => !refusal || refusal.error === 'ELECTION_NOT_NEEDED')
      },
      { timeoutMs: 20_000, everyMs: 200, what: 'preferred leaders' },
    )
  }

  async end(): Promise<void> {
    this.client.close()
    await Promise.all(this.seats.map(({ id }) => this.kill(id)))
    await this.session.close()
    await this.#zookeeper.kill()
    for (const { directory } of this.seats) removeDirectory(directory)
    removeDirectory(this.#zookeeper.dataDir)
  }

  async #apache({ id, port, directory }: Seat): Promise<Running> {
    const extra = [...LINES, 'transaction.state.log.replication.factor=3', ...this.#lines]
    const server = await startApacheKafka({ zookeeper: this.zookeeper, id, port, dataDir: directory, extra, jvm: ['-Xmx256m'] })
    return { kind: 'apache', ...server }
  }

  async #ours({ id, port, directory }: Seat): Promise<Running> {
    const lines = [
      `broker.id=${id}`,
      `listeners=PLAINTEXT://127.0.0.1:${port}`,
      `log.dirs=${join(directory, 'logs')}`,
      `zookeeper.connect=${this.zookeeper}`,
      ...LINES,
      ...this.#lines,
    ]
    mkdirSync(directory, { recursive: true })
    const file = join(directory, 'ours.properties')
    writeFileSync(file, `${lines.join('\n')}\n`)
    const program = new Program(['broker', file])
    await program.logged('broker serves')
    return { kind: 'ours', stop: () => program.stop(), kill: () => program.kill(), output: () => program.output }
  }
}
