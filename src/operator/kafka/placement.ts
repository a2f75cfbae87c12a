import type { PartitionReplicas, WantedReplicas } from '../../client/partition-admin.ts'

/** A broker that is registered now. */
export type LiveBroker = { id: number; rack: string | null }

/** How many replicas each broker has, and how many partitions prefer it as their leader, while a plan is made. */
class Load {
  readonly #replicas = new Map<number, number>()
  readonly #preferred = new Map<number, number>()

  constructor(partitions: readonly PartitionReplicas[]) {
    for (const { replicas } of partitions) this.add(replicas, 1)
  }

  add(replicas: readonly number[], by: 1 | -1): void {
    for (const id of replicas) this.#replicas.set(id, this.replicas(id) + by)
    if (replicas.length > 0) this.#preferred.set(replicas[0]!, this.preferred(replicas[0]!) + by)
  }

  replicas(id: number): number {
    return this.#replicas.get(id) ?? 0
  }
  preferred(id: number): number {
    return this.#preferred.get(id) ?? 0
  }
}

/** The broker that should get one more replica beside `kept`: of a rack that has none of them where there is one, then the one with the least. */
const nextBroker = (brokers: readonly LiveBroker[], kept: readonly number[], load: Load, position: number): LiveBroker | undefined => {
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack]))
  const taken = new Set(kept.map((id) => racks.get(id)).filter((rack) => typeof rack === 'string'))
  const rank = ({ id, rack }: LiveBroker): number[] => [
    typeof rack === 'string' && taken.has(rack) ? 1 : 0,
    position === 0 ? load.preferred(id) : 0,
    load.replicas(id),
    id,
  ]
  const compare = (a: LiveBroker, b: LiveBroker): number => {
    const [ranksA, ranksB] = [rank(a), rank(b)]
    const at = ranksA.findIndex((value, index) => value !== ranksB[index])
    return at < 0 ? 0 : ranksA[at]! - ranksB[at]!
  }
  return brokers.filter(({ id }) => !kept.includes(id)).sort(compare)[0]
}

type Cluster = { brokers: readonly LiveBroker[]; partitions: readonly PartitionReplicas[] }

const isOther = ({ replicas }: PartitionReplicas, wanted: readonly number[]): boolean =>
  replicas.length !== wanted.length || replicas.some((id, index) => id !== wanted[index])

const plan = (moving: readonly PartitionReplicas[], cluster: Cluster, place: (partition: PartitionReplicas, load: Load) => number[]) => {
  const load = new Load(cluster.partitions)
  return moving.flatMap((partition): WantedReplicas[] => {
    const { topic, replicas } = partition
    const wanted = place(partition, load)
    load.add(replicas, -1)
    load.add(wanted, 1)
    return isOther(partition, wanted) ? [{ topic, partition: partition.partition, replicas: wanted }] : []
  })
}

/**
 * Gives every partition of a topic `count` replicas. The present ones stay as far as they may, the preferred leader first; when some must go, those of brokers
 * that are not there and those that share a rack go first. There must be `count` brokers.
 */
export const withReplicationFactor = (moving: readonly PartitionReplicas[], cluster: Cluster, count: number): WantedReplicas[] =>
  plan(moving, cluster, ({ replicas }, load) => {
    const wanted = replicas.length > count ? reduced(replicas, cluster.brokers, count) : [...replicas]
    while (wanted.length < count) {
      const next = nextBroker(cluster.brokers, wanted, load, wanted.length)
      if (!next) break
      wanted.push(next.id)
    }
    return wanted
  })

const reduced = (replicas: readonly number[], brokers: readonly LiveBroker[], count: number): number[] => {
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack]))
  const seen = new Set<string>()
  const worth = replicas.map((id, index) => {
    const rack = racks.get(id)
    const isSecondOfRack = typeof rack === 'string' && seen.has(rack)
    if (typeof rack === 'string') seen.add(rack)
    return { id, index, rank: (racks.has(id) ? 0 : 2) + (isSecondOfRack ? 1 : 0) }
  })
  const kept = new Set(
    worth
      .sort((a, b) => a.rank - b.rank || a.index - b.index)
      .slice(0, count)
      .map(({ id }) => id),
  )
  return replicas.filter((id) => kept.has(id))
}

/**
 * Takes the replicas away from `leaving` brokers, each to another one at the same place in the order of preference. Where the preferred leader leaves, the one of the
 * new replicas leads that is preferred least often. Enough brokers must stay.
 */
export const withoutBrokers = (moving: readonly PartitionReplicas[], cluster: Cluster, leaving: ReadonlySet<number>): WantedReplicas[] => {
  const staying = cluster.brokers.filter(({ id }) => !leaving.has(id))
  return plan(moving, cluster, ({ replicas }, load) => {
    const wanted = [...replicas]
    for (const [position, id] of replicas.entries()) {
      if (!leaving.has(id)) continue
      const others = wanted.filter((_unused, index) => index !== position)
      const next = nextBroker(staying, others, load, position)
      if (next) wanted[position] = next.id
    }
    return leaving.has(replicas[0]!) ? ledByLeastPreferred(wanted, load) : wanted
  })
}

const ledByLeastPreferred = (replicas: readonly number[], load: Load): number[] => {
  const leader = replicas.reduce((least, id) => (load.preferred(id) < load.preferred(least) ? id : least))
  return [leader, ...replicas.filter((id) => id !== leader)]
}
