import type { ZooKeeperClient } from '../../src/zookeeper/client.ts'
import { zooKeeperAt } from '../support/zookeeper-client.ts'

export type PartitionState = { leader: number; leaderEpoch: number; isr: readonly number[]; writtenZxid: bigint }
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
    this.#client = zooKeeperAt(this.#port, { connectTimeoutMs: 2000 })
    return this.#client
  }

  async #read(path: string): Promise<{ json: unknown; writtenZxid: bigint }> {
    const { data, stat } = await (await this.#connected()).get(path)
    return { json: JSON.parse(data?.toString('utf8') ?? 'null'), writtenZxid: stat.mzxid }
  }

  async partitionState(topic: string, partition: number): Promise<PartitionState> {
    const { json, writtenZxid } = await this.#read(`/brokers/topics/${topic}/partitions/${partition}/state`)
    const state = json as { leader: number; leader_epoch: number; isr: number[] }
    return { leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr, writtenZxid }
  }

  /** By partition; `isMoving` while replicas are added or removed. */
  async assignment(topic: string): Promise<{ replicas: ReadonlyMap<number, readonly number[]>; isMoving: boolean }> {
    const node = (await this.#read(`/brokers/topics/${topic}`)).json as TopicNode
    const isMoving = [node.adding_replicas, node.removing_replicas].some((moving) => Object.keys(moving ?? {}).length > 0)
    return { replicas: new Map(Object.entries(node.partitions).map(([partition, ids]) => [Number(partition), ids])), isMoving }
  }

  async liveBrokers(): Promise<number[]> {
    return (await (await this.#connected()).children('/brokers/ids')).children.map(Number)
  }

  /** By broker: the zxid at which it registered. */
  async registrations(): Promise<ReadonlyMap<number, bigint>> {
    const client = await this.#connected()
    const { children } = await client.children('/brokers/ids')
    const stats = await Promise.all(children.map(async (id) => [Number(id), await client.exists(`/brokers/ids/${id}`)] as const))
    return new Map(stats.flatMap(([id, stat]) => (stat ? [[id, stat.czxid] as const] : [])))
  }

  /** Another election, as an administrator forces one. */
  async removeController(): Promise<void> {
    await (await this.#connected()).delete('/controller', -1)
  }

  async close(): Promise<void> {
    await (await this.#client?.catch(() => undefined))?.close()
  }
}
