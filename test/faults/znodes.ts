import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ZooKeeperClient } from '../../src/zookeeper/client.ts'

export type PartitionState = { leader: number; leaderEpoch: number; isr: readonly number[] }
type TopicNode = { partitions: Record<string, readonly number[]>; adding_replicas?: object; removing_replicas?: object }

/** What ZooKeeper holds about the cluster, asked past all links. Calls reject while ZooKeeper is away. */
export class Znodes {
  readonly #port: number
  #client: Promise<ZooKeeperClient> | undefined

  constructor(port: number) {
    this.#port = port
  }

  async #connected(): Promise<ZooKeeperClient> {
    const known = await this.#client?.catch(() => undefined)
    if (known?.state === 'CONNECTED') return known
    await known?.close()
    this.#client = ZooKeeperClient.connect({
      servers: [{ host: '127.0.0.1', port: this.#port }],
      sessionTimeoutMs: 10_000,
      connectTimeoutMs: 2000,
      clock: monotonicClock,
      logger: silentLogger,
    })
    return this.#client
  }

  async #json(path: string): Promise<unknown> {
    const { data } = await (await this.#connected()).get(path)
    return JSON.parse(data?.toString('utf8') ?? 'null')
  }

  async partitionState(topic: string, partition: number): Promise<PartitionState> {
    const state = (await this.#json(`/brokers/topics/${topic}/partitions/${partition}/state`)) as {
      leader: number
      leader_epoch: number
      isr: number[]
    }
    return { leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr }
  }

  /** By partition; `isMoving` while replicas are added or removed. */
  async assignment(topic: string): Promise<{ replicas: ReadonlyMap<number, readonly number[]>; isMoving: boolean }> {
    const node = (await this.#json(`/brokers/topics/${topic}`)) as TopicNode
    const isMoving = [node.adding_replicas, node.removing_replicas].some((moving) => Object.keys(moving ?? {}).length > 0)
    return { replicas: new Map(Object.entries(node.partitions).map(([partition, ids]) => [Number(partition), ids])), isMoving }
  }

  async liveBrokers(): Promise<number[]> {
    return (await (await this.#connected()).children('/brokers/ids')).children.map(Number)
  }

  /** Another election, as an administrator forces one. */
  async removeController(): Promise<void> {
    await (await this.#connected()).delete('/controller', -1)
  }

  async close(): Promise<void> {
    await (await this.#client?.catch(() => undefined))?.close()
  }
}
