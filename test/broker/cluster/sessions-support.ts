import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../../../src/base/clock.ts'
import { silentLogger } from '../../../src/base/logger.ts'
import { Admin } from '../../../src/client/admin.ts'
import { ClusterClient } from '../../../src/client/cluster-client.ts'
import { KafkaConnection } from '../../../src/client/connection.ts'
import { fetch } from '../../../src/protocol/api/01-fetch.ts'
import { produce } from '../../../src/protocol/api/00-produce.ts'
import { errorName } from '../../../src/protocol/errors.ts'
import { batches } from '../../../src/protocol/records/record-batch.ts'
import { records as recordsOf } from '../../../src/protocol/records/record.ts'
import type { ZooKeeperClient } from '../../../src/zookeeper/client.ts'
import { Link } from '../../faults/link.ts'
import { batchOf } from '../../support/batches.ts'
import { eventually } from '../../support/net.ts'
import { type OurBroker, type OurZooKeeper, startOurBroker, startOurZooKeeper } from '../../support/ours.ts'
import { zooKeeperAt } from '../../support/zookeeper-client.ts'

export const SESSION_TIMEOUT_MS = 2500
export const TOPIC = 'safe'

export type PartitionNow = { partition: number; leader: number; leaderEpoch: number; isr: number[]; controllerEpoch: number }
/** What became of a value: its offset, or the error's name. */
export type Sent = { value: string; offset: number } | { value: string; error: string }

/** Three brokers as processes, with short sessions, on one ZooKeeper. */
export class SessionCluster {
  readonly zookeeper: OurZooKeeper
  readonly brokers: readonly OurBroker[]
  /** From each broker to ZooKeeper. */
  readonly links: readonly Link[]
  readonly client: ClusterClient
  readonly znodes: ZooKeeperClient

  private constructor(zookeeper: OurZooKeeper, { brokers, links }: Pick<SessionCluster, 'brokers' | 'links'>, znodes: ZooKeeperClient) {
    this.zookeeper = zookeeper
    this.brokers = brokers
    this.links = links
    this.znodes = znodes
    const bootstrap = brokers.map(({ port }) => ({ host: '127.0.0.1', port }))
    this.client = new ClusterClient({ bootstrap, clientId: 'sessions', clock: monotonicClock, logger: silentLogger, timeoutMs: 2000 })
  }

  static async start(): Promise<SessionCluster> {
    const zookeeper = await startOurZooKeeper()
    const extra = [
      `zookeeper.session.timeout.ms=${SESSION_TIMEOUT_MS}`,
      'replica.lag.time.max.ms=3000',
      'min.insync.replicas=2',
      'auto.leader.rebalance.enable=false',
      // The last brokers to stop have nobody to hand over to, and would ask again and again.
      'controlled.shutdown.enable=false',
    ]
    const links = await Promise.all([0, 1, 2].map(() => Link.open(0, zookeeper.port)))
    const starting = links.map(({ port }, id) => startOurBroker({ id, zookeeper: `127.0.0.1:${port}`, extra }))
    const brokers = await Promise.all(starting).catch(async (error: unknown) => {
      for (const start of await Promise.allSettled(starting)) if (start.status === 'fulfilled') await start.value.stop()
      for (const link of links) await link.close()
      await zookeeper.stop()
      throw error
    })
    const znodes = await zooKeeperAt(zookeeper.port, { sessionTimeoutMs: 10_000, connectTimeoutMs: 10_000 })
    const cluster = new SessionCluster(zookeeper, { brokers, links }, znodes)
    await eventually(async () => (await cluster.client.brokers()).brokers.length === 3)
    const made = await new Admin(cluster.client).createTopics([{ name: TOPIC, partitions: 3, replicationFactor: 3 }])
    if ([...made.values()].some(Boolean)) throw [...made.values()].find(Boolean)!
    await cluster.healed()
    return cluster
  }

  async stop(): Promise<void> {
    this.client.close()
    await this.znodes.close()
    for (const { program } of this.brokers) program.signal('SIGCONT')
    await Promise.all(this.brokers.map((broker) => broker.stop()))
    await Promise.all(this.links.map((link) => link.close()))
    await this.zookeeper.stop()
  }

