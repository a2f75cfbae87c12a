import type { MonotonicClock, WallClock } from '../../base/clock.ts'
import type { Logger } from '../../base/logger.ts'
import { Informer } from '../../kube/informer.ts'
import { keyOf, type Key, type Kube, type KubeObject, type Resource, type Result } from '../../kube/types.ts'
import { WorkQueue } from '../../kube/work-queue.ts'
import { controllerOf } from '../objects.ts'

/** What every controller is given. */
export type Around = { kube: Kube; informers: Informers; monotonic: MonotonicClock; wall: WallClock; logger: Logger }

type Handler = (now: KubeObject | undefined, before: KubeObject | undefined) => void
type Entry = { informer: Informer<KubeObject>; handlers: Handler[] }

/** One informer per kind for all controllers. */
export class Informers {
  readonly #entries = new Map<string, Entry>()
  readonly #options: { kube: Kube; clock: MonotonicClock; logger: Logger }

  constructor(options: { kube: Kube; clock: MonotonicClock; logger: Logger }) {
    this.#options = options
  }

  /** The cache of a kind. */
  of<T extends KubeObject>(resource: Resource<T>): Informer<T> {
    return this.#entry(resource as unknown as Resource).informer as unknown as Informer<T>
  }

  on<T extends KubeObject>(resource: Resource<T>, handler: (now: T | undefined, before: T | undefined) => void): void {
    this.#entry(resource as unknown as Resource).handlers.push(handler as Handler)
  }

  /** Resolves when every kind has been listed. */
  async start(): Promise<void> {
    const all = [...this.#entries.values()].map(({ informer }) => informer.start())
    await Promise.all(all.map((informer) => informer.synced))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ informer }) => informer.stop()))
  }

  #entry(resource: Resource): Entry {
    const name = `${resource.apiVersion}/${resource.plural}`
    const known = this.#entries.get(name)
    if (known) return known
    const handlers: Handler[] = []
    const onChange: Handler = (now, before) => {
      for (const handler of handlers) handler(now, before)
    }
    const entry = { informer: new Informer({ ...this.#options, resource, onChange }), handlers }
    this.#entries.set(name, entry)
    return entry
  }
}

export type Controller = { start(): void; stop(): Promise<void> }

export type Watched = { listen: (informers: Informers, add: (key: Key) => void) => void }

/** Changes of a kind want a look at the objects that `keys` names; by default at the object itself. */
export const watch = <T extends KubeObject>(resource: Resource<T>, keys: (object: T) => Key[] = (object) => [keyOf(object)]): Watched => ({
  listen: (informers, add) =>
    informers.on(resource, (now, before) => {
      for (const object of [now, before]) if (object) for (const key of keys(object)) add(key)
    }),
})

/** The owner of that kind which controls the object. */
export const ownerOf =
  (kind: string) =>
  (object: KubeObject): Key[] => {
    const owner = controllerOf(object)
    return owner?.kind === kind ? [{ namespace: object.metadata.namespace ?? '', name: owner.name }] : []
  }

/** A queue of names with its work, fed by the changes of some kinds. */
export const makeController = (
  { informers, monotonic, logger }: Around,
  options: { name: string; watches: Watched[]; work: (key: Key) => Promise<Result> },
): Controller => {
  const queue = new WorkQueue({ name: options.name, work: options.work, clock: monotonic, logger, baseMs: 50, maxMs: 10_000 })
  for (const watched of options.watches) watched.listen(informers, (key) => queue.add(key))
  return { start: () => queue.start(), stop: () => queue.stop() }
}

export const DONE: Result = {}
