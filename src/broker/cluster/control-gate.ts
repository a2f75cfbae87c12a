import { KafkaError } from '../../protocol/errors.ts'
import type { updateMetadata } from '../../protocol/api/06-update-metadata.ts'
import { type Int64, toBigInt } from '../../protocol/int64.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Control } from '../admin-ports.ts'
import type { MetadataCache } from '../metadata/cache.ts'
import type { PartitionTable } from '../partition-table.ts'

const UNKNOWN_EPOCH = -1n

/** Knows the newest controller that has spoken, and which life of this broker is meant. A newer broker epoch than ours is admitted: we have not read it yet (KAFKA-9839). */
export class ControlGate implements Control {
  readonly replicas: PartitionTable
  readonly #cache: MetadataCache
  readonly #brokerEpoch: () => bigint
  #controllerEpoch = 0
  #fencedEpoch = UNKNOWN_EPOCH

  constructor(options: { replicas: PartitionTable; cache: MetadataCache; brokerEpoch: () => bigint }) {
    this.replicas = options.replicas
    this.#cache = options.cache
    this.#brokerEpoch = options.brokerEpoch
  }

  admit(request: { controllerEpoch: number; brokerEpoch: Int64 }): void {
    const meant = toBigInt(request.brokerEpoch)
    if (meant !== UNKNOWN_EPOCH && (meant < this.#brokerEpoch() || meant <= this.#fencedEpoch)) throw new KafkaError('STALE_BROKER_EPOCH')
    if (request.controllerEpoch < this.#controllerEpoch) throw new KafkaError('STALE_CONTROLLER_EPOCH')
    this.#controllerEpoch = request.controllerEpoch
  }

  /** The registration is lost: all leaders step down, and what is meant for the life that ended is refused from now on. */
  fence(): void {
    this.#fencedEpoch = this.#brokerEpoch()
    this.replicas.resignAll()
  }

  updateMetadata(request: RequestOf<typeof updateMetadata>): void {
    this.#cache.apply(request)
  }
}
