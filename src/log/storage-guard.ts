import { KafkaError } from '../protocol/errors.ts'
import type { LogDirectory } from './log-directory.ts'
import { UnmendedFile } from './unmended-file.ts'

/** What a failing medium says of itself. A full disk is none of these: it is refused by the call, and may have room again. */
const MEDIUM_FAILURES: ReadonlySet<string | undefined> = new Set([
  'EIO',
  'EROFS',
  'ENXIO',
  'ENODEV',
  'ESTALE',
  'EUCLEAN',
  'EBADMSG',
  'EREMOTEIO',
])

/** Whether an error of the disk says that the directory as a whole does not work any more. */
export const isMediumFailure = (error: unknown): boolean => MEDIUM_FAILURES.has((error as NodeJS.ErrnoException).code)

/** Between one log and its disk: refuses calls when the log cannot serve any more, and turns what the disk throws into KafkaErrors. */
export class StorageGuard {
  readonly #name: string
  readonly #store: LogDirectory
  isDeleted = false

  constructor(name: string, store: LogDirectory) {
    this.#name = name
    this.#store = store
  }

  /** KAFKA_STORAGE_ERROR where the directory is offline, UNKNOWN_TOPIC_OR_PARTITION where the partition was deleted. */
  assertUsable(): void {
    this.#store.assertOnline()
    if (this.isDeleted) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${this.#name} is being deleted`)
  }

  run<T>(what: string, call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.#asKafkaError(what, error)
    }
  }

  /** For changes that cannot be half done: a failure takes the directory offline. */
  mustRun<T>(what: string, call: () => T): T {
    try {
      return call()
    } catch (error) {
      throw this.fail(what, error)
    }
  }

  async runLater<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.#asKafkaError(what, error)
    }
  }

  /** After this nothing in the directory is trusted: an fsync failed, or a file could not be cut back. */
  fail(what: string, cause: unknown): KafkaError {
    this.#store.fail(cause as Error)
    return this.#storageError(what, cause)
  }

  #asKafkaError(what: string, error: unknown): unknown {
    if (error instanceof KafkaError) return error
    return error instanceof UnmendedFile || isMediumFailure(error) ? this.fail(what, error) : this.#storageError(what, error)
  }

  #storageError(what: string, cause: unknown): KafkaError {
    return new KafkaError('KAFKA_STORAGE_ERROR', `${what} failed on ${this.#name}: ${(cause as Error).message}`, { cause })
  }
}
