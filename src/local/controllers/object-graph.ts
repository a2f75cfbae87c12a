import type { KubeObject, OwnerReference, Resource } from '../../kube/types.ts'

export type Item = { resource: Resource; object: KubeObject }

export const uidOf = (object: KubeObject): string => object.metadata.uid ?? ''
export const ownersOf = (object: KubeObject): OwnerReference[] => object.metadata.ownerReferences ?? []

/** All objects by uid, and which of them name which owner. */
export class ObjectGraph {
  readonly #items = new Map<string, Item>()
  readonly #dependents = new Map<string, Set<string>>()

  get(uid: string): Item | undefined {
    return this.#items.get(uid)
  }

  dependentsOf(uid: string): Item[] {
    return [...(this.#dependents.get(uid) ?? [])].map((dependent) => this.#items.get(dependent)).filter((item) => item !== undefined)
  }

  /** Uids of all objects, for a look at each. */
  uids(): string[] {
    return [...this.#items.keys()]
  }

  put(resource: Resource, object: KubeObject): void {
    this.delete(uidOf(object))
    this.#items.set(uidOf(object), { resource, object })
    for (const { uid } of ownersOf(object)) {
      const known = this.#dependents.get(uid) ?? new Set()
      this.#dependents.set(uid, known.add(uidOf(object)))
    }
  }

  delete(uid: string): void {
    const item = this.#items.get(uid)
    if (!item) return
    this.#items.delete(uid)
    for (const owner of ownersOf(item.object)) {
      const known = this.#dependents.get(owner.uid)
      known?.delete(uid)
      if (known?.size === 0) this.#dependents.delete(owner.uid)
    }
  }
}
