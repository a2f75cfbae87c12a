// How long one partition cannot be written when its leader goes: one record at a time with acks=all, tried again at once at whoever leads by Metadata.
import { monotonicClock } from '../../src/base/clock.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { metadata } from '../../src/protocol/api/03-metadata.ts'
import { createTopics } from '../../src/protocol/api/19-create-topics.ts'
import { batchOf } from '../../test/support/batches.ts'
import type { Cluster, Node } from './clusters.ts'

const PAUSE_MS = 2
const RETRY_MS = 100
const TIMEOUT_MS = 60_000

class Writer {
  readonly #cluster: Cluster
  readonly #topic: string
  readonly #open = new Map<number, KafkaConnection>()

  constructor(cluster: Cluster, topic: string) {
    this.#cluster = cluster
    this.#topic = topic
  }

  async create(): Promise<void> {
    const topic = { name: this.#topic, numPartitions: 1, replicationFactor: 3, assignments: [], configs: [] }
    // In a cluster that has just started not every broker is registered, and the controller may not have been elected.
    for (const endsMs = performance.now() + TIMEOUT_MS; performance.now() < endsMs; await monotonicClock.sleep(RETRY_MS)) {
      for (const node of this.#cluster.nodes) {
        const { topics } = await (await this.#connection(node)).request(createTopics, { topics: [topic], timeoutMs: TIMEOUT_MS })
        if (topics[0]!.errorCode === 0) return
      }
    }
    throw new Error(`no broker made the topic within ${TIMEOUT_MS} ms`)
  }

  /** undefined where nobody alive is known to lead. */
  async leader(): Promise<Node | undefined> {
    for (const node of this.#cluster.nodes) {
      try {
        const { topics } = await (await this.#connection(node)).request(metadata, { topics: [{ name: this.#topic }] })
        const found = this.#cluster.nodes.find(({ id }) => id === topics[0]?.partitions[0]?.leaderId)
        if (found) return found
      } catch {
        this.#open.delete(node.id)
      }
    }
    return undefined
  }

  /** Whether the record was acknowledged. */
  async write(node: Node): Promise<boolean> {
    try {
      const partitions = [{ partitionIndex: 0, records: batchOf(['x']) }]
      const request = { acks: -1, timeoutMs: TIMEOUT_MS, topics: [{ name: this.#topic, partitions }] }
      const { responses } = await (await this.#connection(node)).request(produce, request)
      return responses[0]!.partitions[0]!.errorCode === 0
    } catch {
      this.#open.delete(node.id)
      return false
    }
  }

  close(): void {
    for (const connection of this.#open.values()) connection.close()
  }

  async #connection(node: Node): Promise<KafkaConnection> {
    const known = this.#open.get(node.id)
    if (known?.isOpen) return known
    const opened = await KafkaConnection.open({
      host: '127.0.0.1',
      port: node.port,
      clientId: 'failover',
      clock: monotonicClock,
      timeoutMs: 10_000,
    })
    this.#open.set(node.id, opened)
    return opened
  }
}

export type FailoverOptions = { topic: string; signal: 'SIGTERM' | 'SIGKILL'; afterMs: number }

/**
 * Writes one record after the other, and ends the leader by the signal after some time: ms from the last acknowledgement of the old leader to the first of the
 * new one. Resolves when the old leader's process is gone.
 */
export const failover = async (cluster: Cluster, { topic, signal, afterMs }: FailoverOptions): Promise<number> => {
  const writer = new Writer(cluster, topic)
  await writer.create()
  const old = await firstWritten(writer)
  const startedMs = performance.now()
  const endsMs = startedMs + afterMs + TIMEOUT_MS
  let lastMs = startedMs
  let ended: Promise<unknown> | undefined
  let leader: Node | undefined = old
  for (;;) {
    if (performance.now() > endsMs) throw new Error(`nobody can be written to after ${signal} to the leader`)
    if (!ended && performance.now() > startedMs + afterMs) ended = old.end(signal)
    if (leader && (await writer.write(leader))) {
      if (leader !== old) break
      lastMs = performance.now()
    } else {
      leader = await writer.leader()
      await monotonicClock.sleep(PAUSE_MS)
    }
  }
  const gapMs = performance.now() - lastMs
  if (!ended) throw new Error('the leader changed before it was ended')
  await ended
  writer.close()
  return gapMs
}

const firstWritten = async (writer: Writer): Promise<Node> => {
  const endsMs = performance.now() + TIMEOUT_MS
  while (performance.now() < endsMs) {
    const leader = await writer.leader()
    if (leader && (await writer.write(leader))) return leader
    await monotonicClock.sleep(PAUSE_MS)
  }
  throw new Error('nobody leads the new topic')
}
