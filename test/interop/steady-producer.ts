import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicClock } from '../../src/base/clock.ts'
import { silentLogger } from '../../src/base/logger.ts'
import { ClusterClient } from '../../src/client/cluster-client.ts'
import { produce } from '../../src/protocol/api/00-produce.ts'
import { fetch } from '../../src/protocol/api/01-fetch.ts'
import { errorName } from '../../src/protocol/errors.ts'
import { batchOf, valuesOf } from '../support/batches.ts'

const ACKS_ALL = -1
const PAUSE_MS = 10

export type Send = { partition: number; value: string; startedMs: number; ackedMs: number; errors: string[] }

/** Sends one value after the other to each partition of a topic, acks=all, each again until it is acknowledged. */
export class SteadyProducer {
  readonly sends: Send[] = []
  readonly #client: ClusterClient
  readonly #topic: string
  #isRunning = true
  #loops: Promise<void>[] = []

  constructor(topic: string, ports: readonly number[]) {
    this.#topic = topic
    this.#client = new ClusterClient({
      bootstrap: ports.map((port) => ({ host: '127.0.0.1', port })),
      clientId: 'steady',
      clock: monotonicClock,
      logger: silentLogger,
      timeoutMs: 5000,
    })
  }

  start(partitions: number): this {
    this.#loops = Array.from({ length: partitions }, (_unused, partition) => this.#loop(partition))
    return this
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await Promise.all(this.#loops)
  }

  close(): void {
    this.#client.close()
  }

  /** The longest time from a send to its acknowledgement among the sends that were under way after `sinceMs`. */
  longestMs(sinceMs: number): number {
    const nowMs = performance.now()
    const later = this.sends.filter(({ ackedMs }) => ackedMs > sinceMs)
    return Math.max(0, ...later.map(({ startedMs, ackedMs }) => Math.min(ackedMs, nowMs) - startedMs))
  }

  /** All values that a consumer reads from the partition. */
  async read(partition: number): Promise<string[]> {
    const values: string[] = []
    const endsMs = performance.now() + 20_000
    for (let offset = 0, end = 1; offset < end;) {
      const wanted = { partitionIndex: partition, currentLeaderEpoch: -1, fetchOffset: offset, logStartOffset: -1, maxBytes: 1_000_000 }
      const request = {
        replicaId: -1,
        maxWait: 100,
        minBytes: 0,
        maxBytes: 10_000_000,
        isolationLevel: 0,
        sessionId: 0,
        epoch: -1,
        topics: [{ name: this.#topic, fetchPartitions: [wanted] }],
        forgotten: [],
        rackId: '',
      }
      const { topics } = await this.#client.broker(await this.#leader(partition), fetch, request as never)
      const { errorCode, highWatermark, records } = topics[0]!.partitions[0]!
      const read = valuesOf(records)
      values.push(...read)
      offset += read.length
      if (errorCode === 0) end = Number(highWatermark)
      if (read.length > 0) continue
      if (performance.now() > endsMs)
        throw new Error(`partition ${partition}, offset ${offset} of ${end}: ${errorName(errorCode)}, no records`)
      await sleep(PAUSE_MS)
    }
    return values
  }

  async #loop(partition: number): Promise<void> {
    for (let n = 0; this.#isRunning; n++) {
      const send: Send = {
        partition,
        value: `${partition}-${n}`,
        startedMs: performance.now(),
        ackedMs: Number.POSITIVE_INFINITY,
        errors: [],
      }
      this.sends.push(send)
      await this.#untilAcked(send)
      await sleep(PAUSE_MS)
    }
  }

  async #untilAcked(send: Send): Promise<void> {
    while (this.#isRunning || send.errors.length > 0) {
      const error = await this.#try(send)
      if (error === undefined) {
        send.ackedMs = performance.now()
        return
      }
      send.errors.push(error)
      if (send.errors.length > 2000) throw new Error(`${send.value}: ${send.errors.slice(-5).join(', ')}`)
      await sleep(PAUSE_MS)
    }
  }

  async #try({ partition, value }: Send): Promise<string | undefined> {
    try {
      const request = {
        transactionalId: null,
        acks: ACKS_ALL,
        timeoutMs: 3000,
        topics: [{ name: this.#topic, partitions: [{ partitionIndex: partition, records: batchOf([value]) }] }],
      }
      const { responses } = await this.#client.broker(await this.#leader(partition), produce, request)
      const { errorCode } = responses[0]!.partitions[0]!
      return errorCode === 0 ? undefined : errorName(errorCode)
    } catch (error) {
      return (error as Error).message
    }
  }

  async #leader(partition: number): Promise<number> {
    await this.#client.brokers()
    const { topics } = await this.#client.topics([this.#topic])
    return topics[0]!.partitions.find(({ partitionIndex }) => partitionIndex === partition)?.leaderId ?? -1
  }
}
