/** Which items are on which brokers. */
export class BrokerIndex<T> {
  readonly #items = new Map<number, Set<T>>()

  on(brokerId: number): readonly T[] {
    return [...(this.#items.get(brokerId) ?? [])]
  }

  /** `item` was on the brokers `from` and is now on `to`. */
  move(item: T, from: readonly number[], to: readonly number[]): void {
    for (const id of from) this.#items.get(id)?.delete(item)
    for (const id of to) {
      const items = this.#items.get(id) ?? new Set<T>()
      items.add(item)
      this.#items.set(id, items)
    }
  }
}
