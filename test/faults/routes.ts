import { monotonicClock } from '../../src/base/clock.ts'
import type { Address } from '../../src/client/address.ts'
import { KafkaConnection } from '../../src/client/connection.ts'
import { metadata } from '../../src/protocol/api/03-metadata.ts'
import type { Place } from './history.ts'

const TIMEOUT_MS = 6000
const ASK_TIMEOUT_MS = 2000
const LEAST_PAUSE_MS = 150

/** The connections of one client, one per broker. */
export class Connections {
  readonly #routes: Routes
  readonly #clientId: string
  readonly #timeoutMs: number
  readonly #open = new Map<string, Promise<KafkaConnection>>()

  constructor(routes: Routes, clientId: string, timeoutMs = TIMEOUT_MS) {
    this.#routes = routes
    this.#clientId = clientId
    this.#timeoutMs = timeoutMs
  }

  async to(broker: number): Promise<KafkaConnection> {
    return this.at(this.#routes.addressOf(broker))
  }
  async at(address: Address): Promise<KafkaConnection> {
    const key = `${address.host}:${address.port}`
    const known = await this.#open.get(key)?.catch(() => undefined)
    if (known?.isOpen) return known
    const opening = KafkaConnection.open({ ...address, clientId: this.#clientId, clock: monotonicClock, timeoutMs: this.#timeoutMs })
    this.#open.set(key, opening)
    return opening
  }
  close(): void {
    for (const opening of this.#open.values()) opening.then((connection) => connection.close()).catch(() => {})
    this.#open.clear()
  }
}

type Leader = { broker: number; epoch: number; replicas: readonly number[] }

/**
 * Where partitions have their leaders, as far as the clients of the harness know. Asks the brokers in turn; an answer of an older epoch changes nothing, as KIP-320 wants it of
 * clients.
 */
export class Routes {
  readonly #bootstrap: readonly Address[]
  readonly #brokers: readonly number[]
  readonly #topics: readonly string[]
  readonly #leaders = new Map<string, Leader>()
  readonly #connections: Connections
  #asking: Promise<void> | undefined
  #askedMs = -Infinity
  #turn = 0

  /** `bootstrap` has the address of each broker, in the order of `brokers`. */
  constructor(options: { bootstrap: readonly Address[]; brokers: readonly number[]; topics: readonly string[] }) {
    this.#bootstrap = options.bootstrap
    this.#brokers = options.brokers
    this.#topics = options.topics
    this.#connections = new Connections(this, 'routes', ASK_TIMEOUT_MS)
  }

  get brokers(): readonly number[] {
    return this.#brokers
  }
  addressOf(broker: number): Address {
    return this.#bootstrap[this.#brokers.indexOf(broker)]!
  }
  leaderOf({ topic, partition }: Place): Leader | undefined {
    return this.#leaders.get(`${topic}-${partition}`)
  }

  /** Asks once for all who ask at the same time, and not more often than every LEAST_PAUSE_MS. Never rejects: there may be nobody to ask. */
  refresh(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined))
    return this.#asking
  }

  async #ask(): Promise<void> {
    const pauseMs = this.#askedMs + LEAST_PAUSE_MS - performance.now()
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    this.#askedMs = performance.now()
    const address = this.#bootstrap[this.#turn++ % this.#bootstrap.length]!
    try {
      const connection = await this.#connections.at(address)
      const request = { topics: this.#topics.map((name) => ({ name })), allowAutoTopicCreation: false }
      const { topics } = await connection.request(metadata, request)
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, leaderId, leaderEpoch, replicaNodes } of partitions) {
          const known = this.#leaders.get(`${name}-${partitionIndex}`)
          if (leaderId < 0 || (known && known.epoch > leaderEpoch)) continue
          this.#leaders.set(`${name}-${partitionIndex}`, { broker: leaderId, epoch: leaderEpoch, replicas: replicaNodes })
        }
      }
    } catch {
      // Another one is asked the next time.
    }
  }

  close(): void {
    this.#connections.close()
  }
}
