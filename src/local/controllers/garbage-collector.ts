import { isKubeError } from '../../kube/error.ts'
import { Informer } from '../../kube/informer.ts'
import { keyOf, type DeleteOptions, type Kube, type KubeObject, type OwnerReference, type Resource, type Result } from '../../kube/types.ts'
import { WorkQueue } from '../../kube/work-queue.ts'
import { DONE, type Around } from './controller.ts'
import { discover } from './discovery.ts'
import { ObjectGraph, ownersOf, uidOf, type Item } from './object-graph.ts'

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'
/** New kinds (custom resources) are looked for this often. */
const REDISCOVER_MS = 5_000

const has = (object: KubeObject, finalizer: string): boolean => object.metadata.finalizers?.includes(finalizer) ?? false
const isTerminating = (object: KubeObject): boolean => object.metadata.deletionTimestamp !== undefined

/**
 * Removes objects whose owners are all gone, and carries out foreground and orphan deletion.
 * An owner that is not in the graph is asked for at the API server before anything is deleted: the graph may be behind.
 */
export class GarbageCollector {
  readonly #around: Around
  readonly #kube: Kube
  readonly #graph = new ObjectGraph()
  readonly #informers = new Map<string, Informer<KubeObject>>()
  readonly #resources = new Map<string, Resource>()
  readonly #queue: WorkQueue
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(around: Around) {
    this.#around = around
    this.#kube = around.kube
    const { monotonic: clock, logger } = around
    this.#queue = new WorkQueue({ name: 'garbage', work: ({ name }) => this.#look(name), clock, logger, baseMs: 50, maxMs: 10_000 })
  }

