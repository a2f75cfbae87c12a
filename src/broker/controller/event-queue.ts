import type { MonotonicClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { KafkaError } from '../../protocol/errors.ts'
import { isZooKeeperError } from '../../zookeeper/errors.ts'
import { NoLongerController } from './state-writes.ts'

export type EventQueueOptions = {
  clock: MonotonicClock
  logger: Logger
  /** Runs after every piece of work, also after one that failed: what it has changed so far must be told. */
  afterEach: () => void
  /** The work met the end of the term. */
  lost: (reason: Error) => void
}
type Work<T> = () => Promise<T> | T

/** Pause before work is tried again that failed for a reason that may pass. */
const RETRY_MS = 200
/** What a later try may not meet again. */
const PASSING = ['CONNECTION_LOSS', 'OPERATION_TIMEOUT', 'REQUEST_TIMEOUT', 'SESSION_MOVED', 'THROTTLED_OP', 'NOT_READ_ONLY'] as const

/**
 * Everything that a controller does, one piece after the other. Work that ZooKeeper could not serve for now runs again from its start, so it must not mind what
 * it has done already.
 */
export class EventQueue {
  readonly #options: EventQueueOptions
  readonly #over = new AbortController()
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: EventQueueOptions) {
    this.#options = options
  }

  get isOver(): boolean {
    return this.#over.signal.aborted
  }

  /** The answer of `work` after all that was asked before. Rejects with what it threw, and with KafkaError NOT_CONTROLLER when the term ends first. */
  ask<T>(work: Work<T>): Promise<T> {
    const done = this.#tail.then(() => this.#run(work))
    this.#tail = done.catch(() => {})
    return done
  }

  /** As `ask`, where nobody waits: what it throws is logged. */
  tell(what: string, work: Work<void>): Promise<void> {
    return this.ask(work).catch((err: unknown) => {
      if (!this.isOver) this.#options.logger.error({ what, err }, 'the controller could not process an event')
    })
  }

  /** Nothing more begins. */
  stop(): void {
    this.#over.abort(new KafkaError('NOT_CONTROLLER'))
  }

  async #run<T>(work: Work<T>): Promise<T> {
    for (;;) {
      if (this.isOver) throw new KafkaError('NOT_CONTROLLER')
      try {
        return await work()
      } catch (error) {
        await this.#afterError(error)
      } finally {
        if (!this.isOver) this.#options.afterEach()
      }
    }
  }

  /** Returns when the work may be tried again. */
  async #afterError(error: unknown): Promise<void> {
    const isLost = error instanceof NoLongerController || isZooKeeperError(error, 'SESSION_EXPIRED', 'AUTH_FAILED')
    if (isLost) this.#options.lost(error as Error)
    if (isLost || this.isOver) throw new KafkaError('NOT_CONTROLLER', undefined, { cause: error })
    if (!isZooKeeperError(error, ...PASSING)) throw error
    this.#options.logger.warn({ err: error }, 'the controller could not finish an event, trying again')
    await this.#options.clock.sleep(RETRY_MS, this.#over.signal)
  }
}
