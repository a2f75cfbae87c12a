export type Candidate = { id: number; rack: string | null }

const replicaIndex = (first: number, shift: number, nth: number, brokers: number): number =>
  (first + 1 + ((shift + nth) % (brokers - 1))) % brokers

/** Brokers in an order in which neighbours are of different racks as long as there are any: r1, r2, r3, r1, r2, ... */
export const alternateRacks = (brokers: readonly Candidate[]): Candidate[] => {
  const racks = [...Map.groupBy(brokers, ({ rack }) => rack)]
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))
    .map(([, members]) => members)
  const rounds = Math.max(0, ...racks.map((members) => members.length))
  return Array.from({ length: rounds }, (_unused, round) => racks.flatMap((members) => members[round] ?? [])).flat()
}

type Plan = { ordered: readonly Candidate[]; first: number; shift: number; replicationFactor: number; racks: number }

/** The leader's followers: each on a broker of its own, and on a rack of its own while there are racks without one. */
const followers = ({ ordered, first, shift, replicationFactor, racks }: Plan): number[] => {
  const chosen = [ordered[first]!]
  for (let nth = 0; chosen.length < replicationFactor; nth++) {
    const candidate = ordered[replicaIndex(first, shift * Math.max(racks, 1), nth, ordered.length)]!
    const usedRacks = new Set(chosen.map(({ rack }) => rack))
    const isRackFree = racks === 0 || !usedRacks.has(candidate.rack) || usedRacks.size === racks
    if (isRackFree && !chosen.includes(candidate)) chosen.push(candidate)
  }
  return chosen.map(({ id }) => id)
}

/**
 * Spreads partitions over brokers: leaders one broker after the other from a random one on, followers at a shift that grows with every round; over racks when
 * every broker has one. As Kafka's AdminUtils does it. `replicationFactor` must not exceed the number of brokers.
 */
export const assign = (options: {
  brokers: readonly Candidate[]
  partitions: number
  replicationFactor: number
  /** The number of the first new partition; above 0 when a topic grows. */
  firstPartition?: number
  /** Where in the order of the brokers to begin, and the first shift; random when absent. */
  start?: number
  random: () => number
}): Map<number, number[]> => {
  const { partitions, replicationFactor, random, firstPartition = 0 } = options
  const sorted = options.brokers.toSorted((a, b) => a.id - b.id)
  const isRackAware = sorted.every(({ rack }) => rack !== null)
  const ordered = isRackAware ? alternateRacks(sorted) : sorted
  const racks = isRackAware ? new Set(sorted.map(({ rack }) => rack)).size : 0
  const start = options.start ?? Math.floor(random() * ordered.length)
  let shift = options.start ?? Math.floor(random() * ordered.length)
  const assignment = new Map<number, number[]>()
  for (let partition = firstPartition; partition < firstPartition + partitions; partition++) {
    if (partition > 0 && partition % ordered.length === 0) shift++
    assignment.set(partition, followers({ ordered, first: (partition + start) % ordered.length, shift, replicationFactor, racks }))
  }
  return assignment
}