  /** Starts without waiting: nothing is deleted before all kinds known at the start have been listed. */
  start(): void {
    this.#running ??= this.#run()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the garbage collector stops'))
    await this.#running
    await this.#queue.stop()
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()))
  }

  async #run(): Promise<void> {
    const { monotonic, logger } = this.#around
    let isFirst = true
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow(await discover(this.#kube))
        if (isFirst) this.#queue.start()
        isFirst = false
      } catch (error) {
        if (!this.#stop.signal.aborted) logger.warn({ err: error }, 'kinds not discovered, tries again')
      }
      await monotonic.sleep(REDISCOVER_MS, this.#stop.signal).catch(() => {})
    }
  }

  async #follow(resources: Resource[]): Promise<void> {
    const { monotonic: clock, logger } = this.#around
    const names = new Map(resources.map((resource) => [`${resource.apiVersion}/${resource.plural}`, resource]))
    for (const [name, informer] of this.#informers) {
      if (names.has(name)) continue
      this.#informers.delete(name)
      await informer.stop()
    }
    const added = [...names].filter(([name]) => !this.#informers.has(name))
    for (const [name, resource] of added) {
      const onChange = (now: KubeObject | undefined, before: KubeObject | undefined) => this.#changed(resource, now, before)
      this.#resources.set(`${resource.apiVersion}/${resource.kind}`, resource)
      this.#informers.set(name, new Informer({ kube: this.#kube, resource, clock, logger, onChange }).start())
    }
    await Promise.race([Promise.all(added.map(([name]) => this.#informers.get(name)!.synced)), aborted(this.#stop.signal)])
  }

  #changed(resource: Resource, now: KubeObject | undefined, before: KubeObject | undefined): void {
    if (before && (!now || uidOf(now) !== uidOf(before))) {
      const dependents = this.#graph.dependentsOf(uidOf(before))
      const owners = ownersOf(before)
      this.#graph.delete(uidOf(before))
      for (const item of dependents) this.#add(uidOf(item.object))
      // An owner in foreground deletion waits for this one.
      for (const { uid } of owners) this.#add(uid)
    }
    if (!now) return
    this.#graph.put(resource, now)
    if (ownersOf(now).length > 0 || isTerminating(now)) this.#add(uidOf(now))
  }

  #add(uid: string): void {
    this.#queue.add({ namespace: '', name: uid })
  }

  async #look(uid: string): Promise<Result> {
    const item = this.#graph.get(uid)
    if (!item) return DONE
    if (isTerminating(item.object)) {
      if (has(item.object, ORPHAN)) await this.#orphan(item)
      else if (has(item.object, FOREGROUND)) return this.#deleteDependents(item)
      return DONE
    }
    return this.#judge(item)
  }

  /** What an object's owners mean for it. */
  async #judge(item: Item): Promise<Result> {
    const owners = ownersOf(item.object)
    const states = await Promise.all(owners.map(async (owner) => ({ owner, live: await this.#owner(item, owner) })))
    const gone = states.filter(({ live }) => live === undefined)
    const waiting = states.filter(({ live }) => live && isTerminating(live) && has(live, FOREGROUND))
    const solid = states.length - gone.length - waiting.length
    if (solid === 0 && states.length > 0) await this.#delete(item, waiting.length > 0 ? 'Foreground' : 'Background')
    else if (gone.length > 0) {
      const kept = owners.filter((owner) => !gone.some((each) => each.owner.uid === owner.uid))
      await this.#patch(item, { ownerReferences: kept })
    }
    return DONE
  }

  /** undefined: there is no such owner. */
  async #owner(item: Item, owner: OwnerReference): Promise<KubeObject | undefined> {
    const known = this.#graph.get(owner.uid)?.object
    if (known) return known
    const resource = this.#resources.get(`${owner.apiVersion}/${owner.kind}`)
    // A kind that is not served may be served again: its dependents stay.
    if (!resource) throw new Error(`owner of unknown kind ${owner.apiVersion} ${owner.kind}`)
    const namespace = resource.namespaced ? (item.object.metadata.namespace ?? '') : ''
    const live = await this.#kube.get(resource, { namespace, name: owner.name })
    return live && uidOf(live) === owner.uid ? live : undefined
  }

  async #delete({ resource, object }: Item, propagation: DeleteOptions['propagation']): Promise<void> {
    const preconditions = { uid: uidOf(object) }
    try {
      await this.#kube.delete(resource, keyOf(object), { preconditions, ...(propagation ? { propagation } : {}) })
    } catch (error) {
      if (!isKubeError(error, 409)) throw error
    }
  }

  async #deleteDependents(item: Item): Promise<Result> {
    const dependents = this.#graph.dependentsOf(uidOf(item.object))
    for (const dependent of dependents) if (!isTerminating(dependent.object)) await this.#judge(dependent)
    const blocking = dependents.filter(({ object }) =>
      ownersOf(object).some(({ uid, blockOwnerDeletion }) => uid === uidOf(item.object) && blockOwnerDeletion),
    )
    if (blocking.length > 0) return { requeueAfterMs: 500 }
    await this.#patch(item, { finalizers: withoutFinalizer(item.object, FOREGROUND) })
    return DONE
  }

  async #orphan(item: Item): Promise<void> {
    const uid = uidOf(item.object)
    for (const dependent of this.#graph.dependentsOf(uid)) {
      await this.#patch(dependent, { ownerReferences: ownersOf(dependent.object).filter((owner) => owner.uid !== uid) })
    }
    await this.#patch(item, { finalizers: withoutFinalizer(item.object, ORPHAN) })
  }

  async #patch({ resource, object }: Item, metadata: Record<string, unknown>): Promise<void> {
    const body = { metadata: { uid: uidOf(object), resourceVersion: object.metadata.resourceVersion, ...metadata } }
    try {
      await this.#kube.patch(resource, keyOf(object), 'merge', body)
    } catch (error) {
      if (!isKubeError(error, 404)) throw error
    }
  }
}

const withoutFinalizer = (object: KubeObject, finalizer: string): string[] =>
  (object.metadata.finalizers ?? []).filter((each) => each !== finalizer)

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
