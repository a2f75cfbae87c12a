/** Values by topic and partition, topics and their partitions in the order in which they came. Two steps instead of one key of both: a look-up makes no text. */
export class PartitionMap<V> {
  readonly #topics = new Map<string, Map<number, V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(topic: string, partition: number): V | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.has(partition) ?? false
  }

  set(topic: string, partition: number, value: V): void {
    let partitions = this.#topics.get(topic)
    if (!partitions) this.#topics.set(topic, (partitions = new Map<number, V>()))
    if (!partitions.has(partition)) this.#size++
    partitions.set(partition, value)
  }

  /** Whether there was one. */
  delete(topic: string, partition: number): boolean {
    const partitions = this.#topics.get(topic)
    if (!partitions?.delete(partition)) return false
    this.#size--
    if (partitions.size === 0) this.#topics.delete(topic)
    return true
  }

  clear(): void {
    this.#topics.clear()
    this.#size = 0
  }

  /** Behind the others of its topic, and its topic behind the others. */
  moveToEnd(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    const value = partitions?.get(partition)
    if (!partitions || value === undefined) return
    partitions.delete(partition)
    partitions.set(partition, value)
    if (this.#topics.size === 1) return
    this.#topics.delete(topic)
    this.#topics.set(topic, partitions)
  }

  *values(): Generator<V, void, undefined> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }

  /** Those of one topic. */
  valuesOf(topic: string): Iterable<V> {
    return this.#topics.get(topic)?.values() ?? []
  }

  *entries(): Generator<{ topic: string; partition: number; value: V }, void, undefined> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) yield { topic, partition, value }
    }
  }

  *topics(): Generator<[topic: string, partitions: ReadonlyMap<number, V>], void, undefined> {
    yield* this.#topics
  }
}
