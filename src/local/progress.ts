import type { MonotonicClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { keyOf, keyText, type Condition, type Key, type Kube, type KubeObject, type Resource } from '../kube/types.ts'
import { Informers } from './controllers/controller.ts'
import { launchOf, type ProgramName } from './kubelet/images.ts'
import { isReady, pods, type Pod } from './objects.ts'

/** A custom resource as far as progress is concerned. */
export type Observed = KubeObject & {
  spec?: Record<string, unknown>
  status?: { conditions?: Condition[]; observedGeneration?: number; listeners?: { name: string; bootstrapServers?: string }[] }
}
export type Wanted = { resource: Resource; key: Key }

const isReadyNow = (object: Observed | undefined): boolean => {
  const ready = object?.status?.conditions?.find(({ type }) => type === 'Ready')
  return ready?.status === 'True' && (ready.observedGeneration ?? object?.metadata.generation) === object?.metadata.generation
}

const programOf = (pod: Pod): ProgramName | undefined => {
  const launch = launchOf(pod.spec.containers[0] ?? { image: '' })
  return 'program' in launch ? launch.program : undefined
}

/** How far pods and custom resources are, from informers; waits for them without asking again and again. */
export class Progress {
  readonly #informers: Informers
  readonly #wanted: readonly Wanted[]
  #changed = Promise.withResolvers<void>()

  constructor(options: { kube: Kube; clock: MonotonicClock; logger: Logger; wanted: readonly Wanted[] }) {
    this.#informers = new Informers(options)
    this.#wanted = options.wanted
    const wake = (): void => {
      this.#changed.resolve()
      this.#changed = Promise.withResolvers()
    }
    this.#informers.on(pods, wake)
    for (const resource of new Set(options.wanted.map((each) => each.resource))) this.#informers.on(resource, wake)
  }

  start(): Promise<void> {
    return this.#informers.start()
  }

  stop(): Promise<void> {
    return this.#informers.stop()
  }

  /** Resolves when `isDone` holds; rejects when the signal aborts. */
  async until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<never>((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    aborted.catch(() => {})
    for (let next = this.#changed.promise; !isDone(); next = this.#changed.promise) await Promise.race([next, aborted])
  }

  /** Resolves at the next change of anything. */
  change(): Promise<void> {
    return this.#changed.promise
  }

  pods(program: ProgramName): { ready: number; all: number } {
    const all = this.#informers
      .of(pods)
      .list()
      .filter((pod) => programOf(pod) === program)
    return { ready: all.filter(isReady).length, all: all.length }
  }

  resources(kind: string): { ready: number; all: number } {
    const all = this.#wanted.filter(({ resource }) => resource.kind === kind)
    return { ready: all.filter((each) => isReadyNow(this.#get(each))).length, all: all.length }
  }

  objects(kind: string): Observed[] {
    return this.#wanted
      .filter(({ resource }) => resource.kind === kind)
      .map((each) => this.#get(each))
      .filter((object) => object !== undefined)
  }

  /** What is not Ready, and what it says about that. */
  unready(): string[] {
    return this.#wanted
      .filter((each) => !isReadyNow(this.#get(each)))
      .map((each) => {
        const ready = this.#get(each)?.status?.conditions?.find(({ type }) => type === 'Ready')
        return `${each.resource.kind} ${keyText(each.key)}: ${ready?.message ?? 'the operator has not looked at it yet'}`
      })
  }

  #get({ resource, key }: Wanted): Observed | undefined {
    return this.#informers.of(resource).get(key) as Observed | undefined
  }
}

export const wantedOf = (applied: readonly { resource: Resource; object: KubeObject }[]): Wanted[] =>
  applied
    .filter(({ resource }) => resource.apiVersion.startsWith('sofakafka.io/'))
    .map(({ resource, object }) => ({ resource, key: keyOf(object) }))
