import { KafkaError } from '../errors.ts'

/** Collects decompressed blocks up to a limit: beyond it MESSAGE_TOO_LARGE, before the memory is taken. */
export class BoundedOutput {
  readonly #limitBytes: number
  readonly #blocks: Buffer[] = []
  #sizeBytes = 0

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get leftBytes(): number {
    return this.#limitBytes - this.#sizeBytes
  }

  /** Asks whether so many bytes more may come. */
  reserve(sizeBytes: number): void {
    if (sizeBytes > this.leftBytes) throw tooLarge(this.#limitBytes)
  }

  push(block: Buffer): void {
    this.reserve(block.length)
    this.#blocks.push(block)
    this.#sizeBytes += block.length
  }

  bytes(): Buffer {
    return this.#blocks.length === 1 ? this.#blocks[0]! : Buffer.concat(this.#blocks, this.#sizeBytes)
  }
}

export const tooLarge = (limitBytes: number): KafkaError =>
  new KafkaError(
    'MESSAGE_TOO_LARGE',
    `the records of a batch have more than ${limitBytes} bytes when decompressed, the limit of this broker`,
  )

/** What cannot be decompressed cannot be a record: the checksum held, so the client made it so. */
export const undecodable = (codec: string, reason: string, cause?: unknown): KafkaError =>
  new KafkaError('INVALID_RECORD', `the records of a batch are no valid ${codec}: ${reason}`, { cause })
