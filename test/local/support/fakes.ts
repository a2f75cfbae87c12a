import { KubeError } from '../../../src/kube/error.ts'
import {
  keyText,
  type DeleteOptions,
  type Key,
  type Kube,
  type KubeObject,
  type Resource,
  type WatchEvent,
} from '../../../src/kube/types.ts'
import type { Exit, Processes, ProcessSpec, RunningProcess } from '../../../src/local/kubelet/processes.ts'
import type { Prober, ProbeResult } from '../../../src/local/kubelet/prober.ts'

export type FakeProcess = RunningProcess & { spec: ProcessSpec; signals: string[]; exit(exit: Exit): void; isRunning: boolean }

/** Starts nothing; a test ends each process as it likes. */
export class FakeProcesses implements Processes {
  readonly started: FakeProcess[] = []
  orphans = 0
  /** What a process does on SIGTERM. */
  onTerm: 'exit' | 'ignore' = 'exit'

  start(spec: ProcessSpec): RunningProcess {
    const ended = Promise.withResolvers<Exit>()
    const fake: FakeProcess = {
      spec,
      pid: 1000 + this.started.length,
      signals: [],
      isRunning: true,
      exited: ended.promise,
      exit: (exit) => {
        fake.isRunning = false
        ended.resolve(exit)
      },
      signal: (name) => {
        fake.signals.push(name)
        if (name === 'SIGKILL') fake.exit({ code: 137, signal: 9 })
        else if (this.onTerm === 'exit') fake.exit({ code: 0 })
      },
    }
    this.started.push(fake)
    return fake
  }

  endOrphans(): number {
    return this.orphans
  }

  get running(): FakeProcess[] {
    return this.started.filter(({ isRunning }) => isRunning)
  }

  last(): FakeProcess {
    return this.started.at(-1)!
  }
}

/** Answers what the test says. */
export class FakeProber implements Prober {
  answer: ProbeResult = { ok: true, message: '' }
  readonly asked: string[] = []

  http(url: string): Promise<ProbeResult> {
    this.asked.push(url)
    return Promise.resolve(this.answer)
  }

  tcp(host: string, port: number): Promise<ProbeResult> {
    this.asked.push(`tcp://${host}:${port}`)
    return Promise.resolve(this.answer)
  }
}

type Stored = { resource: Resource; object: KubeObject }

