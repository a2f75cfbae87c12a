import type { Key, KubeObject } from './types.ts'
import { Informer, type InformerCounters, type InformerOptions } from './informer.ts'

/**
 * What the API server has of one kind in some namespaces, or in all: one Informer for each namespace, so that no right on the whole cluster is needed, or one for all.
 * It reads like one Informer.
 */
export class InformerGroup<T extends KubeObject> {
  readonly synced: Promise<void>
  readonly #informers: ReadonlyMap<string, Informer<T>>

  /** `namespaces` empty: all of them. */
  constructor(options: Omit<InformerOptions<T>, 'namespace'>, namespaces: readonly string[]) {
    const each = namespaces.map((namespace): [string, Informer<T>] => [namespace, new Informer<T>({ ...options, namespace })])
    this.#informers = new Map(each.length > 0 ? each : [['', new Informer<T>(options)]])
    this.synced = Promise.all(this.#all.map((informer) => informer.synced)).then(() => undefined)
  }

  get isSynced(): boolean {
    return this.#all.every((informer) => informer.isSynced)
  }

  /** Summed up. */
  get counters(): InformerCounters {
    const sum = { lists: 0, watches: 0, events: 0, failures: 0 }
    for (const { counters } of this.#all) for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += counters[name]
    return sum
  }

  start(): this {
    for (const informer of this.#all) informer.start()
    return this
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((informer) => informer.stop()))
  }

  /** undefined also for what is in a namespace that is not watched. */
  get(key: Key): T | undefined {
    return (this.#informers.get('') ?? this.#informers.get(key.namespace))?.get(key)
  }

  list(): T[] {
    return this.#all.flatMap((informer) => informer.list())
  }

  by(index: string, value: string): T[] {
    return this.#all.flatMap((informer) => informer.by(index, value))
  }

  get #all(): Informer<T>[] {
    return [...this.#informers.values()]
  }
}
