import type { Environment } from './environment.ts'
import type { Contact } from './kafka/contact.ts'

type Method = (...args: unknown[]) => unknown

/** One run of a reconcile: what it may call until its deadline, and what it waits for. */
export class Run {
  readonly #signal: AbortSignal
  readonly #beforeKafka: (name: string) => void
  readonly #aborted: Promise<never>
  readonly #waiting = new Map<number, string>()
  #calls = 0

  /** `beforeKafka` is told each call to Kafka before it is made, e.g. admin.createTopics; it throws when there must be none. */
  constructor(signal: AbortSignal, beforeKafka: (name: string) => void) {
    this.#signal = signal
    this.#beforeKafka = beforeKafka
    this.#aborted = new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
      else signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
    this.#aborted.catch(() => {})
  }

  /** The calls that have not come back, the oldest first. */
  get waitingFor(): string[] {
    return [...new Set(this.#waiting.values())]
  }

  /**
   * The same environment, in which everything that waits gives up when the run does, and nothing can be begun afterwards: a call that hangs cannot hold a resource for
   * ever, and what was given up cannot write behind the back of its successor.
   */
  within(environment: Environment): Environment {
    const { contacts } = environment
    return {
      ...environment,
      kube: this.#bounded(environment.kube, 'kubernetes.'),
      events: this.#bounded(environment.events, 'events.'),
      ensembles: this.#bounded(environment.ensembles, 'zookeeper.'),
      contacts: {
        get: async (cluster) => this.#bounded<Contact>(await this.#until('kafka.connect', () => contacts.get(cluster)), 'kafka.'),
        unreachableMs: (cluster) => contacts.unreachableMs(cluster),
        forget: (cluster) => contacts.forget(cluster),
        close: () => contacts.close(),
      },
    }
  }

  #bounded<T extends object>(target: T, prefix: string): T {
    return new Proxy(target, {
      get: (_target, property) => {
        const value: unknown = Reflect.get(target, property)
        const name = `${prefix}${String(property)}`
        if (typeof value === 'function') return (...args: unknown[]) => this.#call(name, () => (value as Method).apply(target, args))
        if (typeof value === 'object' && value !== null) return this.#bounded(value, `${name}.`)
        return value
      },
    })
  }

  #call(name: string, call: () => unknown): unknown {
    this.#signal.throwIfAborted()
    const [where, ...what] = name.split('.')
    if (where === 'kafka' || where === 'zookeeper') this.#beforeKafka(what.join('.'))
    const result = call()
    return result instanceof Promise ? this.#until(name, () => result) : result
  }

  async #until<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted()
    const id = this.#calls++
    this.#waiting.set(id, name)
    try {
      const result = await Promise.race([call(), this.#aborted])
      this.#waiting.delete(id)
      return result
    } catch (error) {
      // What is waited for at the abort stays, so that the condition can name it.
      if (!this.#signal.aborted) this.#waiting.delete(id)
      throw error
    }
  }
}
