import { KafkaError } from '../../protocol/errors.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import type { ZooKeeperSession } from '../metadata/session.ts'
import { type ProducerIdBlock, producerIdBlockZnode } from '../metadata/znodes/producer-id-block.ts'

export interface ProducerIds {
  /** An id that no producer of the cluster has had. KafkaError COORDINATOR_LOAD_IN_PROGRESS while ZooKeeper cannot be reached: the client tries again. */
  next(): Promise<number>
}

const BLOCK = 1000

/**
 * Ids from blocks that this broker takes from `/latest_producer_id_block`, which it shares with all brokers of the cluster, those of Apache too. A block is taken by a
 * conditional write when the first id of it is wanted; what is left of it when the broker stops is given to nobody. Source: ProducerIdManager (2.6).
 */
export class ZooKeeperProducerIds implements ProducerIds {
  readonly #session: ZooKeeperSession
  readonly #brokerId: number
  #next = 0
  #last = -1
  #taking: Promise<void> | undefined

  constructor(session: ZooKeeperSession, brokerId: number) {
    this.#session = session
    this.#brokerId = brokerId
  }

  async next(): Promise<number> {
    while (this.#next > this.#last) {
      this.#taking ??= this.#take().finally(() => (this.#taking = undefined))
      await this.#taking
    }
    return this.#next++
  }

  async #take(): Promise<void> {
    try {
      let block: ProducerIdBlock | undefined
      while (block === undefined) block = await this.#tryTake()
      this.#next = block.first
      this.#last = block.last
    } catch (cause) {
      if (!isZooKeeperError(cause, 'CONNECTION_LOSS', 'SESSION_EXPIRED', 'OPERATION_TIMEOUT', 'REQUEST_TIMEOUT')) throw cause
      // Whether the block was written is not known. If it was, it is lost, which harms nobody.
      throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS', 'no producer id while ZooKeeper cannot be reached', { cause })
    }
  }

  /** undefined: another broker was quicker. */
  async #tryTake(): Promise<ProducerIdBlock | undefined> {
    const { client } = this.#session
    const { data, stat } = await client.get(producerIdBlockZnode.path)
    const first = data === null || data.length === 0 ? 0 : producerIdBlockZnode.decode(data).last + 1
    const block = { brokerId: this.#brokerId, first, last: first + BLOCK - 1 }
    try {
      await client.set(producerIdBlockZnode.path, producerIdBlockZnode.encode(block), stat.version)
      return block
    } catch (thrown) {
      if (isZooKeeperError(thrown, 'BAD_VERSION')) return undefined
      throw thrown
    }
  }
}