  async states(): Promise<PartitionNow[]> {
    return Promise.all(
      [0, 1, 2].map(async (partition) => {
        const { data } = await this.znodes.get(`/brokers/topics/${TOPIC}/partitions/${partition}/state`)
        const state = JSON.parse(String(data)) as { leader: number; leader_epoch: number; isr: number[]; controller_epoch: number }
        return { partition, leader: state.leader, leaderEpoch: state.leader_epoch, isr: state.isr, controllerEpoch: state.controller_epoch }
      }),
    )
  }
  async healed(timeoutMs = 20_000): Promise<void> {
    await eventually(async () => (await this.states()).every(({ leader, isr }) => leader >= 0 && isr.length === 3), {
      timeoutMs,
      what: 'all replicas are in sync',
    })
  }
  async controller(): Promise<number> {
    const { data } = await this.znodes.get('/controller')
    return (JSON.parse(String(data)) as { brokerid: number }).brokerid
  }

  connect(brokerId: number, timeoutMs = 30_000): Promise<KafkaConnection> {
    return KafkaConnection.open({
      host: '127.0.0.1',
      port: this.brokers[brokerId]!.port,
      clientId: 'sessions',
      clock: monotonicClock,
      timeoutMs,
    })
  }

  /** What the leader has, by offset, up to the high watermark. A broker may learn of its leadership later than ZooKeeper. */
  read(partition: number): Promise<Map<number, string>> {
    return eventually(() => this.#read(partition), { what: 'the leader serves' })
  }

  async #read(partition: number): Promise<Map<number, string>> {
    const leader = (await this.states())[partition]!.leader
    const connection = await this.connect(leader)
    const found = new Map<number, string>()
    try {
      for (let offset = 0; ;) {
        const topics = [{ name: TOPIC, fetchPartitions: [{ partitionIndex: partition, fetchOffset: offset, maxBytes: 4_000_000 }] }]
        const answer = await connection.request(fetch, { replicaId: -1, maxWait: 0, minBytes: 1, topics })
        const { records: bytes, errorCode, highWatermark } = answer.topics[0]!.partitions[0]!
        if (errorCode !== 0)
          throw new Error(`${errorName(errorCode)} at ${offset} of partition ${partition} on ${leader}, found ${found.size}`)
        for (const batch of bytes ? batches(bytes) : [])
          for (const record of recordsOf(batch)) {
            found.set(Number(record.offset), String(record.value))
            offset = Number(record.offset) + 1
          }
        if (offset >= Number(highWatermark)) return found
      }
    } finally {
      connection.close()
    }
  }
}

export const send = async (connection: KafkaConnection, partition: number, value: string, acks: -1 | 1): Promise<Sent> => {
  const records = batchOf([value])
  const topics = [{ name: TOPIC, partitions: [{ partitionIndex: partition, records }] }]
  try {
    const { responses } = await connection.request(produce, { acks, timeoutMs: 20_000, topics })
    const { errorCode, baseOffset } = responses[0]!.partitions[0]!
    return errorCode === 0 ? { value, offset: Number(baseOffset) } : { value, error: errorName(errorCode) }
  } catch (error) {
    return { value, error: (error as Error).message }
  }
}

/**
 * Sends to every leader with acks=all while ZooKeeper is stopped for `awayMs`, then lets the cluster heal. `counts`: what was acknowledged, by partition; `lost`: what of it is not at its
 * offset afterwards.
 */
export const sendWithoutZooKeeper = async (
  cluster: SessionCluster,
  awayMs: number,
): Promise<{ counts: number[]; refused: Sent[]; lost: Sent[] }> => {
  const states = await cluster.states()
  const connections = await Promise.all(states.map(({ leader }) => cluster.connect(leader)))
  const endsMs = performance.now() + awayMs
  cluster.zookeeper.program.signal('SIGSTOP')
  const sent = await Promise.all(
    states.map(async ({ partition }) => {
      const all: Sent[] = []
      while (performance.now() < endsMs) {
        all.push(await send(connections[partition]!, partition, `away-${partition}-${all.length}`, -1))
        await sleep(20)
      }
      return all
    }),
  )
  cluster.zookeeper.program.signal('SIGCONT')
  for (const connection of connections) connection.close()
  await eventually(async () => (await cluster.znodes.children('/brokers/ids')).children.length === 3, { timeoutMs: 20_000 })
  await cluster.healed(30_000)
  const found = await Promise.all(states.map(({ partition }) => cluster.read(partition)))
  return {
    counts: sent.map((all) => all.length),
    refused: sent.flat().filter((one) => 'error' in one),
    lost: sent.flatMap((all, partition) => all.filter((one) => 'offset' in one && found[partition]!.get(one.offset) !== one.value)),
  }
}
