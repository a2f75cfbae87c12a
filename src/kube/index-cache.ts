import { keyOf, keyText, type Key, type KubeObject } from './types.ts'

/** The values under which an object is found besides its key, e.g. the names that a Secret's owner has. */
export type IndexFunctions<T> = Record<string, (object: T) => string[]>

/** Objects by key and by index values. */
export class Cache<T extends KubeObject> {
  readonly #objects = new Map<string, T>()
  readonly #functions: IndexFunctions<T>
  readonly #indexes = new Map<string, Map<string, Set<string>>>()

  constructor(functions: IndexFunctions<T>) {
    this.#functions = functions
    for (const name of Object.keys(functions)) this.#indexes.set(name, new Map())
  }

  get size(): number {
    return this.#objects.size
  }

  get(key: Key): T | undefined {
    return this.#objects.get(keyText(key))
  }

  list(): T[] {
    return [...this.#objects.values()]
  }

  by(index: string, value: string): T[] {
    const keys = this.#indexes.get(index)?.get(value) ?? new Set<string>()
    return [...keys].map((key) => this.#objects.get(key)!)
  }

  /** Gives back what was there before. */
  set(object: T): T | undefined {
    const key = keyText(keyOf(object))
    const old = this.#objects.get(key)
    if (old) this.#unindex(key, old)
    this.#objects.set(key, object)
    for (const [name, values] of Object.entries(this.#functions)) {
      const index = this.#indexes.get(name)!
      for (const value of values(object)) {
        const keys = index.get(value) ?? new Set()
        index.set(value, keys.add(key))
      }
    }
    return old
  }

  delete(key: Key): T | undefined {
    const text = keyText(key)
    const old = this.#objects.get(text)
    if (old) this.#unindex(text, old)
    this.#objects.delete(text)
    return old
  }

  #unindex(key: string, object: T): void {
    for (const [name, values] of Object.entries(this.#functions)) {
      const index = this.#indexes.get(name)!
      for (const value of values(object)) {
        const keys = index.get(value)
        keys?.delete(key)
        if (keys?.size === 0) index.delete(value)
      }
    }
  }
}
