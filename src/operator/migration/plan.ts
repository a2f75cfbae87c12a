import { partitionKey } from '../../base/topic-partition.ts'
import type { Cluster } from '../../api/index.ts'
import type { OldCluster, PartitionPlace } from './old-cluster.ts'

type Groups = Cluster['spec']['brokers']
export type MigrationSeen = {
  groups: Groups
  /** By group: the brokers that the StatefulSet runs; none: there is no StatefulSet. */
  running: ReadonlyMap<string, number>
  /** Our brokers that are ready. */
  ready: ReadonlySet<number>
  /** Whether ours begin with empty volumes and are filled by the others. */
  replicates: boolean
  old: OldCluster
}

/** `replicas`: by group, the brokers that run from now on. `isDone`: all of them are ours. */
export type MigrationPlan = {
  replicas: ReadonlyMap<string, number>
  state: 'done' | 'going on' | 'blocked'
  message: string
}

const idsOf = (group: Groups[number]): number[] => Array.from({ length: group.replicas }, (_unused, index) => (group.firstId ?? 0) + index)

/**
 * One broker after the other changes hands, in the order of the ids of each group: ours begins when the old one of its id is no longer registered. A broker must
 * not be stopped while partitions are not in sync; and one that begins empty must not be the only one that had a partition, for it would lead an empty log.
 */
export const planMigration = ({ groups, running, ready, replicates, old }: MigrationSeen): MigrationPlan => {
  const replicas = new Map(groups.map(({ name }) => [name, running.get(name) ?? 0]))
  const ours = groups.flatMap((group) => idsOf(group).slice(0, replicas.get(group.name)))
  const next = groups.flatMap((group) =>
    idsOf(group)
      .slice(replicas.get(group.name))
      .map((id) => ({ group: group.name, id })),
  )[0]
  const starting = ours.filter((id) => !ready.has(id))
  if (!next) {
    const message = 'every broker is one of this Cluster: take spec.migration away when no client uses its listener any more'
    return starting.length > 0 ? waitFor(starting, replicas) : { replicas, state: 'done', message }
  }
  if (starting.length > 0) return waitFor(starting, replicas)
  const { group, id } = next
  const at = old.partitions.filter(({ isr }) => isr.includes(id))
  const endpoints = old.brokers.get(id)
  if (endpoints) return whileOldRuns(id, endpoints, { replicas, at: replicates ? at : [], partitions: old.partitions })
  const alone = replicates ? at.filter(isOnly) : []
  if (alone.length > 0) {
    const message = `the old broker ${id} has stopped, and nobody else has ${listed(alone)}: start it again, and give them more replicas`
    return { replicas, state: 'blocked', message }
  }
  if (replicates && at.length > 0) {
    return { replicas, state: 'going on', message: `the old broker ${id} has stopped; waiting until others lead ${listed(at)}` }
  }
  return { replicas: replicas.set(group, (replicas.get(group) ?? 0) + 1), state: 'going on', message: `broker ${id} begins` }
}

const isOnly = ({ isr }: PartitionPlace): boolean => isr.length === 1

/** `at`: the partitions of which an empty broker must not be taken for an in-sync replica. */
const whileOldRuns = (
  id: number,
  endpoints: readonly string[],
  { replicas, at, partitions }: Pick<MigrationPlan, 'replicas'> & { at: readonly PartitionPlace[]; partitions: readonly PartitionPlace[] },
): MigrationPlan => {
  const alone = at.filter(isOnly)
  if (alone.length > 0) {
    const message = `the old broker ${id} must not be stopped: nobody else has ${listed(alone)}; give them more replicas, or say migration.data: HandOver and bring its log directory`
    return { replicas, state: 'blocked', message }
  }
  const behind = partitions.filter((partition) => partition.isr.length < partition.replicas.length)
  if (behind.length > 0) {
    const message = `do not stop the old broker ${id} yet: ${behind.length} partitions are not in sync (${listed(behind)})`
    return { replicas, state: 'going on', message }
  }
  return {
    replicas,
    state: 'going on',
    message: `stop the old broker ${id} (${endpoints.join(', ')}) now: broker ${id} of this Cluster takes its place`,
  }
}

const waitFor = (ids: readonly number[], replicas: ReadonlyMap<string, number>): MigrationPlan => ({
  replicas,
  state: 'going on',
  message: `waiting until broker ${ids[0]} serves; do not stop another one`,
})

const listed = (partitions: readonly PartitionPlace[]): string => {
  const shown = partitions.slice(0, 3).map(partitionKey)
  return `${shown.join(', ')}${partitions.length > 3 ? ` and ${partitions.length - 3} more` : ''}`
}
