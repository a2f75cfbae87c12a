import type { MonotonicClock, WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { hashOf } from './difference.ts'
import { isKubeError } from './error.ts'
import { events, type Event } from './resources.ts'
import { microTimestamp } from './time.ts'
import { keyOf, keyText, type Kube, type KubeObject } from './types.ts'

/** `R`: the reasons that there may be. */
export type EventInput<R extends string = string> = { type: 'Normal' | 'Warning'; reason: R; action: string; note: string }

const MAX_NOTE_CHARS = 1024
/** Names of events that were written; a bound for memory, not for events. */
const MAX_REMEMBERED = 2000
/** Events that wait to be written; more are dropped, and counted in the log. */
const MAX_WAITING = 20_000
/** Of the events of one object the order is kept: each lane writes one after the other. */
const LANES = 4
/** While there is more urgent work, an event waits so long at most. */
const MAX_DELAY_MS = 60_000
const ASK_EVERY_MS = 250

/**
 * Writes events.k8s.io/v1 events about objects, in the background: nobody waits for them, and while `isBusy` says so they wait themselves. The same event about
 * the same object becomes a series of one event. Failures are logged: an event is never worth a failed reconcile.
 */
export class EventRecorder<R extends string = string> {
  readonly #kube: Kube
  readonly #clock: WallClock
  readonly #monotonic: MonotonicClock
  readonly #isBusy: () => boolean
  readonly #logger: Logger
  readonly #controller: string
  readonly #instance: string
  readonly #counts = new Map<string, number>()
  readonly #lanes = Array.from({ length: LANES }, () => Promise.resolve())
  #waiting = 0
  #dropped = 0
  readonly #flushing = new AbortController()

  constructor(options: {
    kube: Kube
    clock: WallClock
    monotonic: MonotonicClock
    logger: Logger
    controller: string
    instance: string
    /** Whether there is work that goes before events. */
    isBusy?: () => boolean
  }) {
    this.#kube = options.kube
    this.#clock = options.clock
    this.#monotonic = options.monotonic
    this.#isBusy = options.isBusy ?? (() => false)
    this.#logger = options.logger
    this.#controller = options.controller
    this.#instance = options.instance
  }

  /** Resolves at once. */
  record(object: KubeObject, input: EventInput<R>): Promise<void> {
    if (this.#waiting >= MAX_WAITING) this.#dropped++
    else this.#enqueue(object, input)
    return Promise.resolve()
  }

  #enqueue(object: KubeObject, input: EventInput): void {
    this.#waiting++
    const eventTime = microTimestamp(this.#clock.nowMs())
    const recordedMs = this.#monotonic.nowMs()
    const lane = parseInt(hashOf(keyText(keyOf(object)), 2), 16) % LANES
    // The object may be large and replaced soon: what waits holds only what an event says of it.
    const { apiVersion, kind } = object
    const { name, namespace, uid } = object.metadata
    const about = { apiVersion, kind, metadata: { name, namespace, uid } }
    this.#lanes[lane] = this.#lanes[lane]!.then(() => this.#untilQuiet(recordedMs)).then(() => this.#write(about, input, eventTime))
  }

  /** Resolves when what was recorded until now has been written, or given up. From now on nothing is put off. */
  async flush(): Promise<void> {
    this.#flushing.abort()
    await Promise.all(this.#lanes)
  }

  /** Puts off what is not old, and not one of very many. */
  async #untilQuiet(recordedMs: number): Promise<void> {
    const isPutOff = () =>
      this.#isBusy() &&
      !this.#flushing.signal.aborted &&
      this.#waiting < MAX_WAITING / 2 &&
      this.#monotonic.nowMs() - recordedMs < MAX_DELAY_MS
    while (isPutOff()) await this.#monotonic.sleep(ASK_EVERY_MS, this.#flushing.signal).catch(() => {})
  }

  async #write(object: KubeObject, input: EventInput, eventTime: string): Promise<void> {
    const name = `${object.metadata.name}.${hashOf({ uid: object.metadata.uid, ...input, instance: this.#instance })}`
    const count = (this.#counts.get(name) ?? 0) + 1
    this.#remember(name, count)
    try {
      if (count === 1) await this.#create(object, input, { name, eventTime })
      else await this.#repeat(object, name, { count, lastObservedTime: eventTime })
    } catch (error) {
      if (isKubeError(error, 404)) this.#counts.delete(name)
      if (!isKubeError(error, 409))
        this.#logger.debug(
          { kind: object.kind, key: keyText(keyOf(object)), reason: input.reason, err: error },
          'an event could not be written',
        )
    } finally {
      this.#waiting--
      if (this.#waiting === 0 && this.#dropped > 0) {
        this.#logger.warn({ dropped: this.#dropped }, 'more events than could be written')
        this.#dropped = 0
      }
    }
  }

  async #create(object: KubeObject, input: EventInput, { name, eventTime }: { name: string; eventTime: string }): Promise<void> {
    const { namespace = 'default', uid } = object.metadata
    const event: Event = {
      apiVersion: events.apiVersion,
      kind: events.kind,
      metadata: { name, namespace },
      eventTime,
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

  async #repeat(object: KubeObject, name: string, series: { count: number; lastObservedTime: string }): Promise<void> {
    const key = { ...keyOf(object), name }
    await this.#kube.patch(events, { ...key, namespace: key.namespace || 'default' }, 'merge', { series })
  }

  #remember(name: string, count: number): void {
    this.#counts.delete(name)
    this.#counts.set(name, count)
    if (this.#counts.size > MAX_REMEMBERED) this.#counts.delete(this.#counts.keys().next().value!)
  }
}
