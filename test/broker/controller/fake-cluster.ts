import { monotonicClock, wallClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { configZnode } from '../../../src/broker/metadata/znodes/config.ts'
import { controllerZnode } from '../../../src/broker/metadata/znodes/controller.ts'
import { type LeaderAndIsr, partitionStateZnode } from '../../../src/broker/metadata/znodes/partition-state.ts'
import { makeRoots } from '../../../src/broker/metadata/znodes/roots.ts'
import { deleteTopicZnode, topicZnode } from '../../../src/broker/metadata/znodes/topic.ts'
import { EmbeddedZooKeeper } from '../../../src/embedded-zookeeper/server.ts'
import { parseZooConfig } from '../../../src/embedded-zookeeper/zoo-cfg.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { isZooKeeperError } from '../../../src/zookeeper/errors.ts'
import { MemoryDisk } from '../../support/memory-disk.ts'
import { freePort } from '../../support/net.ts'
import { connect, FakeBroker, until } from './fake-broker.ts'

const NONE = new Map<number, number[]>()
export type State = LeaderAndIsr & { version: number }

/** The embedded ZooKeeper in memory, and brokers that only listen to the controller. */
export class FakeCluster {
  readonly brokers = new Map<number, FakeBroker>()
  readonly #server: EmbeddedZooKeeper
  readonly #properties: Readonly<Record<string, string>>
  /** A session of the test's own. */
  readonly zookeeper: ZooKeeperClient

  private constructor(server: EmbeddedZooKeeper, zookeeper: ZooKeeperClient, properties: Readonly<Record<string, string>>) {
    this.#server = server
    this.zookeeper = zookeeper
    this.#properties = properties
  }

  /** The first broker is the controller; the others stand when it is gone. */
  static async start(ids: readonly number[], properties: Readonly<Record<string, string>> = {}): Promise<FakeCluster> {
    const config = parseZooConfig(
      `tickTime=500\ndataDir=/zk\nclientPort=${await freePort()}\nclientPortAddress=127.0.0.1\nmaxClientCnxns=0`,
    )
    const clocks = { monotonic: monotonicClock, wall: wallClock }
    const server = await EmbeddedZooKeeper.start({ config, disk: new MemoryDisk(), clocks, logger: silentLogger })
    const zookeeper = await connect(server.port)
    await makeRoots(zookeeper)
    const cluster = new FakeCluster(server, zookeeper, properties)
    for (const id of ids) await cluster.add(id)
    await cluster.untilControlled()
    return cluster
  }

  get port(): number {
    return this.#server.port
  }

  broker(id: number): FakeBroker {
    return this.brokers.get(id)!
  }

  async add(id: number, options: { isCandidate?: boolean } = { isCandidate: true }): Promise<FakeBroker> {
    const broker = this.brokers.get(id) ?? new FakeBroker(id, this.#server.port, this.#properties)
    this.brokers.set(id, broker)
    return broker.start(options)
  }

  /** The process ends, and its session with it, whether or not it was connected. */
  async kill(id: number): Promise<void> {
    const broker = this.broker(id)
    const { sessionId } = broker.zookeeper
    await broker.die()
    this.#server.closeSession(sessionId)
  }

  /** Where a broker's session is carried, to be cut. */
  connectionsOf(broker: FakeBroker): { destroy(): void }[] {
    return [...this.#server.connections].filter(({ sessionId }) => sessionId === broker.zookeeper.sessionId)
  }

  async controllerId(): Promise<number | undefined> {
    try {
      return controllerZnode.decode((await this.zookeeper.get(controllerZnode.path)).data!)
    } catch (error) {
      if (isZooKeeperError(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  /** The active controller's broker, once there is one and it has done all that was asked so far. */
  async untilControlled(): Promise<FakeBroker> {
    let controller: FakeBroker | undefined
    await until('a controller', async () => {
      const id = await this.controllerId()
      controller = id === undefined ? undefined : this.brokers.get(id)
      return controller?.controller?.term !== undefined
    })
    await controller!.controller!.term!.settled().catch(() => {})
    return controller!
  }

  async create(topic: string, assignment: Record<number, number[]>, config: Record<string, string> = {}): Promise<void> {
    const replicas = new Map(Object.entries(assignment).map(([partition, ids]) => [Number(partition), ids]))
    await this.zookeeper.create(configZnode.path('topics', topic), configZnode.encode(new Map(Object.entries(config)))).catch(() => {})
    await this.zookeeper.create(topicZnode.path(topic), topicZnode.encode({ replicas, adding: NONE, removing: NONE }))
  }

  async grow(topic: string, assignment: Record<number, number[]>): Promise<void> {
    const replicas = new Map(Object.entries(assignment).map(([partition, ids]) => [Number(partition), ids]))
    await this.zookeeper.set(topicZnode.path(topic), topicZnode.encode({ replicas, adding: NONE, removing: NONE }), -1)
  }

  async delete(topic: string): Promise<void> {
    await this.zookeeper.create(deleteTopicZnode.path(topic), null)
  }

  async exists(topic: string): Promise<boolean> {
    return (await this.zookeeper.exists(topicZnode.path(topic))) !== undefined
  }

  async state(topic: string, partition: number): Promise<State | undefined> {
    try {
      const { data, stat } = await this.zookeeper.get(partitionStateZnode.path(topic, partition))
      return { ...partitionStateZnode.decode(topic, partition, data!), version: stat.version }
    } catch (error) {
      if (isZooKeeperError(error, 'NO_NODE')) return undefined
      throw error
    }
  }

  /** As a leader changes the in-sync set; false when somebody else was faster. */
  async changeIsr(topic: string, partition: number, isr: number[]): Promise<boolean> {
    const state = (await this.state(topic, partition))!
    try {
      const data = partitionStateZnode.encode({ ...state, isr })
      await this.zookeeper.set(partitionStateZnode.path(topic, partition), data, state.version)
      return true
    } catch (error) {
      if (isZooKeeperError(error, 'BAD_VERSION')) return false
      throw error
    }
  }

  async untilState(topic: string, partition: number, expected: Partial<State>): Promise<State> {
    let state: State | undefined
    const matches = async () => {
      state = await this.state(topic, partition)
      return (
        state !== undefined &&
        Object.entries(expected).every(([key, value]) => JSON.stringify(state![key as keyof State]) === JSON.stringify(value))
      )
    }
    await until(`${topic}-${partition} is ${JSON.stringify(expected)}`, matches).catch((error: Error) => {
      throw new Error(`${error.message}, it is ${JSON.stringify(state)}`)
    })
    return state!
  }

  async stop(): Promise<void> {
    for (const broker of this.brokers.values()) await broker.die().catch(() => {})
    await this.zookeeper.close()
    await this.#server.stop()
  }
}
