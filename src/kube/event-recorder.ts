import type { WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { hashOf } from './difference.ts'
import { isKubeError } from './error.ts'
import { events, type Event } from './resources.ts'
import { keyOf, type Kube, type KubeObject } from './types.ts'

export type EventInput = { type: 'Normal' | 'Warning'; reason: string; action: string; note: string }

const MAX_NOTE_CHARS = 1024
/** Names of events that were written; a bound for memory, not for events. */
const MAX_REMEMBERED = 2000

/** Writes events.k8s.io/v1 events about objects. The same event about the same object becomes a series of one event. Failures are logged: an event is never worth a failed reconcile. */
export class EventRecorder {
  readonly #kube: Kube
  readonly #clock: WallClock
  readonly #logger: Logger
  readonly #controller: string
  readonly #instance: string
  readonly #counts = new Map<string, number>()

  constructor(options: { kube: Kube; clock: WallClock; logger: Logger; controller: string; instance: string }) {
    this.#kube = options.kube
    this.#clock = options.clock
    this.#logger = options.logger
    this.#controller = options.controller
    this.#instance = options.instance
  }

  async record(object: KubeObject, input: EventInput): Promise<void> {
    const name = `${object.metadata.name}.${hashOf({ uid: object.metadata.uid, ...input, instance: this.#instance })}`
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#remember(name, count)
    try {
      if (count === 1) await this.#create(object, input, name)
      else await this.#repeat(object, name, count)
    } catch (error) {
      if (isKubeError(error, 409)) return
      if (isKubeError(error, 404)) this.#counts.delete(name)
      this.#logger.debug({ object: object.metadata.name, reason: input.reason, err: error }, 'an event could not be written')
    }
  }

  async #create(object: KubeObject, input: EventInput, name: string): Promise<void> {
    const { namespace = 'default', uid } = object.metadata
    const event: Event = {
      apiVersion: events.apiVersion,
      kind: events.kind,
      metadata: { name, namespace },
      eventTime: this.#now(),
      reportingController: this.#controller,
      reportingInstance: this.#instance,
      type: input.type,
      reason: input.reason,
      action: input.action,
      note: input.note.slice(0, MAX_NOTE_CHARS),
      regarding: { apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name, namespace, uid },
    }
    await this.#kube.create(events, event)
  }

  async #repeat(object: KubeObject, name: string, count: number): Promise<void> {
    const key = { ...keyOf(object), name }
    await this.#kube.patch(events, { ...key, namespace: key.namespace || 'default' }, 'merge', {
      series: { count, lastObservedTime: this.#now() },
    })
  }

  #remember(name: string, count: number): void {
    this.#counts.delete(name)
    this.#counts.set(name, count)
    if (this.#counts.size > MAX_REMEMBERED) this.#counts.delete(this.#counts.keys().next().value!)
  }

  /** events.k8s.io/v1 wants microseconds. */
  #now(): string {
    return new Date(this.#clock.nowMs()).toISOString().replace('Z', '000Z')
  }
}
