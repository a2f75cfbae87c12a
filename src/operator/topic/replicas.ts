import type { TopicStatus } from '../../api/index.ts'
import type { Contact, OwnerRecord } from '../kafka/contact.ts'
import { endMoves, settled, startMoves } from '../kafka/moves.ts'
import { withReplicationFactor } from '../kafka/placement.ts'
import { throttleOf } from '../kafka/throttle.ts'
import { reconciling, stalled, type Verdict } from '../reasons.ts'
import type { TopicSeen } from './observe.ts'

export type ReplicasChange = NonNullable<TopicStatus['replicasChange']>
export type ReplicasOutcome = { verdict?: Verdict; change?: ReplicasChange; started?: number; isDone?: boolean }

/**
 * One step towards `count` replicas of every partition: begins the moves that are missing, or waits for those that are under way (somebody else's too), or clears up
 * after its own last one. What stands in Kafka and in the record tells where it was, so it may be interrupted anywhere.
 */
export const changeReplicas = async (
  contact: Contact,
  { name, cluster }: TopicSeen,
  count: number,
  record: OwnerRecord,
): Promise<ReplicasOutcome> => {
  const { brokers } = await contact.describeCluster()
  if (brokers.length < count) {
    const there = brokers.length === 1 ? 'there is 1 broker' : `there are ${brokers.length} brokers`
    return {
      verdict: stalled('TooFewBrokers', `the topic ${name} cannot have ${count} replicas: ${there}; add brokers, or lower spec.replicas`),
    }
  }
  const partitions = await contact.partitions.replicas()
  const own = partitions.filter(({ topic }) => topic === name)
  const moves = await contact.partitions.reassignments(own)
  const missing = own.filter((partition) => settled(partition, moves).replicas.length !== count)
  if (missing.length > 0) {
    const wanted = withReplicationFactor(
      missing.map((partition) => settled(partition, moves)),
      { brokers, partitions },
      count,
    )
    await contact.records.put('topics', name, { ...record, isMoving: true })
    const refusal = await startMoves(contact, { wanted, partitions: own, brokers, throttle: throttleOf(cluster) })
    if (refusal) return { verdict: reconciling('KafkaRefused', `${refusal.error}: ${refusal.message}`) }
    return { ...changing(name, own.length, Math.max(missing.length, moves.length), count), started: missing.length }
  }
  if (moves.length > 0) return changing(name, own.length, moves.length, count)
  if (!record.isMoving) return {}
  await endMoves(contact, [name], brokers)
  return { isDone: true }
}

const changing = (name: string, all: number, left: number, count: number): ReplicasOutcome => ({
  verdict: reconciling('ReplicasChanging', `${left} of the ${all} partitions of ${name} do not have their ${count} replicas yet`),
  change: { targetReplicas: count, partitionsLeft: left },
})
