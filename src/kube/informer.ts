import { Backoff } from '../base/backoff.ts'
import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { KubeError } from './error.ts'
import { Cache, type IndexFunctions } from './index-cache.ts'
import { keyOf, keyText, type Key, type Kube, type KubeObject, type Resource, type Selectors, type WatchEvent } from './types.ts'

export type InformerOptions<T extends KubeObject> = Selectors & {
  kube: Kube
  resource: Resource<T>
  clock: MonotonicClock
  logger: Logger
  /** Called in order, once per object that is new, changed or gone (`now` undefined). Must not throw. */
  onChange?: (now: T | undefined, before: T | undefined) => void
  indexes?: IndexFunctions<T>
  /** A whole list is read at least so often, whatever the watch says: an event that was lost is made good then. */
  relistMs?: number
  random?: () => number
}

/** A server that does not end the watch when it should is not waited for longer: what stands between may have lost the connection without a word. */
const WATCH_GRACE_MS = 3000
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration'

/** Counters since the start, for metrics. */
export type InformerCounters = { lists: number; watches: number; events: number; failures: number }

/**
 * What the API server has of one kind, kept up to date: a list, then a watch from its version on. It lists again after 410, after every error, and every
 * `relistMs`; it never ends by itself. The cache is empty until `synced`, and a decision that deletes something must wait for that.
 */
export class Informer<T extends KubeObject> {
  readonly counters: InformerCounters = { lists: 0, watches: 0, events: 0, failures: 0 }
  readonly synced: Promise<void>
  isSynced = false
  readonly #options: InformerOptions<T>
  readonly #cache: Cache<T>
  readonly #stop = new AbortController()
  readonly #backoff: Backoff
  #onSynced!: () => void
  #resourceVersion: string | undefined
  #listedMs = 0
  #running: Promise<void> | undefined

  constructor(options: InformerOptions<T>) {
    this.#options = options
    this.#cache = new Cache(options.indexes ?? {})
    this.#backoff = new Backoff({ baseMs: 200, maxMs: 30_000, random: options.random })
    this.synced = new Promise((resolve) => {
      this.#onSynced = resolve
    })
  }

  start(): this {
    this.#running ??= this.#run()
    return this
  }

  /** Ends the watch; the cache stays readable. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the informer was stopped'))
    await this.#running
  }

  get(key: Key): T | undefined {
    return this.#cache.get(key)
  }

  list(): T[] {
    return this.#cache.list()
  }

  /** The objects for which the index function of that name gave `value`. */
  by(index: string, value: string): T[] {
    return this.#cache.by(index, value)
  }

  async #run(): Promise<void> {
    const { clock, logger, resource } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        if (this.#isListDue()) await this.#relist()
        await this.#watch()
        this.#backoff.reset()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.counters.failures++
        const isIdle = error instanceof KubeError && error.reason === 'Idle'
        if (!isIdle) this.#resourceVersion = undefined
        const waitMs = isIdle ? 0 : this.#backoff.nextMs()
        logger.warn({ kind: resource.kind, err: error, waitMs: Math.round(waitMs) }, 'the watch broke off')
        await clock.sleep(waitMs, this.#stop.signal).catch(() => {})
      }
    }
  }

  #isListDue(): boolean {
    const relistMs = this.#options.relistMs ?? 600_000
    return this.#resourceVersion === undefined || this.#options.clock.nowMs() - this.#listedMs >= relistMs
  }

  async #relist(): Promise<void> {
    const { kube, resource, clock, namespace, labelSelector, fieldSelector } = this.#options
    const { items, resourceVersion } = await kube.list(resource, { namespace, labelSelector, fieldSelector })
    if (this.#stop.signal.aborted) return
    this.counters.lists++
    this.#listedMs = clock.nowMs()
    const present = new Set(items.map((item) => keyText(keyOf(item))))
    for (const item of items) this.#put(item)
    for (const old of this.#cache.list()) if (!present.has(keyText(keyOf(old)))) this.#remove(old)
    this.#resourceVersion = resourceVersion
    this.isSynced = true
    this.#onSynced()
  }

  async #watch(): Promise<void> {
    const { kube, resource, clock, namespace, labelSelector, fieldSelector } = this.#options
    this.counters.watches++
    const untilListMs = (this.#options.relistMs ?? 600_000) - (clock.nowMs() - this.#listedMs)
    // The server ends the watch then; the next round lists.
    const timeoutSeconds = Math.max(1, Math.ceil(untilListMs / 1000))
    const end = new AbortController()
    const timer = clock.schedule(timeoutSeconds * 1000 + WATCH_GRACE_MS, () => end.abort())
    const signal = AbortSignal.any([this.#stop.signal, end.signal])
    const selectors = { namespace, labelSelector, fieldSelector, resourceVersion: this.#resourceVersion ?? '', timeoutSeconds }
    try {
      await this.#follow(kube.watch(resource, { ...selectors, signal }))
    } finally {
      timer.cancel()
      // So that the signal that depends on it, and on one which lives as long as the informer, is let go.
      end.abort()
    }
  }

  async #follow(events: AsyncIterable<WatchEvent<T>>): Promise<void> {
    for await (const event of events) {
      if (event.type === 'ERROR') {
        const { code = 0, reason = '', message = '' } = event.object
        throw new KubeError(code, reason, message)
      }
      this.counters.events++
      this.#resourceVersion = event.object.metadata.resourceVersion
      if (event.type === 'DELETED') this.#remove(event.object)
      else if (event.type !== 'BOOKMARK') this.#put(event.object)
      this.#backoff.reset()
    }
  }

  #put(received: T): void {
    const before = this.#cache.get(keyOf(received))
    if (before && before.metadata.resourceVersion === received.metadata.resourceVersion) return
    const object = withoutBallast(received)
    this.#cache.set(object)
    this.#options.onChange?.(object, before)
  }

  #remove(object: T): void {
    const before = this.#cache.delete(keyOf(object))
    if (before) this.#options.onChange?.(undefined, before)
  }
}

/** What nobody here reads, and what can be larger than all the rest: who owns which field, and the whole object once more as kubectl applied it. */
const withoutBallast = <T extends KubeObject>(object: T): T => {
  const { managedFields: _managedFields, ...metadata } = object.metadata
  if (metadata.annotations && LAST_APPLIED in metadata.annotations) {
    metadata.annotations = { ...metadata.annotations }
    delete metadata.annotations[LAST_APPLIED]
  }
  return { ...object, metadata }
}
