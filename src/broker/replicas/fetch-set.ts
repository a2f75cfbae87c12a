import type { FollowedPartition } from './fetch-partition.ts'

type Named = { topic: string; partition: number }

/** The partitions of one fetcher, by topic; who got records goes to the end, so that a full fetch serves all in turn. */
export class FollowedSet {
  readonly #topics = new Map<string, Map<number, FollowedPartition>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(topic: string, partition: number): FollowedPartition | undefined {
    return this.#topics.get(topic)?.get(partition)
  }

  /** Whether this very object is followed: not one of another epoch. */
  holds(followed: FollowedPartition): boolean {
    return this.get(followed.replica.topic, followed.replica.partition) === followed
  }

  add(followed: FollowedPartition): void {
    const { topic, partition } = followed.replica
    const partitions = this.#topics.get(topic) ?? new Map<number, FollowedPartition>()
    if (!partitions.has(partition)) this.#size++
    partitions.set(partition, followed)
    this.#topics.set(topic, partitions)
  }

  delete({ topic, partition }: Named): void {
    const partitions = this.#topics.get(topic)
    if (!partitions?.delete(partition)) return
    this.#size--
    if (partitions.size === 0) this.#topics.delete(topic)
  }

  moveToEnd({ topic, partition }: Named): void {
    const partitions = this.#topics.get(topic)
    const followed = partitions?.get(partition)
    if (!partitions || !followed) return
    partitions.delete(partition)
    partitions.set(partition, followed)
    if (this.#topics.size === 1) return
    this.#topics.delete(topic)
    this.#topics.set(topic, partitions)
  }

  *all(): Generator<FollowedPartition, void, undefined> {
    for (const partitions of this.#topics.values()) yield* partitions.values()
  }
}
