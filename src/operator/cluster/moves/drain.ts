import type { Cluster } from '../../../api/index.ts'
import { keyOf } from '../../../kube/types.ts'
import type { Environment } from '../../environment.ts'
import { Unreachable, type Contact } from '../../kafka/contact.ts'
import { clearUp, settled, startMoves } from '../../kafka/moves.ts'
import { withoutBrokers } from '../../kafka/placement.ts'
import { throttleOf } from '../../kafka/throttle.ts'
import { GROUP_LABEL, groupName, SKIP_DRAIN } from '../../names.ts'
import { reconciling, stalled, type Verdict } from '../../reasons.ts'
import { stopRemoved } from './groups.ts'
import { removedGroups } from './removed-groups.ts'
import type { ClusterSeen } from '../observe.ts'
import { idOf } from '../pods/broker-pods.ts'
import type { Pass, Step } from '../steps.ts'

/** Partitions that move at a time: enough to keep brokers busy, few enough that one that is stuck shows. */
const AT_A_TIME = 100

type Removed = ReturnType<typeof removedGroups>[number]
type Leaving = { group: string; brokers: number[] }

/**
 * The brokers that the spec no longer has and the StatefulSets still run: the highest ids of a group, or all of one that was removed. A StatefulSet that is being made
 * again is not there for a moment; then its pods tell.
 */
const leavingBrokers = (cluster: Cluster, seen: ClusterSeen, removed: readonly Removed[]): Leaving[] => {
  const { statefulSets, pods } = seen
  const shrinking = cluster.spec.brokers.flatMap(({ name, replicas, firstId = 0 }) => {
    if (removed.some((group) => group.name === name)) return []
    const set = statefulSets.find(({ metadata }) => metadata.name === groupName(cluster, name) && !metadata.deletionTimestamp)
    const ids = pods.filter(({ metadata }) => metadata.labels?.[GROUP_LABEL] === name && !metadata.deletionTimestamp).map(idOf)
    const running = set?.spec.replicas ?? Math.max(-1, ...ids) + 1 - firstId
    const brokers = Array.from({ length: Math.max(0, running - replicas) }, (_unused, index) => firstId + replicas + index)
    return brokers.length > 0 ? [{ group: name, brokers }] : []
  })
  const gone = removed
    .filter(({ isStopping }) => !isStopping)
    .map(({ name, firstId, replicas }) => ({ group: name, brokers: Array.from({ length: replicas }, (_unused, index) => firstId + index) }))
  return [...shrinking, ...gone]
}

/** Brokers that the spec no longer has stay, by group, until no partition is on them. */
export const shrink: Step = {
  name: 'scale down',
  run: async (pass) => {
    const removed = removedGroups(pass.cluster, pass.seen)
    pass.inputs.removed = removed
    const leaving = leavingBrokers(pass.cluster, pass.seen, removed)
    if (leaving.length === 0) return undefined
    // They stay whatever happens below, unless it is known that they may go.
    const shrinking = leaving.filter(({ group }) => !removed.some(({ name }) => name === group))
    pass.inputs.staying = new Map(shrinking.map(({ group, brokers }) => [group, brokers.length]))
    const verdict = isSkipped(pass.cluster) ? await skip(pass, leaving) : await drainStep(pass.environment, pass.cluster, leaving)
    if (verdict) return { verdict }
    pass.inputs.staying = undefined
    await stopRemoved(pass)
    return undefined
  },
}

const isSkipped = ({ metadata }: Cluster): boolean => metadata.annotations?.[SKIP_DRAIN] === 'true'

/** For brokers that cannot be drained, e.g. because the only replica of something was on a volume that is lost. */
const skip = async ({ environment, cluster }: Pass, leaving: readonly Leaving[]): Promise<undefined> => {
  const brokers = leaving.flatMap((group) => group.brokers).join(', ')
  const note = `brokers ${brokers} go without being drained, as the annotation ${SKIP_DRAIN} says; their volumes stay`
  await environment.events.record(cluster, { type: 'Warning', reason: 'DrainSkipped', action: 'ScaleDown', note })
}

/** Why the brokers that leave are still needed; undefined: they may go. */
const drainStep = async (environment: Environment, cluster: Cluster, leaving: readonly Leaving[]): Promise<Verdict | undefined> => {
  const brokers = leaving.flatMap((group) => group.brokers)
  try {
    const verdict = await drain(await environment.contacts.get(keyOf(cluster)), cluster, brokers)
    if (verdict) return verdict
    const note = `no partition is on the brokers ${brokers.join(', ')} any more: their pods go, their volumes stay`
    await environment.events.record(cluster, { type: 'Normal', reason: 'Changed', action: 'ScaleDown', note })
    return undefined
  } catch (error) {
    const level = error instanceof Unreachable ? 'debug' : 'warn'
    environment.logger[level]({ cluster: keyOf(cluster), err: error }, 'brokers could not be drained')
    return reconciling(
      'Draining',
      `brokers ${brokers.join(', ')} are to go; what is on them could not be asked: ${(error as Error).message}`,
    )
  }
}

/**
 * One step of taking every partition off the brokers that leave. undefined: none is there any more, they may go. It begins anew each time from what Kafka says, so
 * it may be interrupted anywhere, and given up by raising the number of brokers again.
 */
const drain = async (contact: Contact, cluster: Cluster, leaving: readonly number[]): Promise<Verdict | undefined> => {
  const { brokers } = await contact.describeCluster()
  const gone = new Set(leaving)
  const partitions = await contact.partitions.replicas()
  const moves = await contact.partitions.reassignments()
  const there = partitions.filter(({ replicas }) => replicas.some((id) => gone.has(id)))
  const who = leaving.length === 1 ? `broker ${leaving[0]}` : `brokers ${leaving.join(', ')}`
  if (there.length === 0) {
    await clearUp(contact, partitions, moves)
    return undefined
  }
  const left = brokers.filter(({ id }) => !gone.has(id)).length
  const aims = there.map((partition) => settled(partition, moves))
  const wide = aims.find(({ replicas }) => replicas.length > left)
  if (wide) {
    return stalled(
      'CannotDrain',
      `${who} cannot go: the topic ${wide.topic} has ${wide.replicas.length} replicas and ${left} brokers would be left; ` +
        `lower the replicas of the topic, or keep at least ${wide.replicas.length} brokers`,
    )
  }
  const waiting = aims.filter(({ replicas }) => replicas.some((id) => gone.has(id)))
  const room = AT_A_TIME - moves.length
  if (waiting.length > 0 && room > 0) {
    const wanted = withoutBrokers(waiting.slice(0, room), { brokers, partitions }, gone)
    const refusal = await startMoves(contact, { wanted, partitions, brokers, throttle: throttleOf(cluster) })
    if (refusal) return reconciling('KafkaRefused', `${who} cannot be drained: ${refusal.error}: ${refusal.message}`)
  }
  const names = [...new Set(there.map(({ topic }) => topic))]
  const some = names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
  return reconciling('Draining', `${who} will go when ${there.length} partitions have been moved to others (topics ${some})`)
}
