/** Values by topic and partition, in the order in which they came. */
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
    const partitions = this.#topics.get(topic) ?? new Map<number, V>()
    if (!partitions.has(partition)) this.#size++
    partitions.set(partition, value)
    this.#topics.set(topic, partitions)
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    if (!partitions?.delete(partition)) return
    this.#size--
    if (partitions.size === 0) this.#topics.delete(topic)
  }

  *entries(): Generator<{ topic: string; partition: number; value: V }> {
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) yield { topic, partition, value }
    }
  }
}
