import type { TopicPartition } from '../../base/topic-partition.ts'
import { KafkaError } from '../../protocol/errors.ts'
import type { Assignment, ControllerContext, KnownPartition } from './context.ts'
import { isMoving, originOf, reassign } from './reassignment.ts'

/** `replicas`: the brokers that are to have the partition, the preferred leader first; null gives up the move that is under way. */
export type WantedMove = TopicPartition & { replicas: readonly number[] | null }
export type PlannedMove = { known: KnownPartition; to: Assignment }

const UNASSIGNED: Assignment = { replicas: [], adding: [], removing: [] }
const wrong = (message: string): KafkaError => new KafkaError('INVALID_REPLICA_ASSIGNMENT', message)

/** KafkaError INVALID_REPLICA_ASSIGNMENT. Source of the messages: KafkaController.validateReplicas. */
const checkReplicas = (replicas: readonly number[]): void => {
  if (replicas.length === 0) throw wrong('Empty replica list specified in partition reassignment.')
  if (new Set(replicas).size < replicas.length)
    throw wrong(`Duplicate replica ids in partition reassignment replica list: ${replicas.join(', ')}`)
  if (replicas.some((id) => id < 0)) throw wrong(`Invalid broker id in replica list: ${replicas.join(', ')}`)
}

const checkAlive = ({ adding }: Assignment, context: ControllerContext): void => {
  const alive = [...context.brokers.keys()].filter((id) => !context.shuttingDown.has(id))
  if (adding.every((id) => alive.includes(id))) return
  throw wrong(
    `Replica assignment has brokers that are not alive. Replica list: ${adding.join(', ')}, live broker list: ${alive.sort((a, b) => a - b).join(', ')}`,
  )
}

/** Where Kafka would delete the only replicas that have every record. */
const checkInSync = ({ replicas }: Assignment, known: KnownPartition): void => {
  const isr = known.leadership?.isr ?? []
  if (isr.length === 0 || isr.some((id) => replicas.includes(id))) return
  throw wrong(
    `None of the replicas ${replicas.join(', ')} is in sync, only ${isr.join(', ')}: records would be lost. Wait until one has caught up.`,
  )
}

/**
 * What a request means for the assignment. Throws KafkaError: INVALID_REPLICA_ASSIGNMENT, NO_REASSIGNMENT_IN_PROGRESS, UNKNOWN_TOPIC_OR_PARTITION, and then
 * nothing is to be changed. `mayBeAbsent`: brokers that are not alive are waited for, as Kafka does for requests that came by ZooKeeper.
 */
export const planMove = (
  wanted: WantedMove,
  context: ControllerContext,
  storedOf: (known: KnownPartition) => Assignment,
  mayBeAbsent = false,
): PlannedMove => {
  const known = context.partition(wanted)
  const stored = known ? storedOf(known) : UNASSIGNED
  if (wanted.replicas === null && !isMoving(stored)) throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS')
  if (wanted.replicas !== null) checkReplicas(wanted.replicas)
  const to = reassign(stored, wanted.replicas ?? originOf(stored))
  if (wanted.replicas !== null && !mayBeAbsent) checkAlive(to, context)
  if (!known || context.isToBeDeleted(known)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'The partition does not exist.')
  checkInSync(to, known)
  return { known, to }
}
