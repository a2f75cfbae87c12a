import { partitionKey } from '../../../base/topic-partition.ts'
import type { PartitionReplicas } from '../../../client/partition-admin.ts'
import { keyOf } from '../../../kube/types.ts'
import type { Contact } from '../../kafka/contact.ts'
import { levelled } from '../../kafka/levelling.ts'
import { clearUp, settled, startMoves } from '../../kafka/moves.ts'
import type { LiveBroker } from '../../kafka/placement.ts'
import { throttleOf } from '../../kafka/throttle.ts'
import { reconciling } from '../../reasons.ts'
import { isAtRest } from './leaders.ts'
import type { Finding, Pass, Step } from '../steps.ts'

/** The record of the brokers that have had their share; the others are new. */
const RECORD = 'balanced'
/** Partitions that move at a time. */
const AT_A_TIME = 100
const LOOK_AGAIN_MS = 5000

/**
 * Where the Cluster says rebalance: OnScaleUp, partitions move to brokers that were added. Each step begins anew from what Kafka says; which brokers are new stands in a
 * record, so it may be interrupted anywhere.
 */
export const rebalance: Step = {
  name: 'rebalance',
  run: async (pass) => {
    const { cluster, kafka } = pass
    if (cluster.spec.rebalance !== 'OnScaleUp' || !kafka.contact || !isAtRest(pass)) return undefined
    const { brokers } = await kafka.contact.describeCluster()
    const ids = brokers.map(({ id }) => id)
    const known = (await kafka.contact.records.get('brokers', RECORD))?.config
    const added = known ? ids.filter((id) => !known.includes(String(id))) : []
    if (added.length > 0) return moveTo(pass, kafka.contact, brokers, added)
    await remember(pass, kafka.contact, ids)
    return undefined
  },
}

const remember = ({ cluster }: Pass, contact: Contact, ids: readonly number[]): Promise<void> =>
  contact.records.put('brokers', RECORD, {
    owner: { ...keyOf(cluster), uid: cluster.metadata.uid ?? '' },
    deletionPolicy: 'Retain',
    config: ids.map(String).sort(),
  })

const moveTo = async (
  pass: Pass,
  contact: Contact,
  brokers: readonly LiveBroker[],
  added: readonly number[],
): Promise<Finding | undefined> => {
  const who = added.length === 1 ? `broker ${added[0]}` : `brokers ${added.join(', ')}`
  const partitions = await contact.partitions.replicas()
  const moves = await contact.partitions.reassignments()
  const aims: PartitionReplicas[] = partitions.map((partition) => settled(partition, moves))
  const moving = new Set(moves.map(partitionKey))
  const wanted = levelled(aims, brokers, { to: new Set(added), exceptFor: moving })
  if (wanted.length === 0 && moves.length === 0) {
    await clearUp(contact, partitions, moves)
    await remember(pass, contact, brokers.map(({ id }) => id)) // prettier-ignore
    const note = `partitions were moved to the ${who}: all brokers have their share`
    await pass.environment.events.record(pass.cluster, { type: 'Normal', reason: 'Changed', action: 'Rebalance', note })
    return undefined
  }
  const room = AT_A_TIME - moves.length
  if (wanted.length > 0 && room > 0) {
    const now = wanted.slice(0, room)
    const refusal = await startMoves(contact, { wanted: now, partitions, brokers, throttle: throttleOf(pass.cluster) })
    if (refusal)
      return { verdict: reconciling('KafkaRefused', `partitions cannot be moved to ${who}: ${refusal.error}: ${refusal.message}`) }
  }
  const left = wanted.length + moves.length
  return { verdict: reconciling('Rebalancing', `${left} partitions are still to be moved to ${who}`), requeueAfterMs: LOOK_AGAIN_MS }
}
