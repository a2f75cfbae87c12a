import { KafkaError } from '../../protocol/errors.ts'
import type { Assignment } from './znodes/topic.ts'

const wrong = (message: string): KafkaError => new KafkaError('INVALID_REPLICA_ASSIGNMENT', message)

const hasDuplicates = (replicas: readonly number[]): boolean => new Set(replicas).size < replicas.length

const refuseUnknown = (lists: Iterable<readonly number[]>, known: ReadonlySet<number>): void => {
  const unknown = new Set([...lists].flat().filter((id) => !known.has(id)))
  if (unknown.size > 0) throw wrong(`Unknown broker(s) in replica assignment: ${[...unknown].join(', ')}.`)
}

/** Checks the replicas that a client chose for a whole topic; gives the replication factor. KafkaError INVALID_REPLICA_ASSIGNMENT, in the order of AdminZkClient.validateTopicCreate. */
export const checkAssignment = (assignment: Assignment, known: ReadonlySet<number>): number => {
  const sizes = new Set([...assignment.values()].map((replicas) => replicas.length))
  if (sizes.size !== 1) throw wrong('All partitions should have the same number of replicas')
  const [replicationFactor = 0] = sizes
  if (replicationFactor === 0) throw wrong('Cannot have replication factor of 0 for a partition.')
  const entries = [...assignment].sort(([a], [b]) => a - b)
  const twice = entries.find(([, replicas]) => hasDuplicates(replicas))
  if (twice) throw wrong(`Duplicate replica assignment found: partition ${twice[0]} has ${twice[1].join(', ')}`)
  if (entries.some(([partition], index) => partition !== index)) throw wrong('partitions should be a consecutive 0-based integer sequence')
  refuseUnknown(assignment.values(), known)
  return replicationFactor
}

/** Checks the replicas that a client chose for partitions `existing.size` and on. KafkaError INVALID_REPLICA_ASSIGNMENT, as AdminManager.createPartitions and AdminZkClient.addPartitions. */
export const checkAddedReplicas = (
  existing: Assignment,
  missing: number,
  added: readonly (readonly number[])[],
  known: ReadonlySet<number>,
): void => {
  refuseUnknown(added, known)
  if (added.length !== missing) throw wrong(`Increasing the number of partitions by ${missing} but ${added.length} assignments provided.`)
  const numbered = added.map((replicas, index) => [existing.size + index, replicas] as const)
  for (const [partition, replicas] of numbered) {
    if (replicas.length === 0) throw wrong(`Cannot have replication factor of 0 for partition id ${partition}.`)
    if (hasDuplicates(replicas))
      throw wrong(`Duplicate brokers not allowed in replica assignment: ${replicas.join(', ')} for partition id ${partition}.`)
  }
  const replicationFactor = existing.get(0)?.length ?? 0
  const others = numbered.filter(([, replicas]) => replicas.length !== replicationFactor)
  if (others.length === 0) return
  throw wrong(
    `Inconsistent replication factor between partitions, partition 0 has ${replicationFactor} while partitions ` +
      `[${others.map(([partition]) => partition).join(', ')}] have replication factors [${others.map(([, { length }]) => length).join(', ')}], respectively.`,
  )
}
