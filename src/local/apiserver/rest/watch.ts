import type { MonotonicClock, Timer } from '../../../base/clock.ts'
import type { JsonObject, KubeObject } from '../json.ts'
import { StatusError } from '../status.ts'
import type { Change, Watcher } from '../store/store.ts'
import { matcherOf, type ListCall } from './list.ts'
import { fromStored } from '../resources.ts'
import type { Server } from './context.ts'
import type { Matcher } from './selectors.ts'
import { metadataOnly, table } from './view.ts'

/** Where events go: one JSON line each. `write` says whether the client still keeps up. */
export interface EventSink {
  write(line: string): boolean
  end(): void
}

const BOOKMARK_EVERY_MS = 60_000
const DEFAULT_TIMEOUT_MS = 1_800_000

const parseVersion = (text: string | null): number => {
  if (!text) return 0
  if (!/^\d+$/.test(text))
    throw new StatusError(
      500,
      '',
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`,
    )
  return Number(text)
}

/** One running watch: owns its registration in the store and its timers. */
export class Watch implements Watcher {
  readonly #server: Server
  readonly #call: ListCall
  readonly #sink: EventSink
  readonly #matches: Matcher
  readonly #clock: MonotonicClock
  #timers: Timer[] = []
  #isFirstRow = true
  #isEnded = false

  private constructor(server: Server, call: ListCall, options: { sink: EventSink; clock: MonotonicClock }) {
    this.#server = server
    this.#call = call
    this.#sink = options.sink
    this.#clock = options.clock
    this.#matches = matcherOf(call.resource, call.query)
  }

  /** Throws what must be answered before the stream begins; a version that is too old is told inside the stream, as the real server does. */
  static start(server: Server, call: ListCall, options: { sink: EventSink; clock: MonotonicClock }): Watch {
    const watch = new Watch(server, call, options)
    watch.#begin()
    return watch
  }

  #begin(): void {
    const { query, resource } = this.#call
    const since = parseVersion(query.get('resourceVersion'))
    const sendInitial = query.get('sendInitialEvents') === 'true'
    try {
      if (since === 0 || sendInitial) {
        this.#server.store.watch(resource.storageKey, this.#server.store.revision, this)
        this.#initial(sendInitial)
      } else for (const change of this.#server.store.watch(resource.storageKey, since, this)) this.changed(change)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      this.#emit('ERROR', error.toStatus())
      return this.end()
    }
    const timeoutMs = Number(query.get('timeoutSeconds') ?? 0) * 1000 || DEFAULT_TIMEOUT_MS
    this.#timers.push(this.#clock.schedule(timeoutMs, () => this.end()))
    if (query.get('allowWatchBookmarks') === 'true') this.#bookmarkLater()
  }

  #initial(sendInitial: boolean): void {
    const { resource, namespace, query } = this.#call
    for (const object of this.#server.store.list(resource.storageKey, namespace)) if (this.#matches(object)) this.#event('ADDED', object)
    if (sendInitial && query.get('allowWatchBookmarks') === 'true') this.#bookmark({ 'k8s.io/initial-events-end': 'true' })
  }

  changed(change: Change): void {
    if (this.#call.namespace && change.object.metadata.namespace !== this.#call.namespace) return
    const isIn = change.type !== 'DELETED' && this.#matches(change.object)
    const wasIn = change.previous !== undefined && this.#matches(change.previous)
    if (isIn) this.#event(wasIn ? 'MODIFIED' : 'ADDED', change.object)
    else if (wasIn) this.#event('DELETED', change.type === 'DELETED' ? change.object : withVersion(change.previous!, change.revision))
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#server.store.unwatch(this.#call.resource.storageKey, this)
    for (const timer of this.#timers) timer.cancel()
    this.#sink.end()
  }

  #event(type: string, object: KubeObject): void {
    const { resource, view } = this.#call
    if (view.form === 'metadata') return this.#emit(type, metadataOnly(object))
    if (view.form === 'object') return this.#emit(type, fromStored(object, resource))
    const metadata = { resourceVersion: object.metadata.resourceVersion }
    this.#emit(type, table([object], resource, { view, nowMs: this.#server.wall.nowMs(), metadata, withColumns: this.#isFirstRow }))
    this.#isFirstRow = false
  }

  #bookmarkLater(): void {
    const timer = this.#clock.schedule(BOOKMARK_EVERY_MS, () => {
      this.#timers = this.#timers.filter((one) => one !== timer)
      this.#bookmark()
      if (!this.#isEnded) this.#bookmarkLater()
    })
    this.#timers.push(timer)
  }

  #bookmark(annotations?: JsonObject): void {
    const { resource, view } = this.#call
    const metadata = {
      resourceVersion: String(this.#server.store.revision),
      creationTimestamp: null,
      ...(annotations ? { annotations } : {}),
    }
    if (view.form === 'table')
      return this.#emit('BOOKMARK', { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: null, rows: [] })
    this.#emit('BOOKMARK', { kind: resource.kind, apiVersion: resource.groupVersion, metadata })
  }

  #emit(type: string, object: JsonObject): void {
    if (!this.#isEnded && !this.#sink.write(`${JSON.stringify({ type, object })}\n`)) this.end()
  }
}

const withVersion = (object: KubeObject, revision: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(revision) },
})