const merged = (target: unknown, patch: unknown): unknown => {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch
  const result: Record<string, unknown> = { ...(target as Record<string, unknown>) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

/** Objects in memory behind the calls of `Kube`: enough for controllers; no validation, no defaults, no finalizers. */
export class MemoryKube implements Kube {
  readonly #objects = new Map<string, Stored>()
  #version = 0
  #waiters: (() => void)[] = []
  readonly #events: { version: number; resource: Resource; event: WatchEvent<KubeObject> }[] = []
  readonly deleted: { kind: string; name: string; options: DeleteOptions }[] = []
  readonly raws: { method: string; path: string; body: unknown }[] = []
  onRaw: (method: string, path: string, body: unknown) => unknown = () => ({})

  #name(resource: Resource, key: Key): string {
    return `${resource.apiVersion}/${resource.plural} ${keyText(resource.namespaced ? key : { ...key, namespace: '' })}`
  }

  #store(resource: Resource, object: KubeObject, type: 'ADDED' | 'MODIFIED' | 'DELETED'): KubeObject {
    const resourceVersion = String(++this.#version)
    const stored = { ...object, apiVersion: resource.apiVersion, kind: resource.kind, metadata: { ...object.metadata, resourceVersion } }
    const name = this.#name(resource, { namespace: object.metadata.namespace ?? '', name: object.metadata.name })
    if (type === 'DELETED') this.#objects.delete(name)
    else this.#objects.set(name, { resource, object: stored })
    this.#events.push({ version: this.#version, resource, event: { type, object: stored } })
    for (const wake of this.#waiters.splice(0)) wake()
    return stored
  }

  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T | undefined> {
    return Promise.resolve(this.#objects.get(this.#name(resource as unknown as Resource, key))?.object as T | undefined)
  }

  all<T extends KubeObject>(resource: Resource<T>): T[] {
    const ofKind = [...this.#objects.values()].filter((stored) => stored.resource.plural === resource.plural)
    return ofKind.map(({ object }) => object as T)
  }

  list<T extends KubeObject>(
    resource: Resource<T>,
    options: { namespace?: string } = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    const items = this.all(resource).filter(({ metadata }) => !options.namespace || metadata.namespace === options.namespace)
    return Promise.resolve({ items, resourceVersion: String(this.#version) })
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: { resourceVersion: string; signal?: AbortSignal },
  ): AsyncIterable<WatchEvent<T>> {
    let seen = Number(options.resourceVersion)
    while (!options.signal?.aborted) {
      const news = this.#events.filter((each) => each.version > seen && each.resource.plural === resource.plural)
      for (const { version, event } of news) {
        seen = version
        yield event as WatchEvent<T>
      }
      if (news.length > 0) continue
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve)
        options.signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    const { generateName } = object.metadata
    const name = object.metadata.name ?? `${generateName}${this.#version}`
    const key = { namespace: object.metadata.namespace ?? '', name }
    if (this.#objects.has(this.#name(resource as unknown as Resource, key))) {
      return Promise.reject(new KubeError(409, 'AlreadyExists', `${name} already exists`))
    }
    const metadata = { ...object.metadata, name, uid: `uid-${this.#version + 1}`, generation: 1 }
    return Promise.resolve(this.#store(resource as unknown as Resource, { ...object, metadata }, 'ADDED') as T)
  }

  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T> {
    return Promise.resolve(this.#store(resource as unknown as Resource, object, 'MODIFIED') as T)
  }

  async patch<T extends KubeObject>(resource: Resource<T>, key: Key, _type: string, body: unknown): Promise<T> {
    const live = await this.get(resource, key)
    if (!live) throw new KubeError(404, 'NotFound', `${key.name} not found`)
    const before = live.metadata
    const { metadata, ...rest } = merged(live, body) as T
    const generation = (before.generation ?? 1) + ((body as { spec?: unknown }).spec === undefined ? 0 : 1)
    return this.#store(resource as unknown as Resource, { ...rest, metadata: { ...metadata, generation } } as T, 'MODIFIED') as T
  }

  async apply<T extends KubeObject>(resource: Resource<T>, object: T): Promise<{ object: T; changed: boolean; created: boolean }> {
    const live = await this.get(resource, { namespace: object.metadata.namespace ?? '', name: object.metadata.name })
    const key = { namespace: object.metadata.namespace ?? '', name: object.metadata.name }
    return {
      object: live ? await this.patch(resource, key, 'merge', object) : await this.create(resource, object),
      changed: true,
      created: !live,
    }
  }

  async patchStatus<T extends KubeObject & { status?: unknown }>(
    resource: Resource<T>,
    object: T,
    status: T['status'],
  ): Promise<{ changed: boolean }> {
    if (JSON.stringify(object.status) === JSON.stringify(status)) return { changed: false }
    await this.patch(resource, { namespace: object.metadata.namespace ?? '', name: object.metadata.name }, 'merge', { status })
    return { changed: true }
  }

  async delete(resource: Resource, key: Key, options: DeleteOptions = {}): Promise<boolean> {
    const live = await this.get(resource, key)
    if (!live) return false
    this.deleted.push({ kind: resource.kind, name: key.name, options })
    if (live.metadata.finalizers?.length)
      this.#store(resource, { ...live, metadata: { ...live.metadata, deletionTimestamp: 'now' } }, 'MODIFIED')
    else this.#store(resource, live, 'DELETED')
    return true
  }

  raw(method: string, path: string, body?: unknown): Promise<unknown> {
    this.raws.push({ method, path, body })
    return Promise.resolve(this.onRaw(method, path, body))
  }
}
