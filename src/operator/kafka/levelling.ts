import { partitionKey } from '../../base/topic-partition.ts'
import type { PartitionReplicas, WantedReplicas } from '../../client/partition-admin.ts'
import type { LiveBroker } from './placement.ts'

type Options = {
  /** The brokers that get replicas. */
  to: ReadonlySet<number>
  /** Partitions that are left where they are, by partitionKey. */
  exceptFor?: ReadonlySet<string>
}

/**
 * Moves single replicas from the brokers that have the most to those in `to` that have the least, until they differ by at most one. A partition moves one replica only, at its
 * place in the order of preference; and its replicas are in as many racks as before. Same in, same out.
 */
export const levelled = (partitions: readonly PartitionReplicas[], brokers: readonly LiveBroker[], options: Options): WantedReplicas[] => {
  const racks = new Map(brokers.map(({ id, rack }) => [id, rack ?? `broker ${id}`]))
  const load = new Map(brokers.map(({ id }) => [id, 0]))
  for (const { replicas } of partitions) for (const id of replicas) if (load.has(id)) load.set(id, load.get(id)! + 1)
  const wanted: WantedReplicas[] = []
  const candidates = partitions.filter((partition) => !options.exceptFor?.has(partitionKey(partition)))
  const byBroker = new Map(brokers.map(({ id }) => [id, candidates.filter(({ replicas }) => replicas.includes(id))]))
  const moved = new Set<string>()
  const spread = (ids: readonly number[]): number => new Set(ids.map((id) => racks.get(id))).size

  const moveOne = (from: number, to: number): boolean => {
    const at = byBroker.get(from)!.findIndex((partition) => {
      if (moved.has(partitionKey(partition)) || partition.replicas.includes(to)) return false
      const after = partition.replicas.map((id) => (id === from ? to : id))
      return spread(after) >= spread(partition.replicas)
    })
    if (at < 0) return false
    const [partition] = byBroker.get(from)!.splice(at, 1)
    const { topic, partition: number, replicas } = partition!
    moved.add(partitionKey(partition!))
    wanted.push({ topic, partition: number, replicas: replicas.map((id) => (id === from ? to : id)) })
    load.set(from, load.get(from)! - 1)
    load.set(to, load.get(to)! + 1)
    return true
  }

  const full = new Set<number>()
  for (;;) {
    const [to] = [...options.to].filter((id) => load.has(id) && !full.has(id)).sort((a, b) => load.get(a)! - load.get(b)! || a - b)
    if (to === undefined) return wanted
    const donors = [...load.keys()]
      .filter((id) => !options.to.has(id) && load.get(id)! - load.get(to)! > 1)
      .sort((a, b) => load.get(b)! - load.get(a)! || a - b)
    if (!donors.some((from) => moveOne(from, to))) full.add(to)
  }
}
