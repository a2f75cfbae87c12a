import type { Logger } from '../base/logger.ts'
import { isKubeError } from '../kube/error.ts'
import { keyText, type Condition, type Key, type Kube, type KubeObject, type Resource } from '../kube/types.ts'
import { DeadlineError } from '../kube/work-queue.ts'
import { conditionsOfVerdict, reconciling, type Verdict } from './reasons.ts'

/** One failure alone is mostly a conflict or a moment without a connection. */
const SAID_AFTER_FAILURES = 3
const MAX_CAUSE_CHARS = 500

type WithStatus = KubeObject & { status?: { conditions?: Condition[] } }
type Informer = { get(key: Key): WithStatus | undefined }

/** Says in a resource's conditions what its reconcile could not say itself, because it ended with an error or was given up. */
export class Trouble {
  readonly #options: { kube: Kube; resource: Resource<WithStatus>; informer: Informer; logger: Logger; nowMs: () => number }
  /** Failures in a row, by key; holds only what fails now. */
  readonly #failures = new Map<string, number>()

  constructor(options: { kube: Kube; resource: Resource<WithStatus>; informer: Informer; logger: Logger; nowMs: () => number }) {
    this.#options = options
  }

  isOver(key: Key): void {
    this.#failures.delete(keyText(key))
  }

  async say(key: Key, error: unknown, waitingFor: readonly string[]): Promise<void> {
    const { kube, resource, informer, logger, nowMs } = this.#options
    const text = keyText(key)
    const object = informer.get(key)
    if (!object) return void this.#failures.delete(text)
    const failures = (this.#failures.get(text) ?? 0) + 1
    this.#failures.set(text, failures)
    const verdict = verdictOf(error, failures, waitingFor)
    if (!verdict) return
    const before = object.status?.conditions ?? []
    const verdicts = conditionsOfVerdict(verdict, object.metadata.generation ?? 0, before, nowMs())
    const others = before.filter(({ type }) => !['Ready', 'Reconciling', 'Stalled'].includes(type))
    const status = { ...object.status, observedGeneration: object.metadata.generation, conditions: [...verdicts, ...others] }
    try {
      await kube.patchStatus(resource, object, status)
    } catch (cause) {
      if (!isKubeError(cause, 404)) logger.warn({ key: text, err: cause }, 'the condition could not be written')
    }
  }
}

const verdictOf = (error: unknown, failures: number, waitingFor: readonly string[]): Verdict | undefined => {
  if (error instanceof DeadlineError) {
    const what = waitingFor.length > 0 ? `; it waited for ${waitingFor.join(', ')}` : ''
    const seconds = Math.round(error.deadlineMs / 1000)
    return reconciling('Timeout', `the reconcile was given up after ${seconds} s${what}; it is tried again, look at what it waited for`)
  }
  if (failures < SAID_AFTER_FAILURES) return undefined
  const cause = (error instanceof Error ? error.message : String(error)).slice(0, MAX_CAUSE_CHARS)
  // How often stands in the metrics: a message that counted would be a write per failure.
  return reconciling('ReconcileFailed', `the last reconciles failed, it is tried again: ${cause}`)
}
